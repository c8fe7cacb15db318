/**
 * The settings of the agent's configuration that reach the protocol: the same keys, kinds, ranges and defaults. Each is
 * at home at a place of `Settings`, and every way of writing settings here goes through this table.
 */
import { MAX_FLAP_MOVES } from '@failtome/protocol';
import { changed, DEFAULT_SETTINGS, type Settings, type SettingsChange } from '../world/index.ts';
import { choice, duration, flag, type Shape, whole, word } from './shape.ts';

export type SettingValue = string | number | boolean | null;

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
  readonly derive?: (given: Given) => number;
}

/** Settings that were written down, by path. */
export type Given = ReadonlyMap<string, SettingValue>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type At = NonNullable<Setting['at']>;

function ms(
  path: string,
  at: At,
  least: number,
  most: number,
  says: string,
  derive?: Setting['derive'],
): Setting {
  const made: Setting = { path, says, shape: duration(least, most, 'whole'), at, write: 'duration' };
  return derive === undefined ? made : { ...made, derive };
}

function plain(path: string, at: Setting['at'], shape: Shape<SettingValue>, says: string): Setting {
  return { path, says, shape, at, write: 'plain' };
}

function none(path: string, at: At, meaning: SettingValue, says: string): Setting {
  return { path, says, shape: word('none', meaning), at, write: 'none' };
}

/** The usual value, or the interval where that is shorter. */
function atMostInterval(section: 'probe' | 'local', usualMs: number): NonNullable<Setting['derive']> {
  return (given) => {
    const chosen = given.get(`${section}.interval`);
    return typeof chosen === 'number' && chosen < usualMs ? chosen : usualMs;
  };
}

function gossipTimeout(given: Given): number {
  const chosen = (path: string, usual: number): number => {
    const value = given.get(path);
    return typeof value === 'number' ? value : usual;
  };
  const { deadMs, intervalMs, timeoutMs } = DEFAULT_SETTINGS.gossip;
  const leftMs = chosen('gossip.dead', deadMs) - 2 * chosen('gossip.interval', intervalMs);
  return leftMs >= 20 && leftMs < timeoutMs ? leftMs : timeoutMs;
}

function check(section: 'probe' | 'local', of: string, usualFastMs: number): readonly Setting[] {
  return [
    ms(`${section}.interval`, [section, 'intervalMs'], 10, 10 * MINUTE, `between two checks of ${of}`),
    ms(
      `${section}.fastInterval`,
      [section, 'fastIntervalMs'],
      10,
      10 * MINUTE,
      'the same, while something looks wrong',
      atMostInterval(section, usualFastMs),
    ),
    ms(`${section}.timeout`, [section, 'timeoutMs'], 10, 2 * MINUTE, 'from connect to the last byte'),
    plain(`${section}.fall`, [section, 'fall'], whole(1, 100), 'failures in a row that make it down'),
    plain(`${section}.rise`, [section, 'rise'], whole(1, 100), 'successes in a row that make it up again'),
  ];
}

export const SETTINGS: readonly Setting[] = [
  plain('identities', ['identities'], flag, 'whether only the orders count that an operator has signed'),
  ...check('probe', 'the address', 500),
  none('local', ['local'], null, 'none: a node always counts as fit'),
  ...check('local', "a node's own HAProxy", 200),
  ms('gossip.interval', ['gossip', 'intervalMs'], 20, MINUTE, 'between two heartbeats'),
  ms('gossip.dead', ['gossip', 'deadMs'], 100, 10 * MINUTE, 'not heard for this long is silent'),
  ms('gossip.timeout', ['gossip', 'timeoutMs'], 20, MINUTE, 'for the answer to a heartbeat', gossipTimeout),
  plain('gossip.fanout', ['gossip', 'fanout'], whole(1, 16), 'peers spoken to in one interval'),
  plain(
    'agreement.silentPeer',
    ['agreement', 'silentPeer'],
    choice(['takeover', 'hold']),
    "what the silence of a pair's other node counts as",
  ),
  ms('agreement.lease', ['agreement', 'leaseMs'], 2 * SECOND, 5 * MINUTE, 'for how long a vote binds'),
  ms('guard.timeout', ['guardTimeoutMs'], 50, 30 * SECOND, 'for the answer of the external-IP service'),
  plain('driver.kind', null, choice(['ec2', 'opsworks']), 'what moves the address'),
  plain(
    'driver.displace',
    ['displace'],
    choice(['refuse', 'allow']),
    'whether a move may throw another Elastic IP off',
  ),
  none('notify.sns', ['notifies'], false, 'none: there is no topic, and nothing is sent'),
  ms('notify.blockedAfter', ['blockedAfterMs'], SECOND, 24 * HOUR, 'down for so long is told to people'),
  ms('holdDown', ['holdDownMs'], 0, 24 * HOUR, 'rest after the address has changed hands'),
  plain('flap.moves', ['flap', 'moves'], whole(1, MAX_FLAP_MOVES), 'the most moves within `flap.within`'),
  ms('flap.within', ['flap', 'withinMs'], SECOND, 24 * HOUR, 'see `flap.moves`'),
];

/** What a node may have differently; the driver is the cluster's. */
export const NODE_SETTINGS: readonly Setting[] = SETTINGS.filter(({ path }) => path !== 'driver.kind');
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

/** A combination that can't work, as the agent refuses it: at which key, and why. */
export interface Clash {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

export function clashesOf({ probe, local, gossip }: Settings): readonly Clash[] {
  const clashes: Clash[] = [];
  const expectFast = 'at most the interval: it is for when something looks wrong';
  for (const [path, checked] of [['probe', probe] as const, ['local', local] as const])
    if (checked !== null && checked.fastIntervalMs > checked.intervalMs)
      clashes.push({
        path: `${path}.fastInterval`,
        found: `${checked.fastIntervalMs}ms`,
        expected: expectFast,
      });
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
