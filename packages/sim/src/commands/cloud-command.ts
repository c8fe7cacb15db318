import { CloudFlagError, runCloud } from '@failtome/cloud';
import { parseDuration } from '@failtome/config';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, UsageError } from './context.ts';
import { refuseUnwritable } from './output-files.ts';

interface CloudFlags {
  readonly listen: string;
  readonly ports?: number;
  readonly instances: readonly string[];
  readonly addresses: readonly string[];
  readonly privateAddresses: readonly string[];
  readonly routedAddresses: readonly string[];
  readonly routeTables: readonly string[];
  readonly topics: readonly string[];
  readonly secrets: readonly string[];
  readonly tags: readonly string[];
  readonly newPublicAddress?: number;
  readonly state?: string;
  readonly json: boolean;
}

/** Add `failtome-sim cloud`. */
export function addCloud(program: Command, context: CommandContext): void {
  program
    .command('cloud')
    .description('an embedded cloud for other processes, until interrupted; says where everything is')
    .option('--listen <host:port>', 'where AWS answers; port 0 is a free one', '127.0.0.1:0')
    .option(
      '--ports <first>',
      'fixed ports for everything else, from this one on; free ones by default',
      portIn,
    )
    .option('--instances <id[@host:port],…>', 'instances, each with its web server if it has one', list, [])
    .option('--addresses <ip[:port][=holder],…>', 'Elastic IPs', list, [])
    .option(
      '--private-addresses <ip[:port][=holder],…>',
      'secondary private addresses; all instances are in one subnet then',
      list,
      [],
    )
    .option(
      '--routed-addresses <ip[:port][=holder],…>',
      "addresses that routes lead to; the instances' source/destination checks are off then",
      list,
      [],
    )
    .option('--route-tables <rtb-…,…>', 'the tables that lead to them; one by default', list, [])
    .option('--topics <arn,…>', 'SNS topics', list, [])
    .option('--secrets <arn=text,…>', 'what Secrets Manager holds', list, [])
    .option('--tags <key=value,…>', 'tags of every instance', list, [])
    .option(
      '--new-public-address <time>',
      'from the loss of an Elastic IP until the instance has a public address again',
      durationIn,
    )
    .option('--state <file>', 'go on where this file ends, and keep it')
    .option('--json', 'where everything is as one line of JSON, and nothing more', false)
    .action((flags: CloudFlags) => run(flags, context));
}

async function run(flags: CloudFlags, context: CommandContext): Promise<void> {
  refuseUnwritable({ '--state': flags.state });
  const { write, signal } = context;
  try {
    const { newPublicAddress: newPublicAddressMs, ...others } = flags;
    await runCloud({ ...others, newPublicAddressMs, signal, print: (line) => write(`${line}\n`) });
  } catch (error) {
    if (error instanceof CloudFlagError) throw new UsageError(error.message);
    throw error;
  }
}

/** Comma-separated, and given once or more often. */
function list(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...text.split(',').filter((item) => item !== '')];
}

function durationIn(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('a time like 20s is wanted');
  return ms;
}

function portIn(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('not the number of a port');
}
