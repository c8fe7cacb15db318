/**
 * Which messages count (invariant I18; PROTOCOL.md, "Freshness of messages").
 *
 * No wall clock takes part, and nothing has to be remembered across a restart: each side proves to the other, by
 * an echo of its session and session time, that it wrote the message lately and for this very run.
 */
import { copyChannel } from '../copy.ts';
import type { Channel } from '../model/peer-state.ts';
import type { DurationMs, SessionId } from '../model/units.ts';
import type { Echo, Envelope, RejectReason } from './messages.ts';

/** How many numbers below the highest may still arrive, once each. */
export const WINDOW = 32;
/**
 * So many messages a node may have sent since it wrote an answer, and one more a millisecond. A number that is further above the
 * answer's was forged in its name, and would have everything that it says refused.
 */
export const MOST_AT_ONCE = 1_024;
/** A window in which every number was seen. */
const ALL_SEEN = 0xffff_ffff;
/** How many replaced sessions are remembered, to know a second run with one id when it comes back. */
const MAX_RETIRED = 8;

/** This run, as a message has to name it to count. */
export interface OwnSession {
  readonly session: SessionId;
  /** Milliseconds since the session began. */
  readonly t: number;
  /** How old its echo may be (`maxEchoAgeMs`). */
  readonly maxAgeMs: DurationMs;
}

/**
 * Whether a request counts, and the channel with it counted. `returned`: its session had been replaced, so two runs
 * use one id.
 */
export type Admission =
  | { readonly kind: 'admitted'; readonly channel: Channel; readonly returned: boolean }
  /** Refused; for `session` and `stale` the answer's own session time is the challenge. */
  | {
      readonly kind: 'refused';
      readonly reason: Extract<RejectReason, 'session' | 'stale' | 'replayed'>;
      readonly channel: Channel;
    };

/** How old an echo may be: `max(2 × dead, 5 s)`. */
export function maxEchoAgeMs(deadMs: DurationMs): DurationMs {
  return Math.max(2 * deadMs, 5_000);
}

/** Judge a request. */
export function admitRequest(channel: Channel, own: OwnSession, message: Envelope): Admission {
  if (message.session !== channel.session) return introduce(channel, own, message);
  if (!echoIsFresh(message.echo, own))
    return { kind: 'refused', reason: staleOrSession(message.echo, own), channel };
  const counted = count(channel, message.seq);
  if (counted === null) return { kind: 'refused', reason: 'replayed', channel };
  const next = copyChannel(channel);
  next.highest = counted.highest;
  next.window = counted.window;
  next.latestT = Math.max(channel.latestT, message.t);
  return { kind: 'admitted', channel: next, returned: false };
}

/**
 * Take in a response. That it answers our own request, by session and `seq`, is its freshness; it introduces
 * a new session without more. A session that was replaced comes back only by the answer to a request that went out
 * after its replacement: it lives, then. Without that, two nodes that took each other's second runs for the first
 * would refuse each other for ever.
 *
 * @param sentT when the request went out, in this node's own session time
 */
export function admitResponse(
  channel: Channel,
  own: OwnSession,
  message: Envelope,
  sentT: number,
): { readonly channel: Channel; readonly returned: boolean } {
  if (message.session === channel.session) {
    const next = copyChannel(channel);
    // Told that its echo was stale, this node takes the other's time as it is: a greater one was never its own.
    next.latestT = message.payload.refused === 'stale' ? message.t : Math.max(channel.latestT, message.t);
    if (channel.highest > message.seq + MOST_AT_ONCE + own.t - sentT) {
      next.highest = message.seq;
      next.window = ALL_SEEN;
    }
    return { channel: next, returned: false };
  }
  // A late answer of a run that has been replaced: authentic, but it brings nothing back.
  if (channel.retired.includes(message.session) && sentT <= channel.since)
    return { channel, returned: false };
  return replaceSession(channel, own, message);
}

/** What to echo to the other side; null before its session is known. */
export function echoFor(channel: Channel): Echo | null {
  return channel.session === null ? null : { session: channel.session, t: channel.latestT };
}

/** A session that isn't the one known: only a fresh echo of a challenge given to that session brings it in. */
function introduce(channel: Channel, own: OwnSession, message: Envelope): Admission {
  const challenge = channel.challenged;
  const answersChallenge =
    challenge !== null &&
    challenge.session === message.session &&
    echoIsFresh(message.echo, own) &&
    message.echo !== null &&
    message.echo.t >= challenge.t;
  if (!answersChallenge) {
    return {
      kind: 'refused',
      reason: 'session',
      channel: Object.assign(copyChannel(channel), { challenged: { session: message.session, t: own.t } }),
    };
  }
  const { channel: replaced, returned } = replaceSession(channel, own, message);
  return { kind: 'admitted', channel: { ...replaced, highest: message.seq }, returned };
}

function replaceSession(
  channel: Channel,
  own: OwnSession,
  message: Envelope,
): { readonly channel: Channel; readonly returned: boolean } {
  const returned = channel.retired.includes(message.session);
  const others = channel.retired.filter((session) => session !== message.session);
  const retired = channel.session === null ? others : [channel.session, ...others].slice(0, MAX_RETIRED);
  return {
    channel: {
      session: message.session,
      // A session that comes back may have sent what was had before: nothing below this message counts again.
      highest: returned ? message.seq : 0,
      window: returned ? ALL_SEEN : 0,
      latestT: message.t,
      since: own.t,
      challenged: null,
      retired,
    },
    returned,
  };
}

/** Whether the other side has lately heard this very run; null: it echoes nothing. */
export function echoIsFresh(echo: Echo | null, own: OwnSession): boolean {
  return echo !== null && echo.session === own.session && echo.t <= own.t && own.t - echo.t <= own.maxAgeMs;
}

function staleOrSession(echo: Echo | null, own: OwnSession): 'session' | 'stale' {
  return echo !== null && echo.session === own.session ? 'stale' : 'session';
}

/** What the channel has seen with `seq` counted, or null when it was seen before or is too old to tell. */
function count(channel: Channel, seq: number): Pick<Channel, 'highest' | 'window'> | null {
  const ahead = seq - channel.highest;
  if (ahead > 0) {
    const shifted = ahead >= WINDOW ? 0 : channel.window << ahead;
    const previous = channel.highest > 0 && ahead <= WINDOW ? 1 << (ahead - 1) : 0;
    return { highest: seq, window: (shifted | previous) >>> 0 };
  }
  if (ahead === 0 || -ahead > WINDOW) return null;
  const bit = 1 << (-ahead - 1);
  if ((channel.window & bit) !== 0) return null;
  return { highest: channel.highest, window: (channel.window | bit) >>> 0 };
}
