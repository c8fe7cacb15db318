/** What each verb of `failtome` prints with `--json`, as JSON Schema. */
import Type from 'typebox';
import type { CheckedLine } from '../../src/cli/check.ts';
import type { SeenElectorate } from '../../src/cli/voters-judge.ts';
import { STATUS } from './status-schema.ts';
import { HISTORY_LINE, WHY } from './view-schemas.ts';
import { count, describing, flag, lengthMs, nodeId, nullable, oneOf, text, texts } from './words.ts';

const TOLD = Type.Object({
  id: nodeId('Its id.'),
  role: text('candidate, witness or member.'),
  self: flag('It is the node that was asked.'),
  state: nullable(text('What the node that was asked thinks of it.'), 'Null: it is that node.'),
  ageMs: nullable(lengthMs('How old its word is.'), 'Null: it has told nothing.'),
  failure: nullable(text('Why there is no newer word of it.'), 'Null: nothing is wrong.'),
  status: Type.Unsafe<unknown>({ anyOf: [STATUS, { type: 'null' }], description: 'Its /v1/status.' }),
});

const CHECK_LINE = describing<CheckedLine>()(
  Type.Object({
    part: text('Its heading.'),
    name: text('What was looked at.'),
    state: oneOf(['ok', 'warn', 'fail'], 'What came of it.'),
    found: text('What was found.'),
    fix: text('What to do; empty: nothing.'),
  }),
);

const FAULTS = texts('Each with its path, what was found and what was expected.');

const DONE = { done: flag('Whether.'), detail: text('In words.') };

const ELECTORATE = describing<SeenElectorate>()(
  Type.Object({
    digest: text('What names it.'),
    voters: Type.Array(nodeId('One of its voters.')),
    nodes: Type.Array(nodeId('A node that has it.')),
    needed: count('How many of its voters decide.'),
    couldDecide: flag('Of its voters those that have it, and those of whom it is not known, are enough.'),
  }),
);

const VOTER_NODE = Type.Object({
  id: nodeId('Its id; this node where it is not known.'),
  role: nullable(text('candidate, witness or member.'), 'Null: it is not known.'),
  url: text('Where it was asked.'),
  reachable: flag('It answered.'),
  failure: nullable(text('Why it did not.'), 'Null: it did.'),
  version: nullable(text('The version of failtome that it runs.'), 'Null: it did not answer.'),
  digest: nullable(text('The electorate that it has.'), 'Null: it did not answer.'),
  voters: nullable(Type.Array(nodeId('A voter.')), 'Null: it did not answer.'),
});

/** Each verb's output, by the verb. */
export const CLI_OUTPUT: Readonly<Record<string, object>> = {
  status: Type.Intersect([STATUS, Type.Object({ nodes: Type.Optional(Type.Array(TOLD)) })], {
    description:
      'The status of the node that was asked, and in nodes what each node says of itself; with --node without these.',
  }),
  why: Type.Union([WHY, Type.Array(WHY)], {
    description: 'One address; a list where none is named and the cluster has several.',
  }),
  history: Type.Array(HISTORY_LINE, {
    description:
      'Newest first. Merged, what others saw of an event follows it, and each entry has node, who tells it.',
  }),
  bundle: Type.Object({
    path: text('The file that was made.'),
    bytes: count('How large it is.'),
    files: texts('What is in it, beside its manifest.'),
    missing: Type.Array(Type.Object({ what: text('What could not be had.'), why: text('Why.') })),
  }),
  check: Type.Union(
    [
      Type.Object({ ok: flag('Nothing failed.'), lines: Type.Array(CHECK_LINE) }),
      Type.Object({ ok: Type.Unsafe<false>({ const: false }), faults: FAULTS }),
    ],
    { description: 'The lines of the preflight; of a faulty configuration its faults (exit 2).' },
  ),
  config: Type.Union(
    [
      Type.Object({
        file: text('The file.'),
        config: Type.Unsafe<object>({
          type: 'object',
          description: 'As the file has it, with every default.',
        }),
        origins: Type.Unsafe<object>({
          type: 'object',
          description: 'Where each value came from, by its path.',
        }),
        warnings: texts('What is risky.'),
      }),
      Type.Object({ file: text('The file.'), faults: FAULTS, warnings: texts('What is risky.') }),
      Type.Object({ yaml: text('The configuration.'), missing: texts('What has to be filled in.') }),
    ],
    {
      description: 'The effective configuration; its faults (exit 2); or with --from-stack-json the new one.',
    },
  ),
  keygen: Type.Union(
    [
      Type.Object({ key: text('A new cluster key.') }),
      Type.Object({ keys: texts('The lines of a key file.') }),
      Type.Object({ privateKey: text('The identity file.'), publicKey: text('What others may know.') }),
      Type.Object({ publicKey: text('What others may know.') }),
    ],
    {
      description:
        'A cluster key; those of a secret; with --identity a key pair; with --public its public half.',
    },
  ),
  init: Type.Object({
    written: flag('Whether the files were written.'),
    files: Type.Array(
      Type.Object({
        path: text('Where.'),
        mode: Type.String({ pattern: '^0[0-7]{3}$', description: 'Octal.' }),
        text: nullable(text('What is in it.'), 'Null: the key is not shown.'),
      }),
    ),
  }),
  iam: Type.Object(
    {
      Version: Type.Unsafe<'2012-10-17'>({ const: '2012-10-17' }),
      Statement: Type.Array(Type.Unsafe<object>({ type: 'object' }), { minItems: 1 }),
    },
    { description: 'An IAM policy.' },
  ),
  handover: Type.Object({ ...DONE, id: text("The handover's id; empty: there is none.") }),
  voters: Type.Union(
    [
      Type.Object({
        agree: flag('Every node answers, and all have the same voters.'),
        majorities: count('How many of the electorates could decide; above 1 two could at once.'),
        electorates: Type.Array(ELECTORATE),
        nodes: Type.Array(VOTER_NODE),
      }),
      Type.Object({ ...DONE, steps: texts('What was seen, and what was said to do, a line each.') }),
    ],
    { description: 'The electorate as each node has it; of add, remove and replace, how the change went.' },
  ),
  pause: Type.Object(DONE),
  resume: Type.Object(DONE),
};

/** The schemas as one file. */
export function cliOutputText(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What the verbs of failtome print with --json',
    description:
      'One definition for each verb. Fields may be added; none is dropped or changes its meaning within a major version.',
    $defs: CLI_OUTPUT,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
