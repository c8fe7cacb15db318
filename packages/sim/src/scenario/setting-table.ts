/**
 * The settings of the agent's configuration that reach the protocol, by the keys that both read. Each is at home at a
 * place of `Settings`, and every way of writing settings here goes through this table.
 */
import { formatDuration, parseDuration } from '@failtome/config';
import * as keys from '@failtome/config/keys';
import { SPAN_OF_DAY } from '@failtome/protocol';
import {
  changed,
  DEFAULT_SETTINGS,
  type Settings,
  type SettingsChange,
  SIM_DRIVERS,
} from '../world/index.ts';
import { choice, duration, flag, type Shape, text, whole, word } from './shape.ts';

/** The value of a setting. */
export type SettingValue = string | number | boolean | null;

/** A setting of the protocol. */
export interface Setting {
  /** As in `settings:`. In the agent's file a probe's stand under `addresses[]`. */
  readonly path: string;
  readonly says: string;
  readonly shape: Shape<SettingValue>;
  /** Where it is at home; null: not in `Settings`. */
  readonly at: readonly [string] | readonly [string, string] | null;
  /** As it is written. */
  readonly write: 'duration' | 'plain' | 'none';
  /** Follows from what was chosen beside it, where it isn't given. */
  readonly derive?: (given: Given) => number | string;
}

/** Settings that were written down, by path. */
export type Given = ReadonlyMap<string, SettingValue>;

type At = NonNullable<Setting['at']>;

function ms(key: keys.DurationKey, at: At): Setting {
  const { range, says } = key;
  const shape = duration(range.leastMs, range.mostMs, 'whole');
  return withDefault(key, { path: pathOf(key), says, shape, at, write: 'duration' });
}

function count(key: keys.WholeKey, at: At): Setting {
  const { range, says } = key;
  const shape = whole(range.least, range.most);
  return withDefault(key, { path: pathOf(key), says, shape, at, write: 'plain' });
}

/** @param words those that are simulated */
function oneOf<T extends string>(key: keys.ChoiceKey<T>, at: Setting['at'], words: readonly T[]): Setting {
  return { path: pathOf(key), says: key.says, shape: choice(words), at, write: 'plain' };
}

function none(path: string, at: At, meaning: SettingValue, says: string): Setting {
  return { path, says, shape: word('none', meaning), at, write: 'none' };
}

/** All addresses have one probe here, unless one is given its own. */
function pathOf({ path }: { readonly path: string }): string {
  return path.replace('addresses[].', '');
}

/** With the default that follows from `preset` or from other keys of the section, as the agent's does. */
function withDefault(
  { path, fallback }: Pick<keys.DurationKey, 'path' | 'fallback'>,
  made: Setting,
): Setting {
  if (fallback.kind !== 'derived' && fallback.kind !== 'preset') return made;
  const [section = ''] = made.path.split('.');
  const isDuration = made.write === 'duration';
  const derive = (given: Given): number | string => {
    const written = keys.defaultBy(fallback, (name) => {
      const chosen = given.get(name.startsWith('/') ? name.slice(1) : `${section}.${name}`);
      return typeof chosen === 'number' && isDuration ? formatDuration(chosen) : chosen;
    });
    const value = isDuration ? parseDuration(String(written)) : written;
    if (value === null) throw new Error(`${path} has no default`);
    return value;
  };
  return { ...made, derive };
}

/** All settings that a scenario can change. */
export const SETTINGS: readonly Setting[] = [
  {
    // What stands under `auth` in the agent's file.
    path: 'identities',
    says: 'whether only the orders count that an operator has signed',
    shape: flag,
    at: ['identities'],
    write: 'plain',
  },
  oneOf(keys.PRESET, null, keys.PRESET.range.words),
  ms(keys.PROBE_INTERVAL, ['probe', 'intervalMs']),
  ms(keys.PROBE_FAST_INTERVAL, ['probe', 'fastIntervalMs']),
  ms(keys.PROBE_TIMEOUT, ['probe', 'timeoutMs']),
  count(keys.PROBE_FALL, ['probe', 'fall']),
  count(keys.PROBE_RISE, ['probe', 'rise']),
  none('local', ['local'], null, 'none: a node always counts as fit'),
  ms(keys.LOCAL_INTERVAL, ['local', 'intervalMs']),
  ms(keys.LOCAL_FAST_INTERVAL, ['local', 'fastIntervalMs']),
  ms(keys.LOCAL_TIMEOUT, ['local', 'timeoutMs']),
  count(keys.LOCAL_FALL, ['local', 'fall']),
  count(keys.LOCAL_RISE, ['local', 'rise']),
  ms(keys.GOSSIP_INTERVAL, ['gossip', 'intervalMs']),
  ms(keys.GOSSIP_DEAD, ['gossip', 'deadMs']),
  ms(keys.GOSSIP_TIMEOUT, ['gossip', 'timeoutMs']),
  count(keys.GOSSIP_FANOUT, ['gossip', 'fanout']),
  oneOf(keys.AGREEMENT_SILENT_PEER, ['agreement', 'silentPeer'], keys.AGREEMENT_SILENT_PEER.range.words),
  {
    path: 'agreement.arbiter',
    says: 'whether the pair has a third voter in its store',
    shape: flag,
    at: ['agreement', 'arbiter'],
    write: 'plain',
  },
  ms(keys.AGREEMENT_LEASE, ['agreement', 'leaseMs']),
  ms(keys.GUARD_TIMEOUT, ['guardTimeoutMs']),
  oneOf(keys.DRIVER_KIND, null, SIM_DRIVERS),
  oneOf(keys.DRIVER_DISPLACE, ['displace'], keys.DRIVER_DISPLACE.range.words),
  none('notify.sns', ['notifies'], false, 'none: there is no topic, and nothing is sent'),
  {
    path: 'notify.webhook',
    says: 'whether there is a web hook, which is told of every event',
    shape: flag,
    at: ['webhook'],
    write: 'plain',
  },
  {
    // A section in the agent's file, where it says which.
    path: 'store',
    says: 'whether there is a store to relay through',
    shape: flag,
    at: ['store'],
    write: 'plain',
  },
  ms(keys.NOTIFY_BLOCKED_AFTER, ['blockedAfterMs']),
  ms(keys.HOLD_DOWN, ['holdDownMs']),
  count(keys.FLAP_MOVES, ['flap', 'moves']),
  ms(keys.FLAP_WITHIN, ['flap', 'withinMs']),
  ms(keys.FAILBACK_AFTER, ['failback', 'afterMs']),
  {
    path: 'failback.window',
    says: 'within which span of the day addresses go home',
    shape: text('a span of the day such as 02:00-05:00 UTC', SPAN_OF_DAY),
    at: ['failback', 'window'],
    write: 'plain',
  },
];

/** What a node may have differently; the driver is the cluster's. */
export const NODE_SETTINGS: readonly Setting[] = SETTINGS.filter(({ path }) => path !== 'driver.kind');
/** Those that an address can have of its own. */
export const PROBE_SETTINGS: readonly Setting[] = SETTINGS.filter(({ path }) => path.startsWith('probe.'));

/** With every default filled in. */
export function settingsOf(given: Given): Settings {
  return changed(DEFAULT_SETTINGS, changeOf(withDerived(given, SETTINGS)));
}

/**
 * What one node has differently.
 *
 * @param cluster what was given for all
 */
export function overridesOf(given: Given, cluster: Given): SettingsChange {
  const merged = merge(cluster, given);
  const before = settingsOf(cluster);
  const after = settingsOf(merged);
  const own = new Map(given);
  for (const setting of NODE_SETTINGS) {
    const value = settingIn(after, setting);
    // A check that only this node has it has as a whole.
    const newCheck = before.local === null && after.local !== null && setting.path.startsWith('local.');
    const follows = setting.derive !== undefined && value !== settingIn(before, setting);
    if ((newCheck || follows) && value !== undefined && !own.has(setting.path)) own.set(setting.path, value);
  }
  return changeOf(own);
}

/** Later words count; a check is taken out, or comes back, as a whole. */
export function merge(before: Given, after: Given): Given {
  const merged = new Map(before);
  if (after.has('local'))
    for (const path of merged.keys()) if (path.startsWith('local.')) merged.delete(path);
  if ([...after.keys()].some((path) => path.startsWith('local.'))) merged.delete('local');
  for (const [path, value] of after) merged.set(path, value);
  return merged;
}

function withDerived(given: Given, settings: readonly Setting[]): Given {
  const full = new Map(given);
  if (given.has('local'))
    return fillIn(
      full,
      given,
      settings.filter(({ path }) => !path.startsWith('local.')),
    );
  return fillIn(full, given, settings);
}

function fillIn(full: Map<string, SettingValue>, given: Given, settings: readonly Setting[]): Given {
  for (const { path, derive } of settings)
    if (derive !== undefined && !full.has(path)) full.set(path, derive(given));
  return full;
}

function changeOf(given: Given): SettingsChange {
  const change: Record<string, SettingValue | Record<string, SettingValue>> = {};
  for (const { path, at } of SETTINGS) {
    const value = given.get(path);
    if (value === undefined || at === null) continue;
    const [section, name] = at;
    const inside = change[section];
    if (name === undefined) change[section] = value;
    else if (typeof inside === 'object' && inside !== null) inside[name] = value;
    else change[section] = { [name]: value };
  }
  return change;
}

/** What a setting is in these settings, or this part of them; undefined: nothing is said. */
export function settingIn(
  settings: Settings | SettingsChange,
  { at, write }: Setting,
): SettingValue | undefined {
  if (at === null) return undefined;
  const [section, name] = at;
  const parts = settings as SettingsChange; // settings are plain data of that kind
  const outer = parts[section];
  const value = name === undefined ? outer : isMap(outer) ? outer[name] : undefined;
  if (write === 'none') return value === null || value === false ? value : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}

function isMap(value: unknown): value is SettingsChange {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every setting of a node as it is, written down. */
export function givenIn(settings: Settings): Given {
  return new Map(
    NODE_SETTINGS.flatMap((setting): readonly (readonly [string, SettingValue])[] => {
      const value = settingIn(settings, setting);
      return value === undefined ? [] : [[setting.path, value]];
    }),
  );
}

/** A combination that can't work, as the agent refuses it: at which key, and why. */
export interface Clash {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** Settings that contradict each other. */
export function clashesOf({ probe, local, gossip, agreement, store }: Settings): readonly Clash[] {
  const clashes: Clash[] = [];
  const expectFast = 'at most the interval: it is for when something looks wrong';
  for (const [path, checked] of [['probe', probe] as const, ['local', local] as const])
    if (checked !== null && checked.fastIntervalMs > checked.intervalMs)
      clashes.push({
        path: `${path}.fastInterval`,
        found: `${checked.fastIntervalMs}ms`,
        expected: expectFast,
      });
  if (agreement.arbiter === true && store !== true)
    clashes.push({ path: 'agreement.arbiter', found: 'true', expected: 'false, because there is no store' });
  const { intervalMs, timeoutMs, deadMs } = gossip;
  if (timeoutMs >= deadMs) {
    const expected = `less than gossip.dead (${deadMs}ms): a peer would be dead before it could have answered`;
    clashes.push({ path: 'gossip.timeout', found: `${timeoutMs}ms`, expected });
  } else if (deadMs < 2 * intervalMs + timeoutMs) {
    const least = 2 * intervalMs + timeoutMs;
    const expected = `at least 2 × gossip.interval + gossip.timeout (${least}ms): one lost heartbeat is no death`;
    clashes.push({ path: 'gossip.dead', found: `${deadMs}ms`, expected });
  }
  return clashes;
}
