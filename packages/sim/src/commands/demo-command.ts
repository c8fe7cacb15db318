import { join } from 'node:path';
import { type DemoOptions, runDemo } from '@failtome/cluster/demo';
import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';

interface DemoFlags {
  readonly keep: boolean;
  readonly driver: DemoOptions['driver'];
  readonly agent: string;
}

/** Add `failtome-sim demo`. */
export function addDemo(program: Command, context: CommandContext): void {
  const driver = new Option('--driver <kind>', 'what moves the address').choices(['ec2', 'opsworks']);
  program
    .command('demo')
    .description('two real agents fail an address over, against the embedded cloud')
    .option('--keep', 'stay up afterwards, with the status pages, until interrupted', false)
    .addOption(driver.default('ec2'))
    .addOption(agentOption())
    .action(async ({ keep, driver: kind, agent }: DemoFlags) => {
      const options = { keep, driver: kind, agentFile: agent, colour: context.colour };
      const { write, signal } = context;
      context.finish((await runDemo(options, { write, signal })) ? 0 : 1);
    });
}

/** In words: a path in the help would be the one of whoever built the manual page. */
function agentOption(): Option {
  const beside = join(import.meta.dirname, '../../agent/dist/failtome.js');
  return new Option('--agent <file>', 'the built agent').default(
    beside,
    'the one that came with this program',
  );
}
