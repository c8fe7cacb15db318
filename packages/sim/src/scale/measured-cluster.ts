/** A cluster of either protocol, as the measurements see it: what is done to it, what its members know, and what they send. */
import type { NodeId } from '@failtome/protocol';

/** A member of a cluster says of another that it has changed. */
export interface Verdict {
  readonly atMs: number;
  readonly by: NodeId;
  readonly of: NodeId;
  readonly to: 'alive' | 'suspect' | 'dead';
}

/** A running cluster. Times are milliseconds of its virtual time. */
export interface MeasuredCluster {
  /** All members; the first ones are the voters, where there are any. */
  readonly members: readonly NodeId[];
  now(): number;
  /** Bytes of all messages that a member has sent so far: bodies, requests and answers alike. */
  bytesOf(id: NodeId): number;
  /** How many those messages are. */
  messagesOf(id: NodeId): number;
  runFor(ms: number): void;
  /** Run until it holds, asked every `LOOK_MS`; when it came to hold, or null: not within so long. */
  runTill(holds: () => boolean, withinMs: number): number | null;
  /** Its process stops: what arrives waits, timers are late. */
  pause(id: NodeId): void;
  resume(id: NodeId): void;
  /** Its machine is gone. */
  vanish(id: NodeId): void;
  /** Give a member news that all are to know. */
  tell(id: NodeId): void;
  /** Whether a member knows that news. */
  knows(id: NodeId): boolean;
  /** What one member says of another now. */
  saysOf(by: NodeId, of: NodeId): Verdict['to'] | 'unknown';
  /** Be told of every change of what members say of each other. */
  onVerdict(watch: (verdict: Verdict) => void): void;
  /** Do it at that moment. */
  at(atMs: number, work: () => void): void;
}

/** How often it is asked whether something holds: to ask all members after every event would cost more than the events. */
export const LOOK_MS = 50;

/** Run a cluster till something holds. @param runFor runs it for so many milliseconds */
export function createRunTill(now: () => number, runFor: (ms: number) => void): MeasuredCluster['runTill'] {
  return (holds, withinMs) => {
    const untilMs = now() + withinMs;
    while (!holds()) {
      if (now() >= untilMs) return null;
      runFor(Math.min(LOOK_MS, untilMs - now()));
    }
    return now();
  };
}

/** How a cluster is begun. */
export interface ClusterOptions {
  readonly members: number;
  readonly seed: number;
  /** So many of a thousand messages are lost. */
  readonly lossPerMille: number;
}

/** Either protocol. */
export type StartCluster = (options: ClusterOptions) => MeasuredCluster;

/** The name of a member: `n0001` and so on. */
export function memberName(index: number): NodeId {
  return `n${String(index + 1).padStart(4, '0')}`;
}

/** Messages that each member has sent, and their bytes. Whoever isn't a member isn't counted. */
export function createByteCount(members: readonly NodeId[]): {
  readonly add: (from: NodeId, bytes: number) => void;
  readonly bytesOf: (id: NodeId) => number;
  readonly messagesOf: (id: NodeId) => number;
} {
  const sent = new Map(members.map((id) => [id, { bytes: 0, messages: 0 }]));
  return {
    add(from, bytes) {
      const by = sent.get(from);
      if (by === undefined) return;
      by.bytes += bytes;
      by.messages += 1;
    },
    bytesOf: (id) => sent.get(id)?.bytes ?? 0,
    messagesOf: (id) => sent.get(id)?.messages ?? 0,
  };
}
