/** `failtome handover`: a planned move, agreed by the peers. Done when the address is verified at its new place. */
import type { Command, CommandOutcome, DurationMs } from '@failtome/protocol';
import { type CliDependencies, complain, type ExitCode, ownerOf, print, printJson } from './dependencies.ts';
import { type CommandResult, type Operator, openOperator, POLL_MS } from './operator.ts';
import { findTarget, loadKeys, type TargetOptions } from './target.ts';
import { age, clean } from './text.ts';

export interface HandoverOptions extends TargetOptions {
  /** Null: the best-ranked other candidate. */
  readonly to: string | null;
  readonly reason: string;
  readonly timeoutMs: DurationMs;
}

export async function handover(
  address: string | undefined,
  options: HandoverOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const keys = await loadKeys(target, dependencies);
  if (keys === null) return 2;
  const opened = await openOperator({ ...target, keys }, dependencies);
  if (opened.kind === 'failed') return tell(options, failed('', opened.detail), dependencies);
  const { operator } = opened;
  const { to, reason } = options;
  const command: Command = {
    kind: 'handover',
    address: address ?? null,
    to,
    reason,
    owner: ownerOf(dependencies),
  };
  const result = await operator.send('/v1/handover', command);
  if (result.kind === 'refused') return tell(options, failed('', result.detail), dependencies);
  const outcome = await untilEnded(operator, result.outcome, options, dependencies);
  return tell(options, outcome, dependencies);
}

/** Asks until it is done or has failed. An agent that doesn't answer in between may be the one that hands over. */
async function untilEnded(
  operator: Operator,
  first: CommandOutcome,
  { timeoutMs, json }: HandoverOptions,
  dependencies: CliDependencies,
): Promise<CommandOutcome> {
  const deadline = dependencies.now() + timeoutMs;
  let outcome = first;
  let shown = '';
  while (outcome.state === 'working') {
    if (outcome.detail !== '' && outcome.detail !== shown && json !== true) {
      shown = outcome.detail;
      complain(dependencies, clean(shown));
    }
    if (dependencies.now() >= deadline || dependencies.interrupted()) {
      const detail = `not done within ${age(timeoutMs)}, and still under way: ${shown || outcome.detail}`;
      return failed(outcome.id, `${detail} (see \`failtome why\` and \`failtome history\`)`);
    }
    await dependencies.sleep(POLL_MS);
    const result: CommandResult = await operator.send('/v1/handover', {
      kind: 'handover-status',
      id: outcome.id,
    });
    outcome = result.kind === 'outcome' ? result.outcome : { ...outcome, detail: result.detail };
  }
  return outcome;
}

function failed(id: string, detail: string): CommandOutcome {
  return { state: 'failed', id, detail };
}

function tell({ json }: TargetOptions, outcome: CommandOutcome, dependencies: CliDependencies): ExitCode {
  const done = outcome.state === 'done';
  const detail = clean(outcome.detail);
  if (json === true) printJson(dependencies, { done, id: outcome.id, detail });
  else if (done) print(dependencies, detail === '' ? 'Done: the address answers at its new place.' : detail);
  else complain(dependencies, `Not done: ${detail}`);
  return done ? 0 : 1;
}
