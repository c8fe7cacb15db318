/**
 * What the three drivers share: each effect is answered exactly once, and in time.
 */
import { TIMED_OUT, unknown } from '@failtome/ports';
import type { CloudRequest, DriveEffect, DriverAnswer, DurationMs, Event } from '@failtome/protocol';
import type { CallContext } from './aws-clients.ts';

/** The port `driver`: moves addresses, and tells who holds them. */
export interface Driver {
  /** Answers `driven` once, at the latest shortly after `timeoutMs`. */
  drive(effect: DriveEffect): void;
}

/** Takes the answers to effects. */
export type Post = (event: Event) => void;

/** After its time-out a call is aborted, and has this long to say how it ended. */
const ABORT_GRACE_MS: DurationMs = 50;

/** Requests of one effect that are told; a read may be three, a permit four. */
const MAX_TOLD_REQUESTS = 32;

/**
 * Run `work` for an effect, and post its answer; on time-out post that the answer is unknown.
 * The context's signal fires at the time-out, and nothing is sent after that.
 */
export function answerOnce(
  effect: DriveEffect,
  post: Post,
  work: (context: CallContext) => Promise<DriverAnswer>,
): void {
  const controller = new AbortController();
  const requests: CloudRequest[] = [];
  let answered = false;
  const answer = (result: DriverAnswer): void => {
    if (answered) return;
    answered = true;
    clearTimeout(abortTimer);
    clearTimeout(lastTimer);
    const { callId, purpose } = effect;
    post({ kind: 'driven', callId, purpose, result: { answer: result, requests } });
  };
  const abortTimer = setTimeout(() => controller.abort(), effect.timeoutMs);
  const lastTimer = setTimeout(() => answer(TIMED_OUT), effect.timeoutMs + ABORT_GRACE_MS);
  const context: CallContext = {
    signal: controller.signal,
    deadline: performance.now() + effect.timeoutMs,
    record: (request) => {
      if (!answered && requests.length < MAX_TOLD_REQUESTS) requests.push(request);
    },
  };
  work(context).then(answer, (error: unknown) => answer(broken(error)));
}

/** A fault of the adapter itself. What it had sent by then isn't known. */
function broken(error: unknown): DriverAnswer {
  return unknown('Internal', error instanceof Error ? error.message : String(error));
}
