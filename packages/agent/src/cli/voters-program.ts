/** The verbs of `failtome voters`. */
import { scalarNode } from '@failtome/config';
import type { DurationMs, Role } from '@failtome/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { NODE_ID } from '../config/file-keys.ts';
import { baseUrl } from '../config/kinds.ts';
import { publicKeys } from '../config/public-keys.ts';
import type { ValueKind } from '../config/value-kind.ts';
import type { CliDependencies, ExitCode } from './dependencies.ts';
import type { TargetOptions } from './target.ts';
import { voters } from './voters.ts';
import { type ChangeOptions, changeVoters } from './voters-change.ts';
import type { PlannedChange } from './voters-plan.ts';

/** Nodes are changed by hand, and a machine may have to be started. */
const TIMEOUT_MS: DurationMs = 1_800_000;

interface Written extends Omit<ChangeOptions, 'timeoutMs'> {
  readonly timeout: DurationMs;
  readonly url?: string;
  readonly role: Role;
  readonly publicKey?: string;
}

/** What the verbs share with those of `program.ts`. */
export interface VotersVerbs {
  readonly withTarget: (command: Command) => Command;
  readonly toDuration: (written: string) => DurationMs;
  readonly done: (code: ExitCode) => void;
}

/** `voters`, and under it `add`, `remove` and `replace`. */
export function addVotersVerbs(program: Command, dependencies: CliDependencies, verbs: VotersVerbs): void {
  const { withTarget, toDuration, done } = verbs;
  const run = async (planned: PlannedChange, { timeout, ...options }: Omit<Written, 'role'>): Promise<void> =>
    done(await changeVoters(planned, { ...options, timeoutMs: timeout }, dependencies));
  const parent = withTarget(program.command('voters'))
    .description('the electorate as each node has it; its change, one voter at a time, step by step')
    .enablePositionalOptions()
    .action(async (options: TargetOptions) => done(await voters(options, dependencies)));
  const change = (name: string): Command =>
    parent
      .command(name)
      .argument('<id>', 'its node.id', reading(NODE_ID.kind))
      .option('-c, --config <file>', "this node's configuration")
      .option('--key-file <file>', 'the cluster key, instead of the one of the configuration')
      .option('--ca <file>', 'with https: certificates of the authority, or of the agent, in PEM')
      .option('--identity <file>', "the operator's key pair, where auth.operators asks for one")
      .option('--plan', 'say what is to be done, and change nothing', false)
      .option('--write', "change this node's own file, and nothing else in it", false)
      .addOption(
        new Option('--timeout <duration>', 'how long to wait for all nodes')
          .argParser(toDuration)
          .default(TIMEOUT_MS, '30m'),
      )
      .option('--json', 'print JSON');
  change('add')
    .description('one voter more')
    .option('--url <url>', 'where its API is; may be left out where peers are found', reading(baseUrl))
    .addOption(
      new Option('--role <role>', 'what it is').choices(['candidate', 'witness']).default('candidate'),
    )
    .option('--public-key <key>', 'its public key, where nodes have identities', keyText)
    .action(async (id: string, { url, role, publicKey, ...options }: Written) => {
      const entry = { id, url: url ?? null, role, publicKey: publicKey ?? null };
      await run({ change: { kind: 'add', id }, edit: { kind: 'add', entry } }, options);
    });
  change('remove')
    .description('one voter less; a node that holds an address hands it over first')
    .action(async (id: string, options: Written) => {
      await run({ change: { kind: 'remove', id }, edit: { kind: 'remove', id } }, options);
    });
  change('replace')
    .description('another machine under the same id; the old one has to be stopped for good')
    .option('--url <url>', 'where its API is, if it is elsewhere than the old one was', reading(baseUrl))
    .action(async (id: string, { url, ...options }: Written) => {
      const edit = url === undefined ? null : ({ kind: 'move', id, url } as const);
      await run({ change: { kind: 'replace', id, url: url ?? null }, edit }, options);
    });
}

function reading(kind: ValueKind<string>): (written: string) => string {
  return (written) => {
    const read = kind.read(scalarNode(written));
    if (read.kind === 'value') return read.value;
    throw new InvalidArgumentError(`Found ${read.found}, expected ${kind.expected}.`);
  };
}

function keyText(written: string): string {
  if (publicKeys.read(scalarNode(written)).kind === 'value') return written;
  throw new InvalidArgumentError(`Expected what \`failtome keygen --public FILE\` prints.`);
}
