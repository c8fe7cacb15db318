/** `failtome pause` and `failtome resume`: done when a majority of the voters has stored it. */
import type { Command, DurationMs } from '@failtome/protocol';
import { type CliDependencies, complain, type ExitCode, ownerOf, print, printJson } from './dependencies.ts';
import { type OperatorRoute, openTarget, POLL_MS } from './operator.ts';
import { readView } from './read.ts';
import { folded } from './table.ts';
import { type Target, type TargetOptions, trusting } from './target.ts';
import { age, clean, lookOf } from './text.ts';
import { type PauseRow, statusOf } from './view-rows.ts';

/** The options of `failtome pause`. */
export interface PauseOptions extends TargetOptions {
  /** Null: until resumed. */
  readonly forMs: DurationMs | null;
  readonly reason: string;
  readonly timeoutMs: DurationMs;
  /** Whether a pause in force that would last longer gives way. */
  readonly replace: boolean;
}

/** The options of `failtome resume`. */
export interface ResumeOptions extends TargetOptions {
  readonly reason: string;
  readonly timeoutMs: DurationMs;
}

/** `failtome pause`: no automatic moves in the whole cluster. */
export async function pause(options: PauseOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const { forMs, reason, replace } = options;
  const owner = ownerOf(dependencies);
  const command: Command = { kind: 'pause', forMs, reason, owner, ...(replace ? { replace } : {}) };
  const length = forMs === null ? 'until `failtome resume`' : `for ${age(forMs)}`;
  return order(
    '/v1/pause',
    command,
    `No automatic takeover in the whole cluster ${length}.`,
    options,
    dependencies,
  );
}

/** `failtome resume`: automatic moves again. */
export async function resume(options: ResumeOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const { reason } = options;
  const command: Command = { kind: 'resume', reason, owner: ownerOf(dependencies) };
  return order('/v1/resume', command, 'Automatic takeover is on again.', options, dependencies);
}

async function order(
  route: OperatorRoute,
  command: Command,
  done: string,
  options: TargetOptions & { readonly timeoutMs: DurationMs },
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const found = await openTarget(options, dependencies);
  if (found === null) return 2;
  const { target, opened } = found;
  if (opened.kind === 'failed') return tell(options, { done: false, detail: opened.detail }, dependencies);
  const result = await opened.operator.send(route, command);
  if (result.kind === 'refused') return tell(options, { done: false, detail: result.detail }, dependencies);
  const { outcome } = result;
  if (outcome.state === 'failed') return tell(options, { done: false, detail: outcome.detail }, dependencies);
  const also = notesOf(outcome.detail);
  const ending = { done: true, detail: [also.some(isKept) ? KEPT : done, ...also.map(sentence)].join(' ') };
  if (outcome.state === 'done') return tell(options, ending, dependencies);
  const order = { version: Number(outcome.id), by: opened.operator.node };
  const stored = await untilStored(target, order, options.timeoutMs, trusting(dependencies, target));
  return tell(options, stored ?? ending, dependencies);
}

/** What the agent says of other orders stands after its first two words on this one. */
function notesOf(detail: string): readonly string[] {
  return detail.split('; ').slice(2);
}

const KEPT = 'Automatic takeover stays paused, longer than asked for (`--replace` replaces that).';

function isKept(note: string): boolean {
  return note.startsWith('in force stays');
}

function sentence(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}.`;
}

/** An order for the whole cluster: its version, and the node that was asked. */
interface Order {
  readonly version: number;
  readonly by: string;
}

interface Ending {
  readonly done: boolean;
  readonly detail: string;
}

/** Watches who has stored it. Null: enough have. Sending the command again would be another pause. */
async function untilStored(
  target: Target,
  { version, by }: Order,
  timeoutMs: DurationMs,
  dependencies: CliDependencies,
): Promise<Ending | null> {
  const deadline = dependencies.now() + timeoutMs;
  let last = 'the status could not be read';
  for (;;) {
    const result = await readView(target.url, '/v1/status', dependencies, target.readKeys);
    if (result.kind === 'read') {
      const { pause: present } = statusOf(result.json);
      const another = present.version === version && present.by !== '' && present.by !== by;
      if (present.version > version || another) return { done: false, detail: overtaken(present) };
      if (present.version === version && present.stored.length >= present.needed) return null;
      const nodes = present.stored.length === 0 ? 'nobody' : present.stored.join(', ');
      last = `stored by ${nodes}, where ${present.needed} are needed`;
    } else last = result.detail;
    if (dependencies.now() >= deadline || dependencies.interrupted()) break;
    await dependencies.sleep(POLL_MS);
  }
  const detail = `Accepted, and not stored by a majority within ${age(timeoutMs)}: ${last}. It goes on spreading.`;
  return { done: false, detail };
}

function overtaken({ paused, owner }: PauseRow): string {
  return `Overtaken by a later ${paused ? 'pause' : 'resume'} of ${owner}.`;
}

function tell({ json }: TargetOptions, ending: Ending, dependencies: CliDependencies): ExitCode {
  const detail = clean(ending.detail);
  if (json === true) printJson(dependencies, { done: ending.done, detail });
  else if (ending.done) print(dependencies, ...folded(detail, lookOf(dependencies)));
  else complain(dependencies, detail);
  return ending.done ? 0 : 1;
}
