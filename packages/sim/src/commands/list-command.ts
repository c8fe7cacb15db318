import { counted } from '@failtome/protocol';
import type { Command } from 'commander';
import { loadScenarios, ScenarioError } from '../scenario/index.ts';
import { type CommandContext, UsageError } from './context.ts';

interface ListFlags {
  readonly dir?: string;
  readonly json: boolean;
}

/** Add `failtome-sim list`. */
export function addList(program: Command, { write }: CommandContext): void {
  program
    .command('list')
    .description('the scenarios there are, and what each proves')
    .option('--dir <folder>', 'those of another folder')
    .option('--json', 'for programs', false)
    .action(({ dir, json }: ListFlags) => {
      const scenarios = asUsage(() => loadScenarios(dir)).map(({ name, proves, plan }) => ({
        name,
        nodes: plan.world.nodes.length,
        proves,
      }));
      if (json) return write(`${JSON.stringify(scenarios, null, 2)}\n`);
      const widest = Math.max(...scenarios.map(({ name }) => name.length));
      for (const { name, nodes, proves } of scenarios) write(`${name.padEnd(widest)}  ${nodes}  ${proves}\n`);
    });
}

/** A file that can't be run is a wrong call: exit code 2, and a line a fault. */
export function asUsage<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const { length } = error.faults;
    throw new UsageError(`${counted(length, 'fault')}\n${error.message}`);
  }
}
