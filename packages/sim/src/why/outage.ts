/**
 * What an outage is, and a world that ends with its first one: an invariant is broken, or an address isn't answered for
 * longer than a bound. It is told as a violation, so that whatever handles violations handles outages too.
 */
import type { Fact, Ip, NodeId } from '@failtome/protocol';
import type { Plan, RunOptions } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import { OUTAGE, type Violation, type World } from '../world/index.ts';

/** What counts as an outage, besides a broken invariant. */
export interface OutageRule {
  /** An address that no client outside is answered at for longer than this, in milliseconds. */
  readonly unansweredMs: number;
}

/** A span in which no client outside was answered at an address. */
export interface Gap {
  readonly address: Ip;
  readonly fromMs: number;
  /** Of the run, where it lasts until its end. */
  readonly toMs: number;
}

/** What is known of the answers in a run so far. */
export interface Answers {
  /** The longest span without an answer until now; null: there was none. */
  readonly longest: () => Gap | null;
}

/** How often it is looked whether an address is answered: a gap is known as exactly as this. */
const LOOK_MS = 20;

/** Watch a world that has just been built; with a rule, it ends when that is broken. */
export function watchAnswers(world: World, rule: OutageRule | null): Answers {
  const since = new Map<Ip, number>();
  const reasons = rule === null ? null : watchReasons(world);
  let longest: Gap | null = null;
  const look = (): void => {
    for (const address of world.spec.addresses) {
      if (world.outside.servedBy(address) !== null) {
        since.delete(address);
        continue;
      }
      const fromMs = since.get(address) ?? world.now();
      since.set(address, fromMs);
      const gap = { address, fromMs, toMs: world.now() };
      if (longest === null || lengthOf(gap) > lengthOf(longest)) longest = gap;
      if (rule !== null && reasons !== null && lengthOf(gap) > rule.unansweredMs)
        world.violate(OUTAGE, detailOf(world, gap, rule, reasons));
    }
    world.queue.after(LOOK_MS, look);
  };
  look();
  return { longest: () => longest };
}

/** How long a gap is, in milliseconds. */
export function lengthOf({ fromMs, toMs }: Gap): number {
  return toMs - fromMs;
}

/**
 * Run a plan until its first outage; null: there is none. What is thrown counts as a violation, as in a swarm.
 */
export function runToOutage(plan: Plan, rule: OutageRule, options: RunOptions = {}): Violation | null {
  try {
    return runPlan(plan, {
      ...options,
      onWorld(world) {
        options.onWorld?.(world);
        watchAnswers(world, rule);
      },
    }).violation;
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { invariant: 'exception', detail, atMs: 0, step: 0 };
  }
}

/** By node and address: the reason code that its takeover rule gave last. */
type Reasons = (id: NodeId, address: Ip) => string | null;

function watchReasons(world: World): Reasons {
  const last = new Map<string, string>();
  const note = (id: NodeId, fact: Fact): void => {
    if (fact.kind === 'decided') last.set(`${id} ${fact.address}`, fact.reason);
  };
  world.watch((event) => {
    if (event.kind === 'facts') for (const fact of event.facts) note(event.by.node, fact);
  });
  return (id, address) => last.get(`${id} ${address}`) ?? null;
}

/**
 * Before the colon stands what makes two outages the same kind: the address, and why those who could have taken it hadn't.
 */
function detailOf(world: World, { address, fromMs }: Gap, rule: OutageRule, reasons: Reasons): string {
  const holder = world.holder(address);
  const others = world.spec.nodes.filter(({ id, role }) => role === 'candidate' && id !== holder);
  const why = others.map(({ id }) => (runs(world, id) ? (reasons(id, address) ?? 'undecided') : 'off'));
  const stood = why.length === 0 ? 'nobody else' : [...new Set(why)].sort().join(' and ');
  return `${address} was not answered for longer than ${rule.unansweredMs / 1_000} s, the others stood at ${stood}: since ${(fromMs / 1_000).toFixed(3)} s, held by ${holder ?? 'nobody'}`;
}

function runs(world: World, id: NodeId): boolean {
  return world.process(id)?.isPaused() === false && !world.machine(id).frozen;
}
