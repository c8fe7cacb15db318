/**
 * The command `failtome-sim`: clusters in virtual time, the demo on real processes, and the embedded cloud for other
 * programs. One file a verb under `commands/`.
 */
import { CommanderError } from 'commander';
import { type CommandContext, type ExitCode, UsageError } from './commands/context.ts';
import { buildProgram } from './commands/program.ts';
import { workIfWorker } from './swarm/index.ts';
import { workIfTuneWorker } from './tune/index.ts';
import { workIfWhyWorker } from './why/index.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

const stopping = new AbortController();
let stoppedAtMs = 0;
/** Two signals no further apart are one, come by two ways. */
const SAME_SIGNAL_MS = 500;
// Whoever read the output has had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// A worker is this same file. Else: whatever is still being waited for at the end has lost its meaning.
if (!workIfWorker() && !workIfTuneWorker() && !workIfWhyWorker())
  process.exit(await run(process.argv.slice(2)));

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
  const program = buildProgram(context, FAILTOME_VERSION);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`failtome-sim: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}
