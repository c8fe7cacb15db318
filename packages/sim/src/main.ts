/**
 * The command `failtome-sim`: clusters in virtual time, the demo on real processes, and the embedded cloud for other
 * programs. One file a verb under `commands/`.
 */
import { Command, CommanderError } from 'commander';
import { addCloud } from './commands/cloud-command.ts';
import { type CommandContext, type ExitCode, UsageError } from './commands/context.ts';
import { addDemo } from './commands/demo-command.ts';
import { addExplore } from './commands/explore-command.ts';
import { addList } from './commands/list-command.ts';
import { addReplay } from './commands/replay-command.ts';
import { addRun } from './commands/run-command.ts';
import { addShrink } from './commands/shrink-command.ts';
import { addSwarm } from './commands/swarm-command.ts';
import { workIfWorker } from './swarm/index.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

const VERBS: readonly ((program: Command, context: CommandContext) => void)[] = [
  addDemo,
  addCloud,
  addList,
  addRun,
  addReplay,
  addSwarm,
  addShrink,
  addExplore,
];

const stopping = new AbortController();
let stoppedAtMs = 0;
/** Two signals no further apart are one, come by two ways. */
const SAME_SIGNAL_MS = 500;
// Whoever read the output has had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// A worker of a swarm is this same file. Else: whatever is still being waited for at the end has lost its meaning.
if (!workIfWorker()) process.exit(await run(process.argv.slice(2)));

/** For a verb that ends in an orderly way. One that computes without pause never hears a signal: the default ends it. */
function stopOnSignals(): AbortSignal {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    if (!process.listeners(name).includes(stop)) process.on(name, stop);
  }
  return stopping.signal;
}

/** The second time nothing is waited for. npm passes on a signal that the terminal has sent to this process already. */
function stop(): void {
  const nowMs = performance.now();
  if (stopping.signal.aborted && nowMs - stoppedAtMs > SAME_SIGNAL_MS) process.exit(1);
  if (stopping.signal.aborted) return;
  stoppedAtMs = nowMs;
  stopping.abort();
}

async function run(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const { stdout } = process;
  const context: CommandContext = {
    get signal() {
      return stopOnSignals();
    },
    write: (text) => void stdout.write(text),
    colour: stdout.isTTY && (process.env.NO_COLOR ?? '') === '',
    finish(to) {
      code = to;
    },
  };
  const program = new Command('failtome-sim')
    .description('A simulated world for failtome')
    .version(FAILTOME_VERSION)
    .exitOverride()
    .showHelpAfterError('(see failtome-sim --help)');
  for (const add of VERBS) add(program, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`failtome-sim: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}
