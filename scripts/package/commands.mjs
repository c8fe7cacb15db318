// What the commands are, from their own definitions: the manual and the completions are made of this.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { commandBanner, shakableAwsSchemas } from '../build.mjs';
import { root } from '../install.mjs';

/**
 * @typedef {{ name: string, required: boolean, description: string }} Argument
 * @typedef {object} Flag
 * @property {string} flags as commander shows them: `-c, --config <file>`
 * @property {string[]} names `-c` and `--config`
 * @property {boolean} takesValue
 * @property {string[]} choices
 * @property {string} description
 * @property {string} fallback the default as people write it; empty where there is none worth telling
 * @typedef {object} Verb
 * @property {string} name
 * @property {string} description
 * @property {Argument[]} arguments
 * @property {Flag[]} options
 * @property {Verb[]} under what may follow it, each a verb of its own
 * @typedef {{ name: string, description: string, version: string, verbs: Verb[] }} Program
 */

/**
 * The parts of commander's objects that are read here.
 * @typedef {object} DefinedOption
 * @property {string} flags
 * @property {string | undefined} [short]
 * @property {string | undefined} [long]
 * @property {boolean} required
 * @property {boolean} optional
 * @property {boolean} hidden
 * @property {string} description
 * @property {readonly string[] | undefined} [argChoices]
 * @property {unknown} [defaultValue]
 * @property {string | undefined} [defaultValueDescription]
 * @typedef {object} DefinedCommand
 * @property {() => string} name
 * @property {() => string} description
 * @property {readonly DefinedOption[]} options
 * @property {readonly DefinedCommand[]} commands
 * @property {readonly { name: () => string, required: boolean, description: string }[]} registeredArguments
 */

/** @param {string} version @returns {Promise<Program[]>} */
export async function programs(version) {
  const agent = await moduleOf('packages/agent/src/cli/program.ts');
  const sim = await moduleOf('packages/sim/src/commands/program.ts');
  return [
    described(
      agent.buildProgram({ version }, () => undefined),
      version,
    ),
    described(sim.buildProgram({}, version), version),
  ];
}

/** Node 20 can't read TypeScript. @param {string} entry */
async function moduleOf(entry) {
  const outfile = `${root}node_modules/.cache/failtome-commands/${entry.replaceAll('/', '-')}.mjs`;
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    mainFields: ['module', 'main'],
    alias: { '@failtome/protocol': `${root}packages/protocol/src/index.ts` },
    banner: { js: commandBanner },
    define: {
      FAILTOME_VERSION: '""',
      REPORT_CLIENT: '""',
      PAGE_SCRIPT: '""',
      PAGE_STYLE: '""',
      OPERATIONS_BODY: '""',
    },
    plugins: [shakableAwsSchemas],
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}

/** @param {DefinedCommand} program @param {string} version @returns {Program} */
function described(program, version) {
  const verbs = program.commands.map(verbOf);
  return { name: program.name(), description: program.description(), version, verbs };
}

/** @param {DefinedCommand} command @returns {Verb} */
function verbOf(command) {
  return {
    name: command.name(),
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      required: argument.required,
      description: argument.description,
    })),
    options: command.options.filter(({ hidden }) => !hidden).map(flagOf),
    under: command.commands.map(verbOf),
  };
}

/** @param {DefinedOption} option @returns {Flag} */
function flagOf(option) {
  const { defaultValue, defaultValueDescription } = option;
  const plain = typeof defaultValue === 'string' || typeof defaultValue === 'number' ? `${defaultValue}` : '';
  return {
    flags: option.flags,
    names: [option.short ?? '', option.long ?? ''].filter((name) => name !== ''),
    takesValue: option.required || option.optional,
    choices: [...(option.argChoices ?? [])],
    description: option.description,
    fallback: defaultValueDescription ?? plain,
  };
}
