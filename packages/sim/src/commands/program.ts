import { Command } from 'commander';
import { describeOption } from './arguments.ts';
import { addCloud } from './cloud-command.ts';
import type { CommandContext } from './context.ts';
import { addDemo } from './demo-command.ts';
import { addExplore } from './explore-command.ts';
import { addImport } from './import-command.ts';
import { addList } from './list-command.ts';
import { addReplay } from './replay-command.ts';
import { addRun } from './run-command.ts';
import { addScale } from './scale-command.ts';
import { addShrink } from './shrink-command.ts';
import { addSwarm } from './swarm-command.ts';
import { addTune } from './tune-command.ts';
import { addWhy } from './why-command.ts';

const VERBS: readonly ((program: Command, context: CommandContext) => void)[] = [
  addDemo,
  addCloud,
  addList,
  addRun,
  addReplay,
  addSwarm,
  addShrink,
  addExplore,
  addTune,
  addScale,
  addImport,
  addWhy,
];

/** Every verb with its options. The manual and the completions are made from it, too. */
export function buildProgram(context: CommandContext, version: string): Command {
  const program = new Command('failtome-sim')
    .description('A simulated world for failtome')
    .version(version)
    .configureHelp({ optionDescription: describeOption })
    .exitOverride()
    .showHelpAfterError('(see failtome-sim --help)');
  for (const add of VERBS) add(program, context);
  return program;
}
