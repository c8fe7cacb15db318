/**
 * An agent's own configuration file, as far as it reaches the protocol: its settings, its node and its peers, and the
 * addresses. The keys of the agent's adapters are let pass unread.
 */
import type { RawNode, Spot } from '@failtome/config';
import * as keys from '@failtome/config/keys';
import { MAX_ADDRESSES, MAX_PEERS, type Role } from '@failtome/protocol';
import { nodeName } from './cluster-shape.ts';
import type { Fault } from './fault.ts';
import { inOrder } from './fault.ts';
import { movable } from './ip-shapes.ts';
import { type Given, SETTINGS, type Setting, type SettingValue, settingsOf } from './setting-table.ts';
import { reportClashes, WITHOUT_EFFECT } from './settings-shape.ts';
import {
  at,
  type Context,
  choice,
  type Field,
  listOf,
  map,
  newContext,
  optional,
  reportFault,
  required,
  type Shape,
  whole,
} from './shape.ts';
import { parseText } from './source.ts';

/** What an agent's configuration file says that a simulation heeds. */
export interface AgentConfiguration {
  /** The file. */
  readonly spot: Spot;
  /** For all addresses, with the first one's probe. */
  readonly settings: Given;
  /** This node among its peers, in the order of the list; by itself at the front where the list leaves it out. */
  readonly nodes: readonly { readonly id: string; readonly role: Role; readonly priority: number }[];
  /** Each with its own probe. */
  readonly addresses: readonly {
    readonly ip: string;
    readonly home: string | undefined;
    readonly settings: Given;
  }[];
}

/** A configuration file, or what is wrong with it. */
export type AgentFileRead =
  | { readonly kind: 'configuration'; readonly configuration: AgentConfiguration }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[] };

/** Read by the agent's adapters, and by nothing here. */
const unread: Shape<null> = { expected: 'anything', schema: {}, read: () => null };

const role = choice(['candidate', 'witness', 'member']);
const priority = whole(0, 1_000_000);

/** The keys of a section that reach the protocol, and those that don't. */
function section(name: string, besides: readonly string[] = []): Shape<Given> {
  const own = SETTINGS.filter(({ path }) => path.startsWith(`${name}.`));
  const passed = [...WITHOUT_EFFECT].filter((path) => path.startsWith(`${name}.`));
  const names = [...passed.map((path) => path.slice(name.length + 1)), ...besides];
  const shape = map(`the section ${name}`, {
    ...Object.fromEntries(own.map((setting) => [keyOf(setting), optional(setting.shape, setting.says)])),
    ...Object.fromEntries(names.map((key): [string, Field<unknown>] => [key, optional(unread, '')])),
  });
  return {
    ...shape,
    read(node, reading) {
      const read = shape.read(node, reading);
      if (read === undefined) return undefined;
      const given = new Map<string, SettingValue>();
      for (const setting of own) {
        const value = read[keyOf(setting)];
        if (value !== undefined) given.set(setting.path, value as SettingValue); // each by its setting's shape
      }
      return given;
    },
  };
}

const keyOf = ({ path }: Setting): string => path.slice(path.indexOf('.') + 1);

const alone = (path: string): Shape<SettingValue> =>
  SETTINGS.find((setting) => setting.path === path)?.shape ?? unread;

const driverKeys = section('driver');

const driver: Shape<Given> = {
  ...driverKeys,
  read(node, reading) {
    const kind = node.kind === 'map' ? node.entries.get('kind')?.value : undefined;
    if (kind?.kind !== 'scalar' || kind.value !== 'exec') return driverKeys.read(node, reading);
    const hint = 'a program of yours is not simulated; ec2-private-ip stands for one that can be fenced';
    return reportFault(kind, at(reading, 'kind'), 'exec', 'ec2, ec2-private-ip, ec2-route or opsworks', hint);
  },
};

const NO_SETTINGS: Given = new Map();
const nothing = optional(unread, '');
const probe = section('probe');

const failbackKeys = section('failback');
/** `never` as well. */
const failback: Shape<Given> = {
  ...failbackKeys,
  read: (node, reading) =>
    node.kind === 'scalar' && node.value === 'never' ? NO_SETTINGS : failbackKeys.read(node, reading),
};

const peerList = listOf(
  map('a peer', {
    id: required(nodeName, ''),
    url: nothing,
    role: optional(role, ''),
    priority: optional(priority, ''),
    publicKey: nothing,
  }),
  MAX_PEERS,
  1,
);

const soughtPeers = map('peers, and how they are found', { from: nothing, nodes: required(peerList, '') });

/** The list by itself, or beside how the peers are found. */
const peers: typeof peerList = {
  ...peerList,
  read: (node, reading) =>
    node.kind === 'map' ? soughtPeers.read(node, reading)?.nodes : peerList.read(node, reading),
};

const file = map("an agent's configuration", {
  cluster: nothing,
  preset: optional(alone('preset'), ''),
  api: nothing,
  auth: nothing,
  stateDir: nothing,
  handover: nothing,
  recorder: nothing,
  log: nothing,
  node: optional(
    map('this node', {
      id: optional(nodeName, ''),
      role: optional(role, ''),
      priority: optional(priority, ''),
    }),
    '',
  ),
  peers: required(peers, ''),
  addresses: required(
    listOf(
      map('an address', {
        ip: required(movable, ''),
        allocationId: nothing,
        privateIp: nothing,
        home: optional(nodeName, ''),
        probe: optional(probe, ''),
      }),
      MAX_ADDRESSES,
      1,
    ),
    '',
  ),
  local: optional(section('local'), ''),
  gossip: optional(section('gossip'), ''),
  agreement: optional(section('agreement'), ''),
  guard: optional(section('guard'), ''),
  driver: optional(driver, ''),
  notify: optional(
    map('notify', {
      sns: nothing,
      webhook: nothing,
      exec: nothing,
      events: nothing,
      blockedAfter: optional(alone('notify.blockedAfter'), ''),
    }),
    '',
  ),
  store: nothing,
  holdDown: optional(alone('holdDown'), ''),
  flap: optional(section('flap'), ''),
  failback: optional(failback, ''),
});

/** Read an agent's configuration. */
export function readAgentFile(source: string, content: string): AgentFileRead {
  const parsed = parseText(source, content);
  const context = newContext(parsed.faults);
  const configuration = parsed.root === null ? undefined : configurationIn(parsed.root, context);
  if (configuration === undefined || context.faults.length > 0)
    return { kind: 'faulty', faults: inOrder(context.faults) };
  return { kind: 'configuration', configuration };
}

function configurationIn(root: RawNode, context: Context): AgentConfiguration | undefined {
  const reading = { path: '', context };
  const read = file.read(root, reading);
  if (read === undefined) return undefined;
  const common = commonSettings(read, root);
  const addresses = read.addresses.map(({ ip, home, probe: own }) => ({
    ip,
    home,
    settings: both(common, own),
  }));
  for (const { settings } of addresses) reportClashes(root, reading, settingsOf(settings));
  const { id, role: ownRole = 'candidate', priority: ownPriority = 100 } = read.node ?? { id: undefined };
  const peers = read.peers.map((peer) =>
    peer.id === id
      ? { id, role: ownRole, priority: ownPriority }
      : { id: peer.id, role: peer.role ?? 'candidate', priority: peer.priority ?? 100 },
  );
  const self = id === undefined || peers.some((peer) => peer.id === id);
  return {
    spot: root.spot,
    settings: addresses[0]?.settings ?? common,
    nodes: self ? peers : [{ id, role: ownRole, priority: ownPriority }, ...peers],
    addresses,
  };
}

type Read = typeof file extends Shape<infer T> ? T : never;

function commonSettings(read: Read, root: RawNode): Given {
  const given = new Map<string, SettingValue>();
  for (const part of [
    read.local,
    read.gossip,
    read.agreement,
    read.guard,
    read.driver,
    read.flap,
    read.failback,
  ])
    for (const [path, value] of part ?? []) given.set(path, value);
  // What the agent does without where its section is left out.
  if (read.failback !== undefined && read.failback !== NO_SETTINGS && !read.failback.has('failback.after'))
    given.set('failback.after', keys.usualMs(keys.FAILBACK_AFTER));
  if (!has(root, 'local')) given.set('local', null);
  if (!has(root, 'notify', 'sns')) given.set('notify.sns', false);
  if (has(root, 'notify', 'webhook') || has(root, 'notify', 'exec')) given.set('notify.webhook', true);
  if (has(root, 'store')) given.set('store', true);
  // Simulated operators have keys where these have.
  if (has(root, 'auth', 'operators')) given.set('identities', true);
  if (read.preset !== undefined) given.set('preset', read.preset);
  if (read.notify?.blockedAfter !== undefined) given.set('notify.blockedAfter', read.notify.blockedAfter);
  if (read.holdDown !== undefined) given.set('holdDown', read.holdDown);
  return given;
}

/** Whether that key is there, with something under it. */
function has(root: RawNode, ...path: readonly string[]): boolean {
  let here: RawNode | undefined = root;
  for (const key of path) here = here?.kind === 'map' ? here.entries.get(key)?.value : undefined;
  return here !== undefined && !(here.kind === 'scalar' && here.value === null);
}

function both(common: Given, own: Given | undefined): Given {
  return new Map([...common, ...(own ?? [])]);
}
