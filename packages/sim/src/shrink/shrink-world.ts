/**
 * The world in which it happens, made less: fewer nodes and addresses, usual settings, calm clouds, disks and clocks.
 */
import { ACTIONS, type Entry, type Plan } from '../plan/index.ts';
import {
  ADDRESS,
  CALM_WORLD,
  DEFAULT_SETTINGS,
  FAST_SETTINGS,
  type NodeSpec,
  type Settings,
  type WorldSpec,
} from '../world/index.ts';
import type { Search } from './shrink-search.ts';

type Change = Partial<WorldSpec>;

const CALM: Change = { ...CALM_WORLD, driver: 'ec2' };

/** Leave out nodes. */
export function dropNodes(search: Search): boolean {
  let dropped = false;
  for (const { id } of [...search.plan.world.nodes].reverse()) {
    if (search.plan.world.nodes.length <= 2) return dropped;
    dropped = search.attempt(withoutNode(search.plan, id), `node ${id}`) || dropped;
  }
  return dropped;
}

/** Without whatever names it, too; what it held is held by nobody. */
function withoutNode(plan: Plan, id: string): Plan {
  const { world, timeline, ending } = plan;
  const gone = world.nodes.findIndex((node) => node.id === id);
  const without = withoutNaming('node', id);
  const holders = world.holders.map((holder) =>
    holder === null || holder === gone ? null : holder > gone ? holder - 1 : holder,
  );
  return {
    ...plan,
    world: {
      ...world,
      nodes: world.nodes.filter((node) => node.id !== id).map((node) => forgetting(node, id)),
      holders: holders.map((holder, index) =>
        world.holders[index] === gone ? firstCandidate(world, id) : holder,
      ),
      occupied: world.occupied.filter((one) => one !== id),
    },
    timeline: timeline.filter(without),
    ending: ending.kind === 'stop' ? ending : { ...ending, broken: ending.broken.filter(without) },
  };
}

function firstCandidate({ nodes }: WorldSpec, gone: string): number | null {
  const index = nodes.filter(({ id }) => id !== gone).findIndex(({ role }) => role === 'candidate');
  return index < 0 ? null : index;
}

function forgetting(node: NodeSpec, id: string): NodeSpec {
  const peers = node.overrides?.peers;
  if (peers === undefined) return node;
  return { ...node, overrides: { ...node.overrides, peers: peers.filter((one) => one !== id) } };
}

function withoutNaming(
  kind: 'node' | 'address',
  value: string,
): (entry: Pick<Entry, 'action' | 'with'>) => boolean {
  return ({ action, with: given }) =>
    !Object.entries(ACTIONS.get(action)?.parameters ?? {}).some(
      ([name, parameter]) => parameter.kind === kind && given[name] === value,
    );
}

/** One address, and the usual one. */
export function dropAddresses(search: Search): boolean {
  let dropped = false;
  for (const ip of [...search.plan.world.addresses].reverse()) {
    if (search.plan.world.addresses.length < 2) return dropped;
    dropped = search.attempt(withoutAddress(search.plan, ip), `address ${ip}`) || dropped;
  }
  const [only, ...others] = search.plan.world.addresses;
  if (only === undefined || only === ADDRESS || others.length > 0) return dropped;
  const renamed = JSON.parse(JSON.stringify(search.plan).replaceAll(only, ADDRESS)) as Plan; // the same, but for one name
  return search.attempt(renamed, `the name of ${only}`) || dropped;
}

function withoutAddress(plan: Plan, ip: string): Plan {
  const { world } = plan;
  const gone = world.addresses.indexOf(ip);
  return {
    ...plan,
    world: {
      ...world,
      addresses: world.addresses.filter((one) => one !== ip),
      holders: world.holders.filter((_, index) => index !== gone),
    },
    timeline: plan.timeline.filter(withoutNaming('address', ip)),
  };
}

/** Everything at once where that does; else one after the other. */
export function calmWorld(search: Search): boolean {
  if (attemptEach(search, [['what is unusual about the world', CALM]])) return true;
  const simpler = attemptEach(
    search,
    Object.entries(CALM).map(
      ([name, value]) => [`what is unusual about ${name}`, { [name]: value }] as const,
    ),
  );
  const { cloud, holders } = search.plan.world;
  const rest = attemptEach(search, [
    ['what is lost to a changed address', { cloud: { ...cloud, lostAnswerPerMille: 0 } }],
    ['that an address has no holder', { holders: holders.map((holder) => holder ?? 0) }],
  ]);
  return simpler || rest;
}

/** Give nodes plain clocks and settings. */
export function calmNodes(search: Search): boolean {
  const calm = (node: NodeSpec, index: number): NodeSpec => ({
    ...plainNode(node),
    clock: { offsetMs: 1_000 * (index + 1), driftPpm: 0, wallErrorMs: 0 },
  });
  const all = search.plan.world.nodes.map(calm);
  if (attemptEach(search, [['what is unusual about the nodes', { nodes: all }]])) return true;
  let simpler = false;
  for (let at = 0; at < all.length; at += 1) {
    const parts = nodeParts(search.plan.world, at).map(
      ([name, node]) => [`${node.id}'s ${name}`, { nodes: search.plan.world.nodes.with(at, node) }] as const,
    );
    simpler = attemptEach(search, parts) || simpler;
  }
  return simpler;
}

function plainNode({ id, role }: NodeSpec): Omit<NodeSpec, 'clock'> {
  return { id, role, priority: 100, bootMs: 0 };
}

function nodeParts({ nodes }: WorldSpec, at: number): readonly (readonly [string, NodeSpec])[] {
  const node = nodes[at];
  if (node === undefined) return [];
  const { overrides: _overrides, ...agreeing } = node;
  const { nat: _nat, ...direct } = node;
  const clock = { offsetMs: 1_000 * (at + 1), driftPpm: 0, wallErrorMs: 0 };
  return [
    ['clock', { ...node, clock }],
    ['priority', { ...node, priority: 100 }],
    ['late start', { ...node, bootMs: 0 }],
    ['own configuration', agreeing],
    ['NAT gateway', direct],
  ];
}

/** The defaults, or the fast ones, or as much of them as does. */
export function usualSettings(search: Search): boolean {
  const wholes = [DEFAULT_SETTINGS, FAST_SETTINGS];
  const present = JSON.stringify(search.plan.world.settings);
  if (wholes.some((settings) => JSON.stringify(settings) === present)) return false;
  if (
    attemptFirst(
      search,
      wholes.map((settings) => ['unusual settings', { settings }] as const),
    )
  )
    return true;
  const { settings } = search.plan.world;
  const base =
    settings.gossip.intervalMs === FAST_SETTINGS.gossip.intervalMs ? FAST_SETTINGS : DEFAULT_SETTINGS;
  let simpler = false;
  for (const name of Object.keys(base) as (keyof Settings)[]) {
    const now = search.plan.world.settings;
    simpler =
      attemptEach(search, [[`the setting ${name}`, { settings: { ...now, [name]: base[name] } }]]) || simpler;
  }
  return simpler;
}

function attemptEach(search: Search, changes: readonly (readonly [string, Change])[]): boolean {
  let simpler = false;
  for (const [what, change] of changes) simpler = attemptChange(search, what, change) || simpler;
  return simpler;
}

function attemptFirst(search: Search, changes: readonly (readonly [string, Change])[]): boolean {
  return changes.some(([what, change]) => attemptChange(search, what, change));
}

function attemptChange(search: Search, what: string, change: Change): boolean {
  const { plan } = search;
  const world = { ...plan.world, ...change };
  return JSON.stringify(world) !== JSON.stringify(plan.world) && search.attempt({ ...plan, world }, what);
}
