import { counted } from '@failtome/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type Bounds,
  CLUSTER_KINDS,
  type ClusterKind,
  DEFAULT_BOUNDS,
  type ExploreResult,
  explore,
  FAULT_KINDS,
  type FaultKind,
  MAX_EXPLORED_ADDRESSES,
  type Progress,
  QUANTUM_MS,
  REASONS_TO_MOVE,
  type Reason,
  type Tally,
} from '../explore/index.ts';
import { spanIn, wholeIn } from './arguments.ts';
import type { CommandContext, ExitCode } from './context.ts';
import { startProgress } from './progress.ts';

interface ExploreFlags {
  readonly cluster: ClusterKind;
  readonly faults: number;
  readonly faultKinds: readonly FaultKind[];
  readonly reasons: readonly Reason[];
  readonly phases: number;
  readonly addresses: number;
  readonly epochs: number;
  readonly inFlight: number;
  readonly horizon: number;
  readonly orders: Bounds['orders'];
  readonly depth: number;
  readonly states: number;
  readonly for: number;
  readonly json: boolean;
}

/** What a process of Node's usual size can hold of states that wait. */
const MAX_STATES = 20_000_000;

/** Add `failtome-sim explore`. */
export function addExplore(program: Command, context: CommandContext): void {
  const { cluster, faults, phases, addresses, epochs, inFlight, horizonMs, orders } = DEFAULT_BOUNDS;
  const choice = (flags: string, what: string, choices: readonly string[], usual: string): Option =>
    new Option(flags, what).choices(choices).default(usual);
  program
    .command('explore')
    .description(
      'all histories of a small cluster within bounds, on the real step function; exits 1 on a violation',
    )
    .addOption(choice('--cluster <kind>', 'who takes part', CLUSTER_KINDS, cluster))
    .option('--faults <n>', 'faults in one history', wholeIn(0), faults)
    .option('--fault-kinds <kind,…>', `which: ${FAULT_KINDS.join(', ')}`, kindsIn, FAULT_KINDS)
    .option(
      '--reasons <reason,…>',
      `why it may move: ${REASONS_TO_MOVE.join(', ')}`,
      reasonsIn,
      REASONS_TO_MOVE,
    )
    .option(
      '--phases <n>',
      `moments at which the reason may come, ${QUANTUM_MS} ms apart`,
      wholeIn(0),
      phases,
    )
    .option('--addresses <n>', 'contested addresses', wholeIn(1, MAX_EXPLORED_ADDRESSES), addresses)
    .option('--epochs <n>', 'ballots for an address', wholeIn(0), epochs)
    .option('--in-flight <n>', 'messages on their way at once', wholeIn(0), inFlight)
    .option('--horizon <time>', 'how long every choice is followed, in virtual time', spanIn, horizonMs)
    .addOption(choice('--orders <which>', 'of what reaches a node', ['all', 'weighty', 'one'], orders))
    .option(
      '--depth <n>',
      `stop after so many quanta of ${QUANTUM_MS} ms`,
      wholeIn(0),
      Number.POSITIVE_INFINITY,
    )
    .option('--states <n>', 'stop after so many states', wholeIn(0), MAX_STATES)
    .option('--for <time>', 'stop after so long (60s, 5m)', spanIn, Number.POSITIVE_INFINITY)
    .option('--json', 'the result as JSON', false)
    .action((flags: ExploreFlags) => run(flags, context));
}

function run(flags: ExploreFlags, { write, finish }: CommandContext): void {
  const { depth, states, for: forMs, json, horizon, ...rest } = flags;
  const bounds: Bounds = { ...rest, horizonMs: horizon };
  const beganAt = performance.now();
  const elapsedMs = (): number => performance.now() - beganAt;
  const progress = startProgress();
  const result = explore(bounds, {
    limits: { depth, states, expired: () => elapsedMs() >= forMs },
    progress: (so) => progress.show(() => progressLine(so)),
  });
  progress.end(progressLine(result));
  const seconds = elapsedMs() / 1_000;
  const rate = Math.round(result.transitions / seconds);
  if (json) write(`${JSON.stringify({ ...result, seconds, transitionsPerSecond: rate })}\n`);
  else write(`${describe(result, seconds).join('\n')}\n`);
  finish(codeOf(result));
}

function codeOf({ violation }: ExploreResult): ExitCode {
  return violation === null ? 0 : 1;
}

function progressLine({ depth, states, transitions, frontier }: Progress): string {
  return `depth ${depth}, ${counted(states, 'state')}, ${frontier} waiting, ${counted(transitions, 'transition')}`;
}

function describe(result: ExploreResult, seconds: number): readonly string[] {
  const { bounds, seen, violation } = result;
  const { transitions, steps, reused, states, depth, frontier, widest } = result;
  const rate = Math.round(transitions / seconds);
  return [
    `cluster ${bounds.cluster}, ${counted(bounds.addresses, 'address', 'addresses')}, ${counted(bounds.faults, 'fault')} of ${bounds.faultKinds.join(', ')}`,
    `reasons ${bounds.reasons.join(', ')} at ${counted(bounds.phases, 'moment')}, horizon ${bounds.horizonMs} ms in quanta of ${QUANTUM_MS} ms, orders ${bounds.orders}`,
    `at most ${counted(bounds.inFlight, 'message')} in flight, ${counted(bounds.epochs, 'ballot')} for an address`,
    `${counted(states, 'state')}, ${counted(transitions, 'transition')} in ${seconds.toFixed(1)} s (${rate}/s), ${steps} of them calls of the step function; known already: ${counted(reused, 'quantum', 'quanta')} of a node`,
    `depth ${counted(depth, 'quantum', 'quanta')}, ${counted(frontier, 'state')} waiting, ${widest} at most`,
    `${counted(result.ends, 'history', 'histories')} recovered, the slowest ${result.slowestMs} ms after the horizon`,
    `left alone beyond a bound: ${result.beyond.inFlight} (in flight), ${result.beyond.epochs} (epochs)`,
    `complete: ${result.complete ? 'yes' : 'no'}`,
    '',
    ...tally('inputs', seen.inputs),
    ...tally('faults', seen.faults),
    ...tally('votes', seen.votes),
    ...tally('decisions', seen.decisions),
    ...tally('calls', seen.calls),
    ...tally('moves', seen.moves),
    ...(violation === null
      ? ['no violation']
      : [
          `violation of ${violation.invariant} at ${violation.atMs} ms: ${violation.detail}`,
          ...violation.path,
        ]),
  ];
}

function tally(name: string, counts: Tally): readonly string[] {
  const entries = Object.entries(counts).map(([what, count]) => `${what}: ${count}`);
  return [`${name}: ${entries.length === 0 ? 'none' : entries.sort().join(', ')}`];
}

function kindsIn(text: string): readonly FaultKind[] {
  return namesIn(text, FAULT_KINDS);
}

function reasonsIn(text: string): readonly Reason[] {
  return namesIn(text, REASONS_TO_MOVE);
}

function namesIn<T extends string>(text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new InvalidArgumentError(`${name} is none of ${known.join(', ')}`);
    return found;
  });
}
