/** The other views of the API: decisions, history, the cluster, health, and errors. */
import {
  BALLOT_MODES,
  GATES,
  type GateName,
  MOVE_RESULTS,
  MOVE_STEPS,
  type Reason,
} from '@failtome/protocol';
import Type from 'typebox';
import type { ClusterNode, ClusterStatus } from '../../src/http/cluster-view.ts';
import type { AdvisedWhy } from '../../src/http/node-report.ts';
import { type ErrorBody, REFUSAL_CODES } from '../../src/http/refusals.ts';
import { HANDOVER, HOME, outcome, reason, role, STATUS } from './status-schema.ts';
import {
  count,
  describing,
  flag,
  ip,
  lengthMs,
  moment,
  nodeId,
  nullable,
  oneOf,
  text,
  texts,
} from './words.ts';

const GATE = Type.Object({
  name: Type.Unsafe<GateName>({ type: 'string', enum: [...GATES], description: 'Which gate.' }),
  state: oneOf(['passed', 'closed', 'not-asked'], 'not-asked: an earlier gate is closed.'),
  passed: nullable(flag('Whether.'), 'true only for passed; null: not asked.'),
  reason: text('What it saw, with the reason code where it is closed.'),
  code: nullable(
    Type.Unsafe<Reason>({ type: 'string', description: 'The reason code.' }),
    'Null: not closed.',
  ),
  ageMs: nullable(lengthMs('How old.'), 'How old that is, in milliseconds.'),
  calm: flag('It is closed, and that is as it should be.'),
});

/** The decision about one address, gate by gate. */
export const WHY = describing<AdvisedWhy>()(
  Type.Object(
    {
      address: ip('The address.'),
      outcome: outcome(),
      reason: reason(),
      detail: text('The reason in words.'),
      mode: oneOf(BALLOT_MODES, 'A failure, or an order.'),
      gates: Type.Array(GATE, { description: 'In order: the first closed one decides.' }),
      lastBallot: nullable(text('In words.'), 'What each voter said in the last ballot; null: none.'),
      home: Type.Optional(HOME),
      refusals: Type.Array(Type.Unsafe<Reason>({ type: 'string' }), {
        description: 'Reasons of late refusals.',
      }),
      handovers: Type.Array(HANDOVER, { description: 'Open handovers of this address.' }),
      advice: nullable(text('What.'), 'What somebody has to do; null: nobody has to do anything.'),
    },
    { description: 'The decision about one address, as a ladder.' },
  ),
);

const ENDS = ['done', 'failed', 'expired', 'withdrawn', 'grant', 'blind', 'refuse', 'lost', 'seen'] as const;

/** A line of a node's history. */
export const HISTORY_LINE = Type.Object(
  {
    id: text('Unique in the cluster.'),
    kind: oneOf(
      ['takeover', 'handover', 'refusal', 'blocked', 'vote', 'change', 'order'],
      'What this node did (the first four), answered, saw, or what became of an order.',
    ),
    node: Type.Optional(nodeId('Of a vote, a change or an order: who tells it.')),
    address: ip('The address.'),
    from: text('Who held it: a node, an instance, nobody or unknown.'),
    to: text('Who took it, or was to.'),
    result: oneOf([...MOVE_RESULTS, ...ENDS], 'How it ended.'),
    reason: text('Why.'),
    epoch: count("The ballot's; 0: not known."),
    at: moment('When.'),
    steps: Type.Array(
      Type.Object({
        step: Type.String({ description: 'What was done.', examples: [...MOVE_STEPS] }),
        durationMs: lengthMs('How long it took.'),
      }),
    ),
    requestIds: texts("AWS's ids of the requests."),
  },
  { description: 'Something that happened, as this node tells it.' },
);

/** The newest of a history. */
export const HISTORY = Type.Array(HISTORY_LINE, { description: 'Newest first.' });

const FAILURES = [
  'timeout',
  'refused',
  'unreachable',
  'status',
  'unauthentic',
  'malformed',
  'too-large',
  'not-asked',
];

const CLUSTER_NODE = Type.Object({
  id: nodeId('Its id.'),
  role: role(),
  self: flag('It is the node that answers.'),
  url: nullable(text('Where its API is.'), 'Null: the node that answers, or not known.'),
  state: nullable(text('alive, suspect, dead or unknown.'), 'What this node thinks of it; null: itself.'),
  ageMs: nullable(lengthMs('How old.'), 'How old its status is, in milliseconds; null: there is none.'),
  failure: nullable(
    Type.Object({
      code: Type.Unsafe<NonNullable<ClusterNode['failure']>['code']>({ type: 'string', examples: FAILURES }),
      message: text('In words.'),
    }),
    'Why there is no newer one; null: nothing is wrong.',
  ),
  status: Type.Unsafe<unknown>({
    anyOf: [STATUS, { type: 'null' }],
    description: "What that node's /v1/status says; of another version it may say less.",
  }),
  decisions: Type.Unsafe<unknown>({
    anyOf: [Type.Array(WHY), { type: 'null' }],
    description: 'Its /v1/why of each address.',
  }),
  history: Type.Unsafe<unknown>({
    anyOf: [HISTORY, { type: 'null' }],
    description: 'The newest of its /v1/history.',
  }),
});

/** Of an older version some of this may be missing: then it is empty, 0 or null. */
const STORY_LINE = Type.Object({
  id: text('Unique in the cluster.'),
  node: text('Who tells it.'),
  kind: text('As in a history.'),
  address: text('The address.'),
  from: text('Who held it.'),
  to: text('Who took it, or was to.'),
  result: text('How it ended.'),
  reason: text('Why.'),
  epoch: count("The ballot's; 0: not known."),
  at: Type.Unsafe<number>({ type: ['number', 'null'], description: 'When. In milliseconds since 1970.' }),
  steps: Type.Array(Type.Object({ step: text('What was done.'), durationMs: lengthMs('How long it took.') })),
  requestIds: texts("AWS's ids of the requests."),
});

const STORY = Type.Object({
  entry: STORY_LINE,
  seen: Type.Array(STORY_LINE, { description: 'What other nodes answered and saw of it, oldest first.' }),
});

/** Every node's status, as one node could get it. */
export const CLUSTER = describing<ClusterStatus>()(
  Type.Object(
    {
      cluster: text("The cluster's name."),
      at: moment('When.'),
      node: nodeId('Who answers.'),
      stories: Type.Array(STORY, { description: "The nodes' histories as one, newest first." }),
      nodes: Type.Array(CLUSTER_NODE, { description: 'The node that answers first.' }),
    },
    { description: 'Every node of the cluster, as this one could get it.' },
  ),
);

/** `/v1/status?with=decisions,history`. */
export const REPORT = Type.Intersect([STATUS, Type.Object({ decisions: Type.Array(WHY), history: HISTORY })]);

export const HOLDER_ANSWER = Type.Object({ ip: ip('The address.'), holder: flag('This node holds it.') });
export const LIVE = Type.Object({ live: Type.Unsafe<true>({ const: true }) });
export const READY = Type.Object({
  ready: flag('Whether.'),
  reason: text('What it waits for; empty: nothing.'),
});

/** How the API says no. */
export const ERROR = describing<ErrorBody>()(
  Type.Object(
    {
      error: Type.Object({
        code: oneOf(REFUSAL_CODES, 'Stable; docs/http.md says what each means.'),
        message: text('For people.'),
      }),
    },
    { description: 'Why the request was refused.' },
  ),
);
