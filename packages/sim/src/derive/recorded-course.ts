/** How an incident went, in a line: for how long nobody answered, and who took the address. */
import type { TraceRecord } from '../record/index.ts';
import { factsOf, type Lasting } from './disturbance.ts';

/** What is held beside what the plan comes to. */
export interface Course {
  /** The longest time without an answer, in milliseconds. */
  readonly unansweredMs: number;
  readonly takers: readonly string[];
}

/** As the nodes recorded it. */
export function recordedCourse(
  records: readonly TraceRecord[],
  gap: Lasting | null,
  lengthMs: number,
): Course {
  const takers = factsOf(records, 'concluded').flatMap(({ who, fact: { entry } }) =>
    entry.kind === 'takeover' && (entry.result === 'served' || entry.result === 'moved') ? [who] : [],
  );
  return { unansweredMs: gap === null ? 0 : (gap.toMs ?? lengthMs) - gap.fromMs, takers };
}
