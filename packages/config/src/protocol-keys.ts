/**
 * The keys of the configuration file that reach the protocol: of each its range, its default, and what it is, once. The
 * agent's table of all keys, the simulator's settings, the schemas for editors and docs/configuration.md come from it.
 */
import { MAX_FLAP_MOVES } from '@failtome/protocol';
import { formatDuration, parseDuration } from './durations.ts';

/** What a key of time accepts: milliseconds, both ends included, in whole numbers of a unit. */
export interface DurationRange {
  readonly kind: 'duration';
  readonly leastMs: number;
  readonly mostMs: number;
  /** What a shorter one would break, where that isn't plain; else empty. */
  readonly why: string;
}

/** What a key that counts accepts, both ends included. */
export interface WholeRange {
  readonly kind: 'whole';
  readonly least: number;
  readonly most: number;
}

/** What a key with a few words accepts. */
export interface ChoiceRange<T extends string> {
  readonly kind: 'choice';
  readonly words: readonly T[];
}

/** Reads another key of the same section, or with `../` of the one around it, as it was written or by default. */
export type Sibling = (name: string) => unknown;

/** What counts where a key is absent. */
export type Fallback =
  | { readonly kind: 'required' }
  /** The value is null when the key is absent. `meaning` says what happens then. */
  | { readonly kind: 'none'; readonly meaning: string }
  | { readonly kind: 'value'; readonly value: string | number | boolean | readonly string[] }
  /** Follows from another key of its section. */
  | {
      readonly kind: 'derived';
      readonly documented: string;
      readonly derive: (sibling: Sibling) => string | number | null;
    };

/** A key that reaches the protocol. */
export interface ProtocolKey<Range> {
  /** With `[]` for every place in a list: `addresses[].probe.interval`. */
  readonly path: string;
  readonly range: Range;
  readonly fallback: Fallback;
  /** What it is, as the first sentence of its description. */
  readonly says: string;
}

/** A key of time. */
export type DurationKey = ProtocolKey<DurationRange>;
/** A key that counts. */
export type WholeKey = ProtocolKey<WholeRange>;
/** A key with a few words. */
export type ChoiceKey<T extends string> = ProtocolKey<ChoiceRange<T>>;

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
  usual: string | Fallback,
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
  usual: number,
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

function fallbackOf(usual: string | number | Fallback): Fallback {
  return typeof usual === 'object' ? usual : { kind: 'value', value: usual };
}

/** The usual value, or a sibling's where that is shorter: a default must not contradict what the user chose. */
function atMost(usual: string, name: string): Fallback {
  return {
    kind: 'derived',
    documented: `${usual}, or ${name} if shorter`,
    derive(sibling) {
      const chosenMs = msOf(sibling(name), usual);
      return chosenMs < msOf(usual, usual) ? formatDuration(chosenMs) : usual;
    },
  };
}

const GOSSIP_USUAL = { interval: '500ms', dead: '3s', timeout: '400ms' };

/** What is left of `dead` after two intervals, where the usual time-out doesn't fit. */
const timeoutWithinDead: Fallback = {
  kind: 'derived',
  documented: `${GOSSIP_USUAL.timeout}, or what dead leaves after two intervals if shorter`,
  derive(sibling) {
    const { interval, dead, timeout } = GOSSIP_USUAL;
    const leftMs = msOf(sibling('dead'), dead) - 2 * msOf(sibling('interval'), interval);
    return leftMs >= 20 && leftMs < msOf(timeout, timeout) ? `${leftMs}ms` : timeout;
  },
};

function msOf(written: unknown, usual: string): number {
  const ms = typeof written === 'string' ? parseDuration(written) : null;
  return ms ?? parseDuration(usual) ?? 0;
}

const CHECK_INTERVAL = [10, 10 * MINUTE] as const;
const CHECK_TIMEOUT = [10, 2 * MINUTE] as const;
const IN_A_ROW = [1, 100] as const;

/** `addresses[].probe.interval`. */
export const PROBE_INTERVAL: DurationKey = duration(
  'addresses[].probe.interval',
  CHECK_INTERVAL,
  '1s',
  'Between two probes while all is well.',
);
/** `addresses[].probe.fastInterval`. */
export const PROBE_FAST_INTERVAL: DurationKey = duration(
  'addresses[].probe.fastInterval',
  CHECK_INTERVAL,
  atMost('500ms', 'interval'),
  "HAProxy's `fastinter`: between two probes while the address looks troubled, to this node or to another.",
);
/** `addresses[].probe.timeout`. */
export const PROBE_TIMEOUT: DurationKey = duration(
  'addresses[].probe.timeout',
  CHECK_TIMEOUT,
  '1s',
  'From connect to the last byte, for up to three attempts on fresh connections at 0, 30 and 60 % of it.',
);
/** `addresses[].probe.fall`. */
export const PROBE_FALL: WholeKey = whole(
  'addresses[].probe.fall',
  IN_A_ROW,
  3,
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
  '1s',
  "Between two checks of this node's own HAProxy while it is fit.",
);
/** `local.fastInterval`. */
export const LOCAL_FAST_INTERVAL: DurationKey = duration(
  'local.fastInterval',
  CHECK_INTERVAL,
  atMost('200ms', 'interval'),
  'The same, while it looks unfit.',
);
/** `local.timeout`. */
export const LOCAL_TIMEOUT: DurationKey = duration(
  'local.timeout',
  CHECK_TIMEOUT,
  '1s',
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
  GOSSIP_USUAL.dead,
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
  '10s',
  'For how long a vote binds the voter to its candidate, and how long a voter lends nothing after a start.',
);
/** `guard.timeout`. */
export const GUARD_TIMEOUT: DurationKey = duration(
  'guard.timeout',
  [50, 30 * SECOND],
  '3s',
  'For the answer, in up to three attempts as with the probe.',
);

/** `driver.kind`. */
export const DRIVER_KIND: ChoiceKey<'ec2' | 'opsworks' | 'exec'> = choice(
  'driver.kind',
  ['ec2', 'opsworks', 'exec'],
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
/** `flap.within`. */
export const FLAP_WITHIN: DurationKey = duration(
  'flap.within',
  [SECOND, 24 * HOUR],
  '10m',
  'See `flap.moves`: at most `moves` changes in any span of this length, as long as the holder is heard, fit and ' +
    'has served.',
);

/** The default of a key of time that has a plain one. @throws Error when it has none */
export function usualMs({ path, fallback }: DurationKey): number {
  const written = fallback.kind === 'derived' ? fallback.derive(() => undefined) : plainDefault(fallback);
  const ms = typeof written === 'string' ? parseDuration(written) : null;
  if (ms === null) throw new Error(`${path} has no default`);
  return ms;
}

/** The default of a key that counts. @throws Error when it has none */
export function usualCount({ path, fallback }: WholeKey): number {
  const value = plainDefault(fallback);
  if (typeof value !== 'number') throw new Error(`${path} has no default`);
  return value;
}

/** The default of a key with a few words. @throws Error when it has none */
export function usualWord<T extends string>({ path, range, fallback }: ChoiceKey<T>): T {
  const value = plainDefault(fallback);
  const word = range.words.find((one) => one === value);
  if (word === undefined) throw new Error(`${path} has no default`);
  return word;
}

function plainDefault(fallback: Fallback): unknown {
  return fallback.kind === 'value' ? fallback.value : undefined;
}
