/** The command `failtome-sim`: the demo, and the embedded cloud for other programs. */
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { runCloud } from './cloud/index.ts';
import { type DemoOptions, runDemo } from './demo/index.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

/** 0 done, 1 not as it should be, 2 usage. */
type ExitCode = 0 | 1 | 2;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);

// Whatever is still being waited for has lost its meaning.
process.exit(await run(process.argv.slice(2)));

/** The second time nothing is waited for. */
function stop(): void {
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
}

async function run(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = new Command('failtome-sim')
    .description('A simulated world for failtome')
    .version(FAILTOME_VERSION)
    .exitOverride()
    .showHelpAfterError('(see failtome-sim --help)');
  addDemo(program, (result) => {
    code = result;
  });
  addCloud(program);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`failtome-sim: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function addDemo(program: Command, done: (code: ExitCode) => void): void {
  const driver = new Option('--driver <kind>', 'what moves the address').choices(['ec2', 'opsworks']);
  program
    .command('demo')
    .description('two real agents fail an address over, against the embedded cloud')
    .option('--keep', 'stay up afterwards, with the status pages, until interrupted', false)
    .addOption(driver.default('ec2'))
    .option('--agent <file>', 'the built agent', join(import.meta.dirname, '../../agent/dist/failtome.js'))
    .action(async ({ keep, driver: kind, agent }: DemoFlags) => {
      const { stdout } = process;
      const colour = stdout.isTTY && (process.env.NO_COLOR ?? '') === '';
      const write = (text: string): void => void stdout.write(text);
      const options = { keep, driver: kind, agentFile: agent, colour };
      done((await runDemo(options, { write, signal: stopping.signal })) ? 0 : 1);
    });
}

interface DemoFlags {
  readonly keep: boolean;
  readonly driver: DemoOptions['driver'];
  readonly agent: string;
}

function addCloud(program: Command): void {
  program
    .command('cloud')
    .description('an embedded cloud for other processes, until interrupted; says where everything is')
    .option('--listen <host:port>', 'where AWS answers', '127.0.0.1:0')
    .option('--instances <id[@host:port],…>', 'instances, each with its web server if it has one', list, [])
    .option('--addresses <ip[:port][=holder],…>', 'Elastic IPs', list, [])
    .option('--topics <arn,…>', 'SNS topics', list, [])
    .action((flags: CloudFlags) =>
      runCloud({ ...flags, signal: stopping.signal, print: (line) => console.log(line) }),
    );
}

interface CloudFlags {
  readonly listen: string;
  readonly instances: readonly string[];
  readonly addresses: readonly string[];
  readonly topics: readonly string[];
}

/** Comma-separated, and given once or more often. */
function list(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...text.split(',').filter((item) => item !== '')];
}
