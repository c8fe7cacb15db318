/**
 * The takeover rule as people see it: all gates, each open, closed, or not asked.
 *
 * The first closed gate decides (`takeover.ts`). What a gate behind it would say is shown only if it is true by itself: a
 * disk that takes no writes is worth knowing while the address is up, but nobody has voted then. So no sentence
 * claims what hasn't happened. Nothing is decided here.
 */
import type { GateName } from '../model/reasons.ts';
import { type GateAnswer, RULE, type TakeoverView } from './takeover.ts';

/** An earlier gate is closed, and what this one would say means nothing yet. */
export interface GateNotAsked {
  readonly kind: 'not-asked';
  /** The closed gate that keeps it from being asked. */
  readonly behind: GateName;
}

/** One gate of the ladder. */
export interface Rung {
  readonly name: GateName;
  readonly answer: GateAnswer | GateNotAsked;
}

/** While one of these is closed, nothing behind it would be asked, whatever else changed. */
const FINAL: ReadonlySet<GateName> = new Set<GateName>(['role', 'running', 'not-holder']);

const always = (): boolean => true;
const isDown = ({ mode, verdict }: TakeoverView): boolean =>
  mode === 'handover' || (verdict.is === 'down' && verdict.notFailing === null);
const isAttempting = ({ campaign }: TakeoverView): boolean => campaign !== null;
const isAgreed = ({ campaign }: TakeoverView): boolean => campaign?.won != null;

/** When a gate's answer is true, and worth knowing, although an earlier gate is closed. A gate without a line is asked in turn only. */
const STANDS_ALONE: Readonly<Partial<Record<GateName, (view: TakeoverView) => boolean>>> = {
  role: always,
  running: always,
  'not-holder': always,
  paused: always,
  observed: always,
  local: always,
  verdict: isDown,
  'way-out': ({ wayOut }) => wayOut.wanted,
  storage: always,
  displace: always,
  permission: always,
  damping: isAttempting,
  'own-lease': isAttempting,
  rank: isAttempting,
  agreement: isAttempting,
  guard: isAgreed,
  intent: isAgreed,
  lease: isAgreed,
};

/** What every gate says, in the order in which they are asked. */
export function ladder(view: TakeoverView): readonly Rung[] {
  const rungs: Rung[] = [];
  let behind: GateName | null = null;
  for (const { name, ask } of RULE) {
    if (behind !== null && (FINAL.has(behind) || STANDS_ALONE[name]?.(view) !== true)) {
      rungs.push({ name, answer: { kind: 'not-asked', behind } });
      continue;
    }
    const answer = ask(view);
    rungs.push({ name, answer });
    if (answer.kind === 'closed' && (behind === null || FINAL.has(name))) behind = name;
  }
  return rungs;
}
