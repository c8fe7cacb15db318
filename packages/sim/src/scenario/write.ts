/**
 * Scenarios as files: what `readScenario` reads back into the same plan. Whatever is as it would be anyway is left out.
 */
import { formatDuration } from '@failtome/config';
import { Document, isPair, isScalar, visit } from 'yaml';
import { ACTIONS, type Entry, type Parameter, type Plan, type Value } from '../plan/index.ts';
import {
  ADDRESS,
  DEFAULT_SETTINGS,
  type NodeSpec,
  type Settings,
  type SettingsChange,
  type WorldSpec,
} from '../world/index.ts';
import { DEFAULTS, defaultOffsetMs } from './cluster-world.ts';
import type { Claim, Count, Expectation } from './expectation.ts';
import { writtenValue } from './overlay.ts';
import {
  NODE_SETTINGS,
  PROBE_SETTINGS,
  type Setting,
  type SettingValue,
  settingIn,
} from './setting-table.ts';
import { shortFor, writtenName } from './timeline-shape.ts';
import { formatShare } from './units.ts';

/** What a scenario file says besides its plan. */
export interface WrittenScenario {
  readonly name: string;
  /** One sentence. */
  readonly proves: string;
  readonly expect?: readonly Expectation[];
  /** Default: the plan's own seed alone. */
  readonly seeds?: readonly number[];
  /** Lines that stand above it, as comments. */
  readonly comment?: string;
}

type Json = Value;
type Part = Record<string, Json>;

/** A plan as the text of a scenario file. Its title becomes the name. */
export function writeScenario(
  plan: Plan,
  { name, proves, expect = [], seeds, comment }: WrittenScenario,
): string {
  const { world, timeline, ending } = plan;
  const file: Part = { scenario: name, proves, cluster: clusterOf(world) };
  assign(file, 'settings', settingsPart(world));
  assign(file, 'cloud', cloudOf(world));
  if (!same(world.diskMs, DEFAULTS.diskMs)) file.disk = { write: world.diskMs.map(formatDuration) };
  if (world.timerLateMs !== DEFAULTS.timerLateMs) file.timers = { late: formatDuration(world.timerLateMs) };
  if (world.packets !== undefined)
    file.network = { loss: formatShare(Math.round(world.packets.loss * 1_000)) };
  file.seeds = seeds ?? [world.seed];
  file.timeline = timeline.map((entry) => ({
    at: formatDuration(entry.atMs),
    ...actionOf(entry, world),
    ...(entry.forMs === null ? {} : { for: formatDuration(entry.forMs) }),
  }));
  if (ending.kind === 'stop') file.run = { for: formatDuration(ending.atMs) };
  else
    file.recover = {
      at: formatDuration(ending.atMs),
      ...(ending.broken.length === 0 ? {} : { broken: ending.broken.map((one) => actionOf(one, world)) }),
      goal: ending.goal,
    };
  const blocks = expect.map(expectationOf);
  const [only] = blocks;
  if (only !== undefined) file.expect = blocks.length === 1 ? only : blocks;
  return textOf(file, comment);
}

/** The outer parts a line each, what is small inside of them on one line. */
function textOf(file: Part, comment: string | undefined): string {
  const document = new Document(file);
  if (comment !== undefined) document.commentBefore = comment.replaceAll(/^/gm, ' ');
  visit(document, {
    Collection(_, node, path) {
      const pair = path.at(-1);
      const tall = isPair(pair) && isScalar(pair.key) && TALL.has(String(pair.key.value));
      const short = isPair(pair) && isScalar(pair.key) && pair.key.value === 'seeds';
      if (short || (path.length >= FLOW_DEPTH && !tall)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** From here on collections stand on one line: document, map, pair, list or map, item. */
const FLOW_DEPTH = 4;
/** Lists with a line for each of their items. */
const TALL: ReadonlySet<string> = new Set(['nodes', 'broken']);

function assign(to: Part, key: string, part: Part): void {
  if (Object.keys(part).length > 0) to[key] = part;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

function clusterOf(world: WorldSpec): Part {
  const nodes = world.nodes.map((node, index) => nodeOf(node, index, world));
  const first = world.nodes.findIndex(({ role }) => role === 'candidate');
  const addresses = world.addresses.map((ip, index): Json => {
    const held = world.holders[index] ?? null;
    const probe = probePart(world.settings, ip);
    const holder = held === null ? 'nobody' : (world.nodes[held]?.id ?? 'nobody');
    const home = world.settings.homes?.[ip];
    if (held === first && probe === null && home === undefined) return ip;
    return {
      ip,
      ...(held === first ? {} : { holder }),
      ...(home === undefined ? {} : { home }),
      ...(probe === null ? {} : { probe }),
    };
  });
  return addresses.length === 1 && addresses[0] === ADDRESS ? { nodes } : { nodes, addresses };
}

function probePart(settings: Settings, ip: string): Part | null {
  const own = settings.probes?.[ip];
  if (own === undefined) return null;
  const parts = PROBE_SETTINGS.flatMap((setting): (readonly [string, Json])[] => {
    const value = settingIn({ ...settings, probe: own }, setting);
    if (value === undefined || value === settingIn(settings, setting)) return [];
    return [[setting.path.slice('probe.'.length), writtenValue(setting, value)]];
  });
  return Object.fromEntries(parts);
}

function nodeOf(node: NodeSpec, index: number, world: WorldSpec): Json {
  const { id, role, priority, clock, bootMs, overrides, nat } = node;
  const part: Part = { id };
  if (role !== 'candidate') part.role = role;
  if (priority !== 100) part.priority = priority;
  if (bootMs !== 0) part.boot = bootMs === null ? 'never' : formatDuration(bootMs);
  const clocks: Part = {};
  if (clock.driftPpm !== 0) clocks.drift = `${clock.driftPpm} ppm`;
  if (clock.offsetMs !== defaultOffsetMs(index)) clocks.offset = formatDuration(clock.offsetMs);
  if (clock.wallErrorMs !== 0) clocks.wallError = formatDuration(clock.wallErrorMs);
  assign(part, 'clock', clocks);
  if (nat !== undefined) part.nat = nat ?? 'none';
  if (world.occupied.includes(id)) part.occupied = true;
  if (overrides?.settings !== undefined) part.settings = changePart(overrides.settings);
  if (overrides?.peers !== undefined) part.peers = overrides.peers;
  if (overrides?.wire !== undefined) part.wire = overrides.wire;
  return Object.keys(part).length === 1 ? id : part;
}

function settingsPart({ settings, driver }: WorldSpec): Part {
  const given = NODE_SETTINGS.flatMap((setting): (readonly [Setting, SettingValue])[] => {
    const value = settingIn(settings, setting);
    const usual = settingIn(DEFAULT_SETTINGS, setting);
    // What follows from another setting is written down, whatever it follows from.
    const follows = setting.derive !== undefined && value !== undefined;
    return value === undefined || (value === usual && !follows) ? [] : [[setting, value]];
  });
  const part = nested(given.filter(([setting, value]) => !isUsual(setting, value, given)));
  if (driver !== 'ec2') part.driver = { kind: driver, ...asPart(part.driver) };
  return part;
}

/** Whether a setting that follows from others would be this anyway. */
function isUsual(
  setting: Setting,
  value: SettingValue,
  all: readonly (readonly [Setting, SettingValue])[],
): boolean {
  return setting.derive?.(new Map(all.map(([{ path }, one]) => [path, one]))) === value;
}

function changePart(change: SettingsChange): Part {
  return nested(
    NODE_SETTINGS.flatMap((setting): (readonly [Setting, SettingValue])[] => {
      const value = settingIn(change, setting);
      return value === undefined ? [] : [[setting, value]];
    }),
  );
}

function nested(given: readonly (readonly [Setting, SettingValue])[]): Part {
  const part: Part = {};
  for (const [setting, value] of given) {
    const [section = '', name] = setting.path.split('.');
    const written = writtenValue(setting, value);
    part[section] = name === undefined ? written : { ...asPart(part[section]), [name]: written };
  }
  return part;
}

function asPart(value: Json | undefined): Part {
  return isPart(value) ? { ...value } : {};
}

function isPart(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cloudOf(world: WorldSpec): Part {
  const { cloud, associationSettleMs, autoAddressDelayMs, staleDisassociate } = world;
  const part: Part = {};
  if (!same(cloud.applyMs, DEFAULTS.applyMs)) part.apply = cloud.applyMs.map(formatDuration);
  if (!same(cloud.answerMs, DEFAULTS.answerMs)) part.answer = cloud.answerMs.map(formatDuration);
  if (cloud.lostAnswerPerMille !== 0) part.lostAnswers = formatShare(cloud.lostAnswerPerMille);
  if (associationSettleMs !== 0) part.associationSettles = formatDuration(associationSettleMs);
  if (autoAddressDelayMs !== DEFAULTS.autoAddressDelayMs)
    part.newPublicAddress = autoAddressDelayMs === null ? 'never' : formatDuration(autoAddressDelayMs);
  if (staleDisassociate !== 'not-found') part.staleRelease = staleDisassociate;
  return part;
}

/** @throws Error when there is no such action */
function actionOf({ action, with: given }: Omit<Entry, 'atMs' | 'forMs'>, world: WorldSpec): Part {
  const kind = ACTIONS.get(action);
  if (kind === undefined) throw new Error(`there is no action called ${action}`);
  const parts = Object.entries(kind.parameters).flatMap(([name, parameter]): (readonly [string, Json])[] => {
    const value = given[name];
    if (value === undefined || isLeftOut(parameter, value, world)) return [];
    return [[name, argumentOf(parameter, value)]];
  });
  const [first] = parts;
  if (parts.length === 1 && first !== undefined && first[0] === shortFor(kind)) return { [action]: first[1] };
  return { [action]: Object.fromEntries(parts.map(([name, value]) => [writtenName(name), value])) };
}

function isLeftOut(parameter: Parameter, value: Value, { addresses }: WorldSpec): boolean {
  if (parameter.optional !== undefined) return parameter.optional === value;
  return parameter.kind === 'address' && addresses.length === 1 && value === addresses[0];
}

function argumentOf(parameter: Parameter, value: Value): Json {
  if (parameter.kind === 'duration' && typeof value === 'number') return formatDuration(value);
  if (parameter.kind === 'share' && typeof value === 'number') return formatShare(value);
  if (parameter.kind === 'settings') return isPart(value) ? changePart(value) : value;
  return value;
}

function expectationOf({ fromMs, untilMs, claims }: Expectation): Part {
  const part: Part = {};
  if (fromMs !== null) part.from = formatDuration(fromMs);
  if (untilMs !== null) part.until = formatDuration(untilMs);
  for (const claim of claims) Object.assign(part, { [keyOf(claim)]: written(claim, part[keyOf(claim)]) });
  return part;
}

function keyOf({ kind }: Claim): string {
  return kind === 'told-texts' ? 'told' : kind;
}

/** With what the same key says already. */
function written(claim: Claim, before: Json | undefined): Json {
  switch (claim.kind) {
    case 'holder':
      return byAddress(claim.address, claim.node ?? 'nobody', before);
    case 'takers':
      return byAddress(claim.address, claim.nodes, before);
    case 'moves':
      return byAddress(claim.address, countOf(claim.count), before);
    case 'served': {
      const { by, withinMs } = claim;
      const part = {
        ...(by === null ? {} : { by }),
        ...(withinMs === null ? {} : { within: formatDuration(withinMs) }),
      };
      return byAddress(claim.address, part, before);
    }
    case 'unserved':
      return byAddress(claim.address, formatDuration(claim.forMs), before);
    case 'told':
    case 'stored':
      return countOf(claim.count);
    case 'told-texts':
    case 'webhook':
    case 'answered':
      return claim.texts;
    case 'seen':
    case 'unseen': {
      const node = claim.node ?? 'anyone';
      const part = asPart(before);
      const observations = part[node];
      return { ...part, [node]: [...(Array.isArray(observations) ? observations : []), claim.observation] };
    }
    case 'decision':
      return { ...asPart(before), [claim.node]: claim.is };
    case 'calls':
      return { ...asPart(before), [claim.call]: countOf(claim.count) };
    case 'ready':
      return [...(Array.isArray(before) ? before : []), claim.node];
    case 'unready':
      return { ...asPart(before), [claim.node]: claim.because };
  }
}

function byAddress(address: string | null, value: Json, before: Json | undefined): Json {
  return address === null ? value : { ...asPart(before), [address]: value };
}

function countOf({ least, most }: Count): Json {
  if (most === null) return `at least ${least}`;
  return least === most ? least : `at most ${most}`;
}
