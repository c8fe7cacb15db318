/**
 * The keys of the configuration file that reach the protocol: of each its range, its default, and what it is, once. The
 * agent's table of all keys, the simulator's settings, the schemas for editors and docs/configuration.md come from it.
 */
import { MAX_FLAP_MOVES } from '@failtome/protocol';
import { formatDuration } from './durations.ts';
import {
  atMost,
  byPreset,
  type ChoiceKey,
  type ChoiceRange,
  type DurationKey,
  type DurationRange,
  type Fallback,
  fallbackOf,
  msOf,
  type ProtocolKey,
  type WholeKey,
  type WholeRange,
} from './key-model.ts';
import { type ByPreset, PRESETS, type Preset, presetNamed, USUAL_PRESET } from './presets.ts';

export type { ChoiceKey, DurationKey, Fallback, Sibling, WholeKey } from './key-model.ts';
export { defaultBy, usualCount, usualMs, usualWord } from './key-model.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type AnyRange = DurationRange | WholeRange | ChoiceRange<string>;

const declared: ProtocolKey<AnyRange>[] = [];

/** All of them, in the order of their declarations. */
export const PROTOCOL_KEYS: readonly ProtocolKey<AnyRange>[] = declared;

function declare<K extends ProtocolKey<AnyRange>>(key: K): K {
  declared.push(key);
  return key;
}

function duration(
  path: string,
  [leastMs, mostMs, why = '']: readonly [leastMs: number, mostMs: number, why?: string],
  usual: string | ByPreset<string> | Fallback,
  says: string,
): DurationKey {
  return declare({
    path,
    range: { kind: 'duration', leastMs, mostMs, why },
    fallback: fallbackOf(usual),
    says,
  });
}

function whole(
  path: string,
  [least, most]: readonly [number, number],
  usual: number | ByPreset<number>,
  says: string,
): WholeKey {
  return declare({ path, range: { kind: 'whole', least, most }, fallback: fallbackOf(usual), says });
}

function choice<const T extends string>(
  path: string,
  words: readonly T[],
  usual: NoInfer<T> | Fallback,
  says: string,
): ChoiceKey<T> {
  return declare({ path, range: { kind: 'choice', words }, fallback: fallbackOf(usual), says });
}

const GOSSIP_USUAL = {
  interval: { patient: '1s', balanced: '500ms', quick: '100ms' },
  dead: { patient: '6s', balanced: '2s', quick: '450ms' },
  timeout: { patient: '800ms', balanced: '250ms', quick: '60ms' },
} satisfies Readonly<Record<string, ByPreset<string>>>;

/** So many intervals are in `dead` at least, where it follows from a longer interval than the usual one. */
const INTERVALS_IN_DEAD = 4;

/** `dead` where it isn't written: long enough for the interval that is. */
function usualDeadMs(preset: Preset, intervalMs: number): number {
  return Math.max(msOf(undefined, GOSSIP_USUAL.dead[preset]), INTERVALS_IN_DEAD * intervalMs);
}

const deadBeyondInterval: Fallback = byPreset(
  GOSSIP_USUAL.dead,
  `; or ${INTERVALS_IN_DEAD} × interval if longer`,
  (usual, sibling) => {
    const preset = presetNamed(sibling('/preset'));
    const deadMs = usualDeadMs(preset, msOf(sibling('interval'), GOSSIP_USUAL.interval[preset]));
    return deadMs > msOf(usual, String(usual)) ? formatDuration(deadMs) : usual;
  },
);

/** What is left of `dead` after two intervals, where the usual time-out doesn't fit. */
const timeoutWithinDead: Fallback = byPreset(
  GOSSIP_USUAL.timeout,
  '; or what dead leaves after two intervals if shorter',
  (usual, sibling) => {
    const preset = presetNamed(sibling('/preset'));
    const intervalMs = msOf(sibling('interval'), GOSSIP_USUAL.interval[preset]);
    const deadMs = msOf(sibling('dead'), formatDuration(usualDeadMs(preset, intervalMs)));
    const leftMs = deadMs - 2 * intervalMs;
    return leftMs >= 20 && leftMs < msOf(usual, String(usual)) ? `${leftMs}ms` : usual;
  },
);

/** `preset`. */
export const PRESET: ChoiceKey<Preset> = choice(
  'preset',
  PRESETS,
  USUAL_PRESET,
  'Every timing in one word: `patient`, `balanced` or `quick`. Any key beside it counts before it.',
);

const CHECK_INTERVAL = [10, 10 * MINUTE] as const;
const CHECK_TIMEOUT = [10, 2 * MINUTE] as const;
const IN_A_ROW = [1, 100] as const;

/** `addresses[].probe.interval`. */
export const PROBE_INTERVAL: DurationKey = duration(
  'addresses[].probe.interval',
  CHECK_INTERVAL,
  { patient: '2s', balanced: '1s', quick: '100ms' },
  'Between two probes while all is well.',
);
/** `addresses[].probe.fastInterval`. */
export const PROBE_FAST_INTERVAL: DurationKey = duration(
  'addresses[].probe.fastInterval',
  CHECK_INTERVAL,
  atMost({ patient: '1s', balanced: '200ms', quick: '70ms' }, 'interval'),
  "HAProxy's `fastinter`: between two probes while the address looks troubled, to this node or to another.",
);
/** `addresses[].probe.timeout`. */
export const PROBE_TIMEOUT: DurationKey = duration(
  'addresses[].probe.timeout',
  CHECK_TIMEOUT,
  { patient: '2s', balanced: '1s', quick: '150ms' },
  'From connect to the last byte, for up to three attempts on fresh connections at 0, 30 and 60 % of it.',
);
/** `addresses[].probe.fall`. */
export const PROBE_FALL: WholeKey = whole(
  'addresses[].probe.fall',
  IN_A_ROW,
  { patient: 3, balanced: 3, quick: 4 },
  'Failures in a row that make the address down.',
);
/** `addresses[].probe.rise`. */
export const PROBE_RISE: WholeKey = whole(
  'addresses[].probe.rise',
  IN_A_ROW,
  2,
  'Successes in a row that make it up again.',
);

/** `local.interval`. */
export const LOCAL_INTERVAL: DurationKey = duration(
  'local.interval',
  CHECK_INTERVAL,
  { patient: '2s', balanced: '1s', quick: '100ms' },
  "Between two checks of this node's own HAProxy while it is fit.",
);
/** `local.fastInterval`. */
export const LOCAL_FAST_INTERVAL: DurationKey = duration(
  'local.fastInterval',
  CHECK_INTERVAL,
  atMost({ patient: '500ms', balanced: '200ms', quick: '50ms' }, 'interval'),
  'The same, while it looks unfit.',
);
/** `local.timeout`. */
export const LOCAL_TIMEOUT: DurationKey = duration(
  'local.timeout',
  CHECK_TIMEOUT,
  { patient: '2s', balanced: '1s', quick: '100ms' },
  'From connect to the last byte.',
);
/** `local.fall`. */
export const LOCAL_FALL: WholeKey = whole('local.fall', IN_A_ROW, 2, 'Failures in a row that make it unfit.');
/** `local.rise`. */
export const LOCAL_RISE: WholeKey = whole(
  'local.rise',
  IN_A_ROW,
  2,
  'Successes in a row that make it fit again.',
);

/** `gossip.interval`. */
export const GOSSIP_INTERVAL: DurationKey = duration(
  'gossip.interval',
  [20, MINUTE],
  GOSSIP_USUAL.interval,
  'How often a node speaks to `fanout` peers.',
);
/** `gossip.dead`. */
export const GOSSIP_DEAD: DurationKey = duration(
  'gossip.dead',
  [100, 10 * MINUTE],
  deadBeyondInterval,
  'A peer that is not heard for this long is silent.',
);
/** `gossip.timeout`. */
export const GOSSIP_TIMEOUT: DurationKey = duration(
  'gossip.timeout',
  [20, MINUTE],
  timeoutWithinDead,
  'For the answer to one heartbeat.',
);
/** `gossip.fanout`. */
export const GOSSIP_FANOUT: WholeKey = whole(
  'gossip.fanout',
  [1, 16],
  3,
  'Peers spoken to in one `interval`.',
);

/** `agreement.silentPeer`. */
export const AGREEMENT_SILENT_PEER: ChoiceKey<'takeover' | 'hold'> = choice(
  'agreement.silentPeer',
  ['takeover', 'hold'],
  'takeover',
  "Of two voters, what the other's silence counts as.",
);
/** `agreement.lease`. */
export const AGREEMENT_LEASE: DurationKey = duration(
  'agreement.lease',
  [
    2 * SECOND,
    5 * MINUTE,
    'it has to outlast the guard, a read and the calls of the move, which get a quarter of it each and 500ms at least',
  ],
  { patient: '15s', balanced: '10s', quick: '4s' },
  'For how long a vote binds the voter to its candidate, and how long a voter lends nothing after a start.',
);
/** `guard.timeout`. */
export const GUARD_TIMEOUT: DurationKey = duration(
  'guard.timeout',
  [50, 30 * SECOND],
  { patient: '5s', balanced: '3s', quick: '1s' },
  'For the answer, in up to three attempts as with the probe.',
);

/** `driver.kind`. */
export const DRIVER_KIND: ChoiceKey<'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks' | 'exec'> = choice(
  'driver.kind',
  ['ec2', 'ec2-private-ip', 'ec2-route', 'opsworks', 'exec'],
  { kind: 'required' },
  'What moves the address.',
);
/** `driver.displace`. */
export const DRIVER_DISPLACE: ChoiceKey<'refuse' | 'allow'> = choice(
  'driver.displace',
  ['refuse', 'allow'],
  'refuse',
  'Whether a move may throw another Elastic IP off the private address that it lands on.',
);

/** `notify.blockedAfter`. */
export const NOTIFY_BLOCKED_AFTER: DurationKey = duration(
  'notify.blockedAfter',
  [SECOND, 24 * HOUR],
  { kind: 'none', meaning: 'longer than a failover can take by these settings, 60s at least' },
  'How long an address may be down with nobody allowed to take it before people are told, once an episode and node.',
);

/** `holdDown`. */
export const HOLD_DOWN: DurationKey = duration(
  'holdDown',
  [0, 24 * HOUR],
  '60s',
  'After a change of association the address rests: for this long it is taken only from a holder that is silent, ' +
    'unfit or nobody, or under which it has not been seen up.',
);
/** `flap.moves`. */
export const FLAP_MOVES: WholeKey = whole(
  'flap.moves',
  [1, MAX_FLAP_MOVES],
  4,
  'Moves within `flap.within` after which the same holds until there are fewer.',
);
/** `failback.after`. */
export const FAILBACK_AFTER: DurationKey = duration(
  'failback.after',
  [SECOND, 7 * 24 * HOUR],
  '10m',
  'How long its home has to be ready, and an address where it is, before it goes home.',
);
/** `flap.within`. */
export const FLAP_WITHIN: DurationKey = duration(
  'flap.within',
  [SECOND, 24 * HOUR],
  '10m',
  'See `flap.moves`: at most `moves` changes in any span of this length, as long as the holder is heard, fit and ' +
    'has served.',
);
