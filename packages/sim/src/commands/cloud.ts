import type { Command } from 'commander';
import { runCloud } from '../cloud/index.ts';
import type { CommandContext } from './context.ts';

interface CloudFlags {
  readonly listen: string;
  readonly instances: readonly string[];
  readonly addresses: readonly string[];
  readonly topics: readonly string[];
}

export function addCloud(program: Command, { write, signal }: CommandContext): void {
  program
    .command('cloud')
    .description('an embedded cloud for other processes, until interrupted; says where everything is')
    .option('--listen <host:port>', 'where AWS answers', '127.0.0.1:0')
    .option('--instances <id[@host:port],…>', 'instances, each with its web server if it has one', list, [])
    .option('--addresses <ip[:port][=holder],…>', 'Elastic IPs', list, [])
    .option('--topics <arn,…>', 'SNS topics', list, [])
    .action((flags: CloudFlags) => runCloud({ ...flags, signal, print: (line) => write(`${line}\n`) }));
}

/** Comma-separated, and given once or more often. */
function list(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...text.split(',').filter((item) => item !== '')];
}
