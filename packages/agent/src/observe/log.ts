/**
 * The agent's log: JSON lines for machines, readable text on a terminal.
 *
 * Nothing secret is ever handed in: facts carry none, and adapters put none into their errors.
 */
import { counted, escapedJson, type Fact, type MonotonicMs } from '@failtome/protocol';
import pino from 'pino';
import { type AgentEventName, eventsOf, type LogEvent, type LogLevel } from './events.ts';
import { textLine } from './log-text.ts';
import type { LogDestination } from './output.ts';

/** Messages rejected for one reason are logged at most this often; the metrics count them all. */
export const REJECTION_QUIET_MS = 10_000;
/** The most lines on rejected messages in that time. */
const MAX_REJECTION_LINES = 64;

/** What is logged, and in which form. */
export interface LogOptions {
  readonly level: Exclude<LogLevel, 'fatal'>;
  readonly format: 'json' | 'text';
  /** Only with `text`. */
  readonly colour: boolean;
}

/** The agent's log. */
export interface Log {
  /** Tell the protocol's facts, at the moment `at` of the monotonic clock. */
  observe(facts: readonly Fact[], at: MonotonicMs): void;
  /** Tell something of the agent's own. */
  tell(
    level: LogLevel,
    event: AgentEventName,
    text: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void;
  /** Put these fields into every line from now on. */
  bind(fields: Readonly<Record<string, string>>): void;
  setLevel(level: LogOptions['level']): void;
  /** Before a process that has crashed is left. */
  flush(): void;
  /** Before a process ends in order. */
  end(): Promise<void>;
}

/** Build a log that writes to `destination`. */
export function createLog(options: LogOptions, destination: LogDestination): Log {
  let bound: Readonly<Record<string, string>> = {};
  const stream =
    options.format === 'json'
      ? { write: (line: string) => destination.write(escapedJson(line)) }
      : { write: (line: string) => destination.write(textLine(line, options.colour)) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      // A copy: pino writes each line's own fields into what it is given here.
      mixin: () => ({ ...bound }),
    },
    stream,
  );
  const promote = edgeDetector();
  const quiet = rejectionLimiter();
  const write = ({ event, level, text, fields }: LogEvent) => logger[level]({ event, ...fields }, text);
  destination.onLoss(({ lines, code }) => {
    const text = `${counted(lines, 'line')} of this log could not be written: ${code}`;
    write({ event: 'log-lost', level: 'warn', text, fields: { lines, code } });
  });
  return {
    observe(facts, at) {
      for (const fact of facts) {
        if (fact.kind === 'rejected' && quiet(fact.reason, fact.from, at)) continue;
        for (const event of eventsOf(fact)) write(promote(fact, event));
      }
    },
    tell: (level, event, text, fields = {}) => write({ level, event, text, fields }),
    bind(fields) {
      bound = { ...bound, ...fields };
    },
    setLevel(level) {
      logger.level = level;
    },
    flush: () => destination.flush(),
    end: () => destination.end(),
  };
}

/**
 * Probes and way-out proofs repeat several times a second; the one that differs from the one before
 * is worth a line of its own level, the others are for debugging.
 */
function edgeDetector(): (fact: Fact, event: LogEvent) => LogEvent {
  const before = new Map<string, string>();
  return (fact, event) => {
    if (fact.kind !== 'probe' && fact.kind !== 'way-out') return event;
    const subject = fact.kind === 'probe' ? `probe ${fact.address}` : fact.kind;
    const { result } = fact;
    const seen = result.kind === 'failed' ? result.reason : result.kind;
    const earlier = before.get(subject);
    before.set(subject, seen);
    const settled = earlier === undefined && result.kind !== 'failed';
    return seen === earlier || settled ? event : { ...event, level: 'info' };
  };
}

/**
 * Anyone who reaches the port can send messages that are rejected; they must not fill the disk. Each sender has a line a
 * reason, so that a stranger's don't hide a peer's, up to a number of senders at once.
 */
function rejectionLimiter(): (reason: string, from: string, at: MonotonicMs) => boolean {
  const toldAt = new Map<string, MonotonicMs>();
  return (reason, from, at) => {
    for (const [key, since] of toldAt) if (at - since >= REJECTION_QUIET_MS) toldAt.delete(key);
    const key = `${reason} ${from}`;
    if (toldAt.has(key) || toldAt.size >= MAX_REJECTION_LINES) return true;
    toldAt.set(key, at);
    return false;
  };
}
