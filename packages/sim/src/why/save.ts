/** An outage as a scenario to keep: the least that shows the same, with what came of it as its expectation. */
import type { Plan } from '../plan/index.ts';
import {
  type Claim,
  type Expectation,
  observableOf,
  readScenario,
  runScenario,
  type ScenarioRun,
  writeScenario,
} from '../scenario/index.ts';
import { shrink } from '../shrink/index.ts';
import { OUTAGE, type Violation, type World } from '../world/index.ts';
import { runToOutage } from './outage.ts';
import { takersIn } from './what-if.ts';
import type { Why } from './why.ts';

/** How a scenario is saved. */
export interface SaveOptions {
  readonly name: string;
  /** Lines above it. */
  readonly comment: string;
  /** Asked before every run: whether it is small enough. */
  readonly enough: () => boolean;
}

/** A scenario, as its file's text. */
export interface Saved {
  readonly text: string;
  /** How many runs it took, and whether nothing more could be taken away. */
  readonly runs: number;
  readonly finished: boolean;
  /** The run of what is in the text. */
  readonly run: ScenarioRun;
}

/** As long as a scenario's sentence may be. */
const MAX_SENTENCE = 500;
/** What is run after the outage, so that it is seen how it ends. */
const AFTER_MS = 30_000;
const SECOND_MS = 1_000;

/** Make it small, and write it down. */
export function savedScenario(
  { plan, options, outage }: Pick<Why, 'plan' | 'options' | 'outage'>,
  how: SaveOptions,
): Saved {
  const { rule } = options;
  const small = shrink(plan, { enough: how.enough, run: (one, more) => runToOutage(one, rule, more) });
  if (small === null) throw new Error('the outage is gone');
  const isAnswer = outage.invariant === OUTAGE;
  const kept = isAnswer ? withEnd(small.plan, small.violation) : small.plan;
  const [said = ''] = small.violation.detail.split('\n');
  const proves = `${isAnswer ? 'An outage' : `${outage.invariant} is violated`}: ${said}`.slice(
    0,
    MAX_SENTENCE,
  );
  const write = (expect: readonly Expectation[]) =>
    writeScenario(kept, { name: how.name, proves, comment: how.comment, expect });
  const expect = isAnswer ? expectedOf(kept, small.violation, rule.unansweredMs) : [];
  const text = write(expect);
  return { text, runs: small.runs, finished: small.finished, run: runOf(text) };
}

/** Run what stands in a text. */
function runOf(text: string): ScenarioRun {
  const read = readScenario('what was saved', text);
  if (read.kind === 'faulty') throw new Error(`what was saved can't be read: ${JSON.stringify(read.faults)}`);
  return runScenario(read.scenario);
}

function withEnd(plan: Plan, { atMs }: Violation): Plan {
  return { ...plan, ending: { kind: 'stop', atMs: Math.ceil((atMs + AFTER_MS) / SECOND_MS) * SECOND_MS } };
}

/** What the run came to: the gap, where the nodes stood in it, who took the address, and whether it is served in the end. */
function expectedOf(plan: Plan, { atMs }: Violation, unansweredMs: number): readonly Expectation[] {
  const worlds: World[] = [];
  runScenario(
    { name: '', proves: '', plan, seeds: [plan.world.seed], expect: [] },
    { onWorld: (world) => void worlds.push(world) },
  );
  const [world] = worlds;
  if (world === undefined) throw new Error('nothing was run');
  const span = { fromMs: null, untilMs: null };
  return [
    {
      ...span,
      claims: [
        { kind: 'unserved', address: null, forMs: unansweredMs },
        { kind: 'takers', address: null, nodes: takersIn(world) },
        ...standing(world, atMs, unansweredMs),
        ...ends(world),
      ],
    },
  ];
}

/** What tells how the nodes dealt with it: votes, ballots, the guard, and what came of takeovers. */
const TELLING: ReadonlySet<string> = new Set(['voted', 'ballot-closed', 'guard', 'concluded']);

/** The decision that stood at the outage of each node that isn't the holder, and what was voted and taken since it began. */
function standing(world: World, outageMs: number, unansweredMs: number): readonly Claim[] {
  const facts = world.facts().filter(({ atMs }) => atMs <= outageMs + AFTER_MS);
  const stood = new Map<string, string>();
  for (const { atMs, node, fact } of facts)
    if (fact.kind === 'decided' && atMs <= outageMs)
      stood.set(`${node} ${fact.address}`, `${node} decided ${fact.reason}`);
  const since = facts.filter(({ atMs, fact }) => TELLING.has(fact.kind) && atMs > outageMs - unansweredMs);
  const seen = since.flatMap(({ node, fact }) => {
    const observation = observableOf(fact);
    return observation === null ? [] : [`${node} ${observation}`];
  });
  return [...new Set([...stood.values(), ...seen])].map((one): Claim => {
    const mark = one.indexOf(' ');
    return { kind: 'seen', node: one.slice(0, mark), observation: one.slice(mark + 1) };
  });
}

/** Whether each address is served in the end, and by whom. */
function ends({ spec, outside }: World): readonly Claim[] {
  return spec.addresses.flatMap((address): readonly Claim[] => {
    const by = outside.servedBy(address);
    return by === null ? [] : [{ kind: 'served', address, by, withinMs: null }];
  });
}
