/** The command line: which verbs there are, their options, and their exit codes. */
import { formatDuration, parseDuration } from '@failtome/config';
import type { DurationMs } from '@failtome/protocol';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { BUNDLE_SINCE_MS, type BundleOptions, bundle } from './bundle.ts';
import { check } from './check.ts';
import { type ConfigOptions, config } from './config.ts';
import { type CliDependencies, complain, type ExitCode } from './dependencies.ts';
import { cancelHandover, handover } from './handover.ts';
import { type HistoryOptions, history } from './history.ts';
import { IAM_VALUES, type IamOptions, iam, listed } from './iam.ts';
import { INIT_VALUES, type InitOptions, init } from './init.ts';
import { type KeygenOptions, keygen } from './keygen.ts';
import { pause, resume } from './pause.ts';
import { run } from './run-command.ts';
import { type StatusOptions, status } from './status.ts';
import { DEFAULT_CONFIG_FILE, type TargetOptions } from './target.ts';
import { addVotersVerbs } from './voters-program.ts';
import { why } from './why.ts';

/** The longest reason that travels with a command. */
const MAX_REASON_CHARACTERS = 200;

/**
 * Run one command line.
 *
 * @param argv without the program's own name: `['status', '--json']`
 */
export async function runCli(argv: readonly string[], dependencies: CliDependencies): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = buildProgram(dependencies, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    // Help and version end with 0; everything else that commander refuses is usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

type Done = (code: ExitCode) => void;

/** Every verb with its options. The manual and the completions are made from it, too. */
export function buildProgram(dependencies: CliDependencies, done: Done): Command {
  const program = new Command('failtome')
    .description('Fails an Elastic IP over between HAProxy nodes, and only when it should')
    .version(dependencies.version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => dependencies.stdout.write(text),
      writeErr: (text) => dependencies.stderr.write(text),
    })
    .showHelpAfterError('(see failtome --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 not done (the reason is printed), 2 usage or configuration.',
    );
  addAgentVerbs(program, dependencies, done);
  addSetUpVerbs(program, dependencies, done);
  addViewVerbs(program, dependencies, done);
  addOrderVerbs(program, dependencies, done);
  addVotersVerbs(program, dependencies, { withTarget, toDuration, done });
  return program;
}

function addAgentVerbs(program: Command, dependencies: CliDependencies, done: Done): void {
  accepting(withConfig(program.command('run')), '--json')
    .description('run the agent')
    .action(async (options: TargetOptions) => done(await run(options, dependencies)));
  accepting(withConfig(program.command('check')), '--url <url>')
    .description('preflight: would this node do its duty?')
    .option('--json', 'print JSON')
    .action(async (options: TargetOptions) => done(await check(options, dependencies)));
  accepting(withConfig(program.command('config')), '--url <url>')
    .description('the effective configuration, and where each value came from')
    .option('--json', 'print JSON')
    .option('--from-stack-json <file>', "write one from an OpsWorks stack's JSON instead")
    .addOption(
      new Option('--driver <kind>', 'with --from-stack-json: what moves the address').choices([
        'ec2',
        'opsworks',
      ]),
    )
    .action(async (options: ConfigOptions) => done(await config(options, dependencies)));
  accepting(program.command('keygen'), '-c, --config <file>', '--url <url>')
    .description('a new cluster key, on standard output')
    .option('--identity', "a node's or an operator's own key pair instead")
    .addOption(
      new Option('--public <file>', 'the public half of the key pair in this file instead').conflicts(
        'identity',
      ),
    )
    .addOption(
      new Option('--from-secret <arn>', "the cluster's key that this secret of Secrets Manager holds instead")
        .argParser(INIT_VALUES.keySecret)
        .conflicts(['identity', 'public']),
    )
    .option('--json', 'print JSON')
    .action(async (options: KeygenOptions) => done(await keygen(options, dependencies)));
}

function addSetUpVerbs(program: Command, dependencies: CliDependencies, done: Done): void {
  const { cluster, expect, ip, keySecret, path, placed, table, topic } = INIT_VALUES;
  program
    .command('init')
    .description('the configuration, the key and the next steps of a new cluster; overwrites nothing')
    .option(
      '--ip <ip>',
      'the Elastic IP that the nodes share, as often as needed; otherwise looked up',
      listed(ip),
    )
    .option(
      '--node <id=address>',
      'a node and its private address, once for each; otherwise looked up',
      listed(placed),
    )
    .option('--witness <id=address>', 'a node that only votes', listed(placed))
    .option('--topic <arn>', 'the SNS topic that people are told by', topic)
    .option('--table <name>', 'a table of DynamoDB by which voters that are cut off hear each other', table)
    .option('--arbiter', 'of a pair: the table is the third voter, too; with --table')
    .option('--path <path>', "what probes ask the nodes' HAProxy for", path, '/')
    .option(
      '--key-secret <arn>',
      'the key is what this secret of Secrets Manager holds, instead of a new one',
      keySecret,
    )
    .option('--expect <count>', 'write nothing unless it is of so many nodes', expect)
    .option('--cluster <name>', "the cluster's name; otherwise looked up, or haproxy", cluster)
    .option('--dir <dir>', 'where the files go, on every node', '/etc/failtome')
    .option('-y, --yes', 'write without asking')
    .option('--json', 'print JSON, and ask nothing')
    .action(async (options: InitOptions) => done(await init(options, dependencies)));
  const { account, profile, region, stack, subnet, tag } = IAM_VALUES;
  accepting(withConfig(program.command('iam')), '--url <url>')
    .description('the least IAM policy for this configuration, as JSON, CloudFormation or Terraform')
    .addOption(
      new Option('--format <format>', 'how it is written')
        .choices(['json', 'cloudformation', 'terraform'])
        .default('json'),
    )
    .addOption(new Option('--json', 'the same as --format json').conflicts('format'))
    .option('--account <id>', 'the AWS account; otherwise looked up', account)
    .option('--region <name>', 'the AWS region, instead of the one of the configuration', region)
    .option('--subnet <id>', 'a subnet of the nodes, as often as needed; otherwise looked up', listed(subnet))
    .option('--instance-profile <name>', "the nodes' instance profile; otherwise looked up", listed(profile))
    .addOption(
      new Option('--tag <key=value>', "a tag of the nodes' instances, instead of their profile")
        .argParser(tag)
        .conflicts('instanceProfile'),
    )
    .option('--key-secret <arn>', 'also let the nodes read this secret of Secrets Manager', keySecret)
    .option('--assumed', 'the policy of the role that driver.assumeRole names, not of the nodes')
    .option('--stack <id>', "with the OpsWorks driver: the stack's id; otherwise looked up", stack)
    .action(async (options: IamOptions) => done(await iam(options, dependencies)));
}

function addViewVerbs(program: Command, dependencies: CliDependencies, done: Done): void {
  withTarget(program.command('status'))
    .description('every node, every address, who holds it, verdicts, votes, hold-down')
    .option('-w, --watch', 'look again every second, until interrupted')
    .option('--node', "this node's view alone, instead of all nodes'")
    .action(async (options: StatusOptions) => done(await status(options, dependencies)));
  withTarget(program.command('why'))
    .description('the decision as a ladder: each gate, what it saw, and what would have to change')
    .argument('[address]', 'all addresses when left out')
    .action(async (address: string | undefined, options: TargetOptions) =>
      done(await why(address, options, dependencies)),
    );
  withTarget(program.command('history'))
    .description('every takeover and every refusal, and what each node saw of it, newest first')
    .option('--node', "this node's alone, instead of all nodes' merged")
    .action(async (options: HistoryOptions) => done(await history(options, dependencies)));
  withTarget(program.command('bundle'))
    .description('everything about an incident in one file: what all nodes have recorded, and know')
    .addOption(
      new Option('--since <duration>', 'how far back')
        .argParser(toDuration)
        .default(BUNDLE_SINCE_MS, formatDuration(BUNDLE_SINCE_MS)),
    )
    .option('-o, --output <file>', 'where it goes; otherwise named after the cluster and the time, here')
    .action(async (options: BundleOptions) => done(await bundle(options, dependencies)));
}

interface OrderOptions extends TargetOptions {
  readonly to?: string;
  readonly for?: DurationMs;
  readonly reason?: string;
  readonly timeout: DurationMs;
  readonly keep?: boolean;
  readonly cancel?: boolean;
  readonly replace?: boolean;
}

function addOrderVerbs(program: Command, dependencies: CliDependencies, done: Done): void {
  withOrder(program.command('handover'))
    .description('move an address as planned, agreed by the peers')
    .argument('[address]', 'may be left out where there is only one')
    .option('--to <node>', 'the node that takes it; otherwise the best-ranked other candidate')
    .option(
      '--keep',
      'let it happen later, for as long as a handover may take, though it was not done in time',
    )
    .addOption(
      new Option('--cancel', 'take back what is open; done when it is certain not to happen').conflicts([
        'to',
        'keep',
      ]),
    )
    .action(async (address: string | undefined, { to, timeout, cancel, keep, ...options }: OrderOptions) => {
      const order = { ...options, reason: options.reason ?? '', timeoutMs: timeout };
      if (cancel === true) return done(await cancelHandover(address, order, dependencies));
      return done(await handover(address, { ...order, to: to ?? null, keep: keep === true }, dependencies));
    });
  withOrder(program.command('pause'))
    .description('no automatic takeover in the whole cluster, until resumed or expired')
    .option('--for <duration>', 'such as 30m or 1h; without it, until resumed', toDuration)
    .option('--replace', 'replace a pause in force that would last longer; otherwise that one stays')
    .action(async ({ for: length, timeout, replace, ...options }: OrderOptions) => {
      const order = { ...options, reason: options.reason ?? '', timeoutMs: timeout };
      done(await pause({ ...order, forMs: length ?? null, replace: replace === true }, dependencies));
    });
  withOrder(program.command('resume'))
    .description('end a pause')
    .action(async ({ timeout, ...options }: OrderOptions) =>
      done(await resume({ ...options, reason: options.reason ?? '', timeoutMs: timeout }, dependencies)),
    );
}

function withConfig(command: Command): Command {
  return command.option('-c, --config <file>', `the configuration (default: ${DEFAULT_CONFIG_FILE})`);
}

function withTarget(command: Command): Command {
  return withConfig(command)
    .option('--url <url>', 'the API of an agent, instead of the one of the configuration')
    .option('--key-file <file>', 'the cluster key, instead of the one of the configuration')
    .option('--ca <file>', 'with https: certificates of the authority, or of the agent, in PEM')
    .option('--json', 'print JSON');
}

function withOrder(command: Command): Command {
  const timeout = new Option('--timeout <duration>', 'how long to wait for the end')
    .argParser(toDuration)
    .default(60_000, '60s');
  return withTarget(command)
    .option(
      '--identity <file>',
      "the operator's key pair, where auth.operators asks for one (default: FAILTOME_IDENTITY)",
    )
    .option('--reason <text>', 'why, for the history and the other nodes', toReason)
    .addOption(timeout);
}

/** Options that every verb takes and this one has no use for, so that scripts need not tell them apart. */
function accepting(command: Command, ...flags: readonly string[]): Command {
  for (const flag of flags) command.addOption(new Option(flag).hideHelp());
  return command;
}

function toDuration(written: string): DurationMs {
  const ms = parseDuration(written);
  if (ms === null || ms === 0) throw new InvalidArgumentError('Write a duration such as 30s, 10m or 1h.');
  return ms;
}

function toReason(written: string): string {
  const length = [...written].length;
  if (length <= MAX_REASON_CHARACTERS) return written;
  throw new InvalidArgumentError(`At most ${MAX_REASON_CHARACTERS} characters, and it has ${length}.`);
}

/** For the process's last words: a fault of this program, which no verb foresaw. */
export function complainOfFault(error: unknown, dependencies: Pick<CliDependencies, 'stderr'>): ExitCode {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  complain(dependencies, `failtome: a fault of this program: ${detail}`);
  return 1;
}
