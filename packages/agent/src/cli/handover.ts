/** `failtome handover`: a planned move, agreed by the peers. Done when the address is verified at its new place. */
import type { Command, CommandOutcome, DurationMs } from '@failtome/protocol';
import { type CliDependencies, complain, type ExitCode, ownerOf, print, printJson } from './dependencies.ts';
import { type CommandResult, type Operator, openTarget, POLL_MS } from './operator.ts';
import { folded } from './table.ts';
import type { TargetOptions } from './target.ts';
import { age, clean, lookOf } from './text.ts';

/** The options of `failtome handover`. */
export interface HandoverOptions extends TargetOptions {
  /** Null: the best-ranked other candidate. */
  readonly to: string | null;
  readonly reason: string;
  readonly timeoutMs: DurationMs;
  /** Whether it may still happen when this command has given up waiting. */
  readonly keep: boolean;
}

/** The options of `failtome handover --cancel`. */
export interface CancelOptions extends TargetOptions {
  readonly reason: string;
  readonly timeoutMs: DurationMs;
}

/** How long a command that gives up waits for the target to store that the handover is taken back. */
const TAKEN_BACK_WITHIN_MS: DurationMs = 5_000;
/** Ends that aren't its target's own word. */
const ENDED_HERE = /^(expired|withdrawn): /;

/** `failtome handover`: a planned move, agreed by the peers; waits for what comes of it. */
export async function handover(
  address: string | undefined,
  options: HandoverOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const operator = await open(options, dependencies);
  if (typeof operator === 'number') return operator;
  const { to, reason, keep, timeoutMs } = options;
  const command: Command = {
    kind: 'handover',
    address: address ?? null,
    to,
    reason,
    owner: ownerOf(dependencies),
    // Even where this command can't take it back, it ends soon after.
    ...(keep ? {} : { forMs: timeoutMs + TAKEN_BACK_WITHIN_MS }),
  };
  const result = await operator.send('/v1/handover', command);
  if (result.kind === 'refused') return tell(options, failed('', result.detail), dependencies);
  const outcome = await untilEnded(operator, result.outcome, options, dependencies);
  return tell(options, outcome, dependencies);
}

/** `failtome handover --cancel`: done when it is known that it won't happen any more. */
export async function cancelHandover(
  address: string | undefined,
  options: CancelOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const operator = await open(options, dependencies);
  if (typeof operator === 'number') return operator;
  const { reason, timeoutMs } = options;
  const which = { id: null, address: address ?? null, reason };
  return tell(options, await takeBack(operator, which, timeoutMs, dependencies), dependencies);
}

async function open(options: TargetOptions, dependencies: CliDependencies): Promise<Operator | ExitCode> {
  const found = await openTarget(options, dependencies);
  if (found === null) return 2;
  const { opened } = found;
  return opened.kind === 'open' ? opened.operator : tell(options, failed('', opened.detail), dependencies);
}

type Which = Pick<Extract<Command, { kind: 'handover-cancel' }>, 'id' | 'address' | 'reason'>;

/** Takes it back, and asks until it is known that it won't happen, or what has come of it; else says that it may. */
async function takeBack(
  operator: Operator,
  which: Which,
  withinMs: DurationMs,
  dependencies: CliDependencies,
): Promise<CommandOutcome> {
  const deadline = dependencies.now() + withinMs;
  const owner = ownerOf(dependencies);
  let { id } = which;
  let last = '';
  for (;;) {
    const command: Command = { ...which, kind: 'handover-cancel', id, owner };
    const result = await operator.send('/v1/handover', command);
    if (result.kind === 'outcome' && result.outcome.state !== 'working') return result.outcome;
    if (result.kind === 'outcome') id = result.outcome.id;
    last = result.kind === 'outcome' ? result.outcome.detail : result.detail;
    if (dependencies.now() >= deadline) return failed(id ?? '', last);
    await dependencies.sleep(POLL_MS);
  }
}

/** Asks until it is done or has failed. An agent that doesn't answer in between may be the one that hands over. */
async function untilEnded(
  operator: Operator,
  first: CommandOutcome,
  options: HandoverOptions,
  dependencies: CliDependencies,
): Promise<CommandOutcome> {
  const { timeoutMs, json } = options;
  const deadline = dependencies.now() + timeoutMs;
  let outcome = first;
  let shown = '';
  while (outcome.state === 'working') {
    if (outcome.detail !== '' && outcome.detail !== shown && json !== true) {
      shown = outcome.detail;
      complain(dependencies, clean(shown));
    }
    if (dependencies.now() >= deadline || dependencies.interrupted())
      return giveUp(operator, outcome.id, shown || outcome.detail, options, dependencies);
    await dependencies.sleep(POLL_MS);
    const result: CommandResult = await operator.send('/v1/handover', {
      kind: 'handover-status',
      id: outcome.id,
    });
    outcome = result.kind === 'outcome' ? result.outcome : { ...outcome, detail: result.detail };
  }
  // What has ended where it was asked for may not have reached its target, which may be in the middle of it.
  return outcome.state === 'failed' && ENDED_HERE.test(outcome.detail)
    ? certain(operator, outcome.id, outcome.detail, options, dependencies)
    : outcome;
}

/** Not done in time. Who isn't to wait for it any longer isn't to be surprised by it either. */
async function giveUp(
  operator: Operator,
  id: string,
  last: string,
  options: HandoverOptions,
  dependencies: CliDependencies,
): Promise<CommandOutcome> {
  const { timeoutMs, keep } = options;
  const waited = `not done within ${age(timeoutMs)}${last === '' ? '' : ` (${last})`}`;
  if (keep) {
    const advice = '`failtome handover --cancel` takes it back, `failtome status` shows it';
    return failed(id, `${waited}, and kept: it may still happen; ${advice}`);
  }
  return certain(operator, id, waited, options, dependencies);
}

/** Makes sure that it doesn't happen any more, or says until when it may; what was done all the same is done. */
async function certain(
  operator: Operator,
  id: string,
  why: string,
  { reason }: HandoverOptions,
  dependencies: CliDependencies,
): Promise<CommandOutcome> {
  const taken = await takeBack(operator, { id, address: null, reason }, TAKEN_BACK_WITHIN_MS, dependencies);
  if (taken.state === 'failed') {
    const result = await operator.send('/v1/handover', { kind: 'handover-status', id });
    if (result.kind === 'outcome' && result.outcome.state === 'done') return result.outcome;
  }
  return failed(id, `${why}; ${taken.detail}`);
}

function failed(id: string, detail: string): CommandOutcome {
  return { state: 'failed', id, detail };
}

function tell({ json }: TargetOptions, outcome: CommandOutcome, dependencies: CliDependencies): ExitCode {
  const done = outcome.state === 'done';
  const detail = clean(outcome.detail);
  if (json === true) printJson(dependencies, { done, id: outcome.id, detail });
  else if (done) {
    const told = detail === '' ? 'Done: the address answers at its new place.' : detail;
    print(dependencies, ...folded(told, lookOf(dependencies)));
  } else complain(dependencies, `Not done: ${detail}`);
  return done ? 0 : 1;
}
