/**
 * What must come of a scenario: claims about a span of its time, as data, and as a file says them.
 */

import { type AwsAction, awsActions } from '@failtome/cloud/model';
import { describeNode, didYouMean } from '@failtome/config';
import { REASONS } from '@failtome/protocol';
import { nodeName } from './cluster-shape.ts';
import { OBSERVABLES } from './observables.ts';
import {
  at,
  choice,
  duration,
  type Fields,
  listOf,
  map,
  named,
  oneOrMore,
  optional,
  reportFault,
  type Schema,
  type Shape,
  scalar,
  scalarOr,
  text,
} from './shape.ts';
import { someAddress } from './timeline-shape.ts';

/** So many, at least and at most. */
export interface Count {
  readonly least: number;
  /** Null: as many as you like. */
  readonly most: number | null;
}

/** `address` null: all of them together. `node` null: nobody; of observations: any node. */
export type Claim =
  /** At the end of the span. */
  | { readonly kind: 'holder'; readonly address: string | null; readonly node: string | null }
  /** Who was given the address by an agent, in order. */
  | { readonly kind: 'takers'; readonly address: string | null; readonly nodes: readonly string[] }
  | { readonly kind: 'moves'; readonly address: string | null; readonly count: Count }
  /** In service again at the latest so long after the span's begin (or at all), by anybody or by this node. */
  | {
      readonly kind: 'served';
      readonly address: string | null;
      readonly by: string | null;
      readonly withinMs: number | null;
    }
  /** For so long at a time nobody answers, at least once in the span. */
  | { readonly kind: 'unserved'; readonly address: string | null; readonly forMs: number }
  | { readonly kind: 'told'; readonly count: Count }
  /** The notifications, in order; each holds this text. */
  | { readonly kind: 'told-texts'; readonly texts: readonly string[] }
  /** What the web hook has accepted, in order, each as `EVENT by NODE`. */
  | { readonly kind: 'webhook'; readonly texts: readonly string[] }
  | { readonly kind: 'seen' | 'unseen'; readonly node: string | null; readonly observation: string }
  /** The outcome of the takeover rule, or its reason, at the end of the span. */
  | { readonly kind: 'decision'; readonly node: string; readonly is: string }
  /** Calls that weren't dry runs. */
  | { readonly kind: 'calls'; readonly call: AwsAction; readonly count: Count }
  /** Writes to the store, of all nodes. */
  | { readonly kind: 'stored'; readonly count: Count }
  | { readonly kind: 'ready'; readonly node: string }
  /** Not ready to take over, for a reason that holds this text. */
  | { readonly kind: 'unready'; readonly node: string; readonly because: string }
  /** What the operators were answered, in the order of their orders; each holds this text. */
  | { readonly kind: 'answered'; readonly texts: readonly string[] };

/** What must hold of a span of time. */
export interface Expectation {
  /** Null: from the beginning. */
  readonly fromMs: number | null;
  /** Null: to the end. */
  readonly untilMs: number | null;
  readonly claims: readonly Claim[];
}

/** The outcomes of the takeover rule. */
const OUTCOMES = ['wait', 'campaign', 'guard', 'move', 'verify', 'hold'];
/** The most items of any list of claims. */
const MAX_LISTED = 1_000;
const DAY_MS = 86_400_000;

const count: Shape<Count> = scalar(
  'a number, `at most N` or `at least N`',
  {
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^at (most|least) \\d{1,6}$' },
    ],
  },
  (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0)
      return { value: { least: value, most: value } };
    const [, bound, digits] = /^at (most|least) (\d{1,6})$/.exec(String(value)) ?? [];
    if (digits === undefined) return { hint: '' };
    return {
      value: bound === 'most' ? { least: 0, most: Number(digits) } : { least: Number(digits), most: null },
    };
  },
);

/** A configured node. */
const aNode: Shape<string> = {
  expected: "one of the cluster's nodes",
  schema: nodeName.schema,
  read(node, reading) {
    const { nodes } = reading.context;
    const value = nodeName.read(node, reading);
    if (value === undefined || nodes === null || nodes.includes(value)) return value;
    return reportFault(
      node,
      reading,
      describeNode(node),
      `one of ${nodes.join(', ')}`,
      didYouMean(value, nodes),
    );
  },
};

/** Null: nobody. */
const aNodeOrNobody: Shape<string | null> = {
  expected: "one of the cluster's nodes, or nobody",
  schema: aNode.schema,
  read: (node, reading) =>
    node.kind === 'scalar' && node.value === 'nobody' ? null : aNode.read(node, reading),
};

/** A map whose keys are names; each entry's shape is the same. */
function byName<T>(
  key: Shape<string | null>,
  value: Shape<T>,
): Shape<readonly (readonly [string | null, T])[]> {
  const schema: Schema = { type: 'object', additionalProperties: value.schema };
  return {
    expected: `a map from ${key.expected} to ${value.expected}`,
    schema,
    read(node, reading) {
      if (node.kind !== 'map') return reportFault(node, reading, describeNode(node), this.expected);
      return [...node.entries].flatMap(([name, entry]) => {
        const here = at(reading, name);
        const named = key.read({ kind: 'scalar', spot: entry.spot, value: name }, here);
        const read = value.read(entry.value, here);
        return named === undefined || read === undefined ? [] : [[named, read] as const];
      });
    },
  };
}

/** The same for all addresses, or a map by address. */
function perAddress<T>(shape: Shape<T>): Shape<readonly (readonly [string | null, T])[]> {
  const each = byName(someAddress, shape);
  const isAddressed = (entries: ReadonlyMap<string, unknown>): boolean =>
    entries.size > 0 && [...entries.keys()].every((name) => /^[\d.]+$|:/.test(name));
  return {
    expected: `${shape.expected}, or a map of such by address`,
    schema: { anyOf: [shape.schema, each.schema] },
    read(node, reading) {
      if (node.kind === 'map' && isAddressed(node.entries)) return each.read(node, reading);
      const value = shape.read(node, reading);
      return value === undefined ? undefined : [[null, value]];
    },
  };
}

const anyNode: Shape<string | null> = {
  ...aNode,
  expected: "one of the cluster's nodes, or anyone",
  read: (node, reading) =>
    node.kind === 'scalar' && node.value === 'anyone' ? null : aNode.read(node, reading),
};

const observation: Shape<string> = {
  ...named('observation', choice(OBSERVABLES)),
  expected:
    'an observation such as `decided held-down`, `voted up`, `rejected replayed` or `takeover served`',
  read(node, reading) {
    const value = node.kind === 'scalar' ? String(node.value) : '';
    if (OBSERVABLES.includes(value)) return value;
    return reportFault(node, reading, describeNode(node), observation.expected, observableHint(value));
  },
};

function observableHint(value: string): string {
  const [first = '', ...rest] = value.split(' ');
  const same = OBSERVABLES.filter((one) => one.startsWith(`${first} `)).map((one) =>
    one.slice(first.length + 1),
  );
  if (same.length > 0) return didYouMean(rest.join(' '), same) || `${first} is one of ${same.join(', ')}`;
  return didYouMean(value, OBSERVABLES);
}

const servedFields = {
  by: optional(aNode, 'by whom; default anybody'),
  within: optional(duration(0, DAY_MS), 'so long after `from`, at the latest'),
};

/** In a file `served: b`, or with a deadline `served: { by: b, within: 20s }`. */
const served = expecting(
  `${aNode.expected}, or a map with ${partsText(servedFields)}`,
  scalarOr(aNode, map('being served', servedFields)),
);

function expecting<T>(expected: string, shape: Shape<T>): Shape<T> {
  return { ...shape, expected };
}

/** What a map may hold, as the reference and the faults say it. */
function partsText(parts: Fields): string {
  return Object.entries(parts)
    .map(([name, { says, shape }]) => `\`${name}\` (${says}; ${shape.expected})`)
    .join(' and ');
}

const line = text('text of one line', /^[^\p{Cc}]{1,500}$/u);
const lines = listOf(line, MAX_LISTED);

const told: Shape<Count | readonly string[]> = scalarOr(count, lines);

const fields = {
  from: optional(duration(0, 1_000 * DAY_MS), 'only what comes at or after this moment'),
  until: optional(duration(0, 1_000 * DAY_MS), 'only what comes before this moment'),
  holder: optional(perAddress(aNodeOrNobody), 'who holds it at the end; or nobody'),
  takers: optional(
    perAddress(listOf(aNode, MAX_LISTED)),
    'who takes it, in order; moves by hand are not counted',
  ),
  moves: optional(perAddress(count), 'how often agents move it'),
  served: optional(perAddress(served), 'it comes (back) into service, and is in service at the end'),
  unserved: optional(
    perAddress(duration(1, DAY_MS)),
    'for so long at a time nobody answers there, at least once: for what went wrong, and is kept',
  ),
  told: optional(
    told,
    'how many notifications; or what they say, in order, with the names of nodes for their instances',
  ),
  webhook: optional(lines, 'what the web hook has accepted, in order, such as `taken by b`'),
  seen: optional(
    byName(anyNode, oneOrMore(observation, MAX_LISTED)),
    'what a node has decided, voted, noticed',
  ),
  unseen: optional(byName(anyNode, oneOrMore(observation, MAX_LISTED)), 'what it has not'),
  decision: optional(
    byName(aNode, {
      ...choice([...REASONS, ...OUTCOMES]),
      expected: 'a reason such as held-down, or an outcome such as hold',
    }),
    'what the takeover rule says on a node at the end: its outcome or its reason',
  ),
  calls: optional(
    byName({ ...choice(awsActions), expected: 'a call such as ec2:AssociateAddress' }, count),
    'how often the nodes call AWS; dry runs are not counted',
  ),
  stored: optional(count, 'how often the nodes write to the store'),
  ready: optional(oneOrMore(aNode, MAX_LISTED), 'who could take over at the end'),
  unready: optional(byName(aNode, line), 'who could not, and a part of the reason'),
  answered: optional(lines, 'what the operators are answered, order by order: a part of it, or `no answer`'),
};

/** What a block of expectations may say. */
export const expectFields: Fields = fields;

type Block = {
  readonly [K in keyof typeof fields]: (typeof fields)[K] extends { readonly shape: Shape<infer T> }
    ? T | undefined
    : never;
};

const block: Shape<Block> = named('expectation', map('what is expected', fields));

/** What is expected, as a whole: of all the time, or a list of spans. */
export const expectShape: Shape<readonly Expectation[]> = {
  expected: `${block.expected}, or a list of such`,
  schema: { anyOf: [block.schema, { type: 'array', items: block.schema }] },
  read(node, reading) {
    const nodes = node.kind === 'list' ? node.items : [node];
    return nodes.flatMap((one, index) => {
      const here = node.kind === 'list' ? at(reading, index) : reading;
      const read = block.read(one, here);
      if (read === undefined) return [];
      const { from = null, until = null } = read;
      const { lastMs: endMs } = reading.context;
      if (from !== null && endMs !== null && from >= endMs)
        reportFault(
          one,
          at(here, 'from'),
          `${from / 1_000} s`,
          `a moment before the end, ${endMs / 1_000} s`,
        );
      if (from !== null && until !== null && from >= until)
        reportFault(one, at(here, 'until'), `${until / 1_000} s`, `a moment after from, ${from / 1_000} s`);
      return [{ fromMs: from, untilMs: until, claims: claimsOf(read) }];
    });
  },
};

function claimsOf(read: Block): readonly Claim[] {
  const { holder = [], takers = [], moves = [], served: service = [], seen = [], unseen = [] } = read;
  const claims: Claim[] = [];
  for (const [address, node] of holder) claims.push({ kind: 'holder', address, node });
  for (const [address, nodes] of takers) claims.push({ kind: 'takers', address, nodes });
  for (const [address, one] of moves) claims.push({ kind: 'moves', address, count: one });
  for (const [address, one] of service) {
    const { by = null, within = null } = typeof one === 'string' ? { by: one } : one;
    claims.push({ kind: 'served', address, by, withinMs: within });
  }
  for (const [address, forMs] of read.unserved ?? []) claims.push({ kind: 'unserved', address, forMs });
  if (read.told !== undefined)
    claims.push(
      'least' in read.told ? { kind: 'told', count: read.told } : { kind: 'told-texts', texts: read.told },
    );
  if (read.webhook !== undefined) claims.push({ kind: 'webhook', texts: read.webhook });
  for (const [node, observations] of seen)
    for (const one of observations) claims.push({ kind: 'seen', node, observation: one });
  for (const [node, observations] of unseen)
    for (const one of observations) claims.push({ kind: 'unseen', node, observation: one });
  for (const [node, is] of read.decision ?? [])
    if (node !== null) claims.push({ kind: 'decision', node, is });
  for (const [call, one] of read.calls ?? [])
    claims.push({ kind: 'calls', call: call as AwsAction, count: one }); // the key's shape has read it
  if (read.stored !== undefined) claims.push({ kind: 'stored', count: read.stored });
  for (const node of read.ready ?? []) claims.push({ kind: 'ready', node });
  for (const [node, because] of read.unready ?? [])
    if (node !== null) claims.push({ kind: 'unready', node, because });
  if (read.answered !== undefined) claims.push({ kind: 'answered', texts: read.answered });
  return claims;
}
