/** `GET /v1/status`, as a schema that the compiler holds to the type of what the agent answers. */
import {
  BALLOT_MODES,
  FITNESSES,
  HANDOVER_STANDINGS,
  MOVE_STEPS,
  type NodeId,
  type Outcome,
  PEER_STATES,
  type Reason,
  TAKEOVER_PHASES,
  type TakeoverProgress,
  VERDICTS,
} from '@failtome/protocol';
import Type from 'typebox';
import type { AgentStatus } from '../../src/http/node-report.ts';
import {
  code,
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

const ROLES = ['candidate', 'witness', 'member'] as const;
const PROTECTION = ['protected', 'no-standby', 'failing-over', 'outage', 'paused'] as const;
const READINESS = ['ready', 'not-ready', 'holder', 'witness', 'member', 'dead', 'unknown'] as const;
export const OUTCOMES = ['wait', 'campaign', 'guard', 'move', 'verify', 'hold'] as const;

export const role = () =>
  oneOf(ROLES, 'candidate: may take an address, and votes. witness: votes. member: neither.');
export const outcome = () =>
  Type.Unsafe<Outcome>({ type: 'string', enum: [...OUTCOMES], description: 'What it does.' });
export const reason = () => code<Reason>('Why: a reason code of docs/operations.md.');
const verdict = () => oneOf(VERDICTS, 'What the probes amount to.');
const fitness = () => oneOf(FITNESSES, "Whether the node's own HAProxy serves.");

const STEPS = Type.Array(
  Type.Object({ step: oneOf(MOVE_STEPS, 'What was done.'), durationMs: lengthMs('How long it took.') }),
  { description: 'The parts that are over, in order.' },
);

/** Whether a node could take an address now. */
export const READINESS_VIEW = Type.Object(
  {
    word: oneOf(READINESS, 'In a word.'),
    because: texts('What would stand in the way, each beginning with a reason code; empty unless not-ready.'),
  },
  { description: 'Whether it could take an address now.' },
);

/** A handover, open or ended lately. */
export const HANDOVER = Type.Object({
  id: text('Its id, the same on every node.'),
  address: ip('The address.'),
  to: nodeId('Who is to take it.'),
  state: oneOf(HANDOVER_STANDINGS, 'How it stands.'),
  detail: text('What an open one waits for; what has become of another.'),
  by: text('Who ordered it.'),
  reason: text('Why.'),
  until: moment("When its time is over, by this node's clock."),
  leftMs: lengthMs('What is left of its time; 0 when it has ended.'),
  ordered: Type.Number({ description: "Its place in the order of handovers: the next one's is greater." }),
  signed: flag('Whether an operator has signed it.'),
});

const HOLDER = Type.Object(
  {
    kind: oneOf(['node', 'none', 'other', 'unknown'], 'other: an instance outside of the cluster.'),
    node: Type.Optional(nodeId('Which node.')),
    instanceId: Type.Optional(text('Its instance.')),
    associationId: Type.Optional(text("AWS's id of the association.")),
    ageMs: Type.Optional(lengthMs('How old that is.')),
  },
  { description: 'Who holds the address, as far as this node knows.' },
);

const PHASES = TAKEOVER_PHASES.filter((phase) => phase !== 'idle');

const TAKEOVER = Type.Object({
  mode: oneOf(BALLOT_MODES, 'A failure, or an order.'),
  epoch: count("The ballot's."),
  phase: Type.Unsafe<TakeoverProgress['phase']>({
    type: 'string',
    enum: PHASES,
    description: 'How far it has come.',
  }),
  forMs: lengthMs('Since its ballot was opened.'),
  steps: STEPS,
});

const SIGHT = Type.Object({
  node: nodeId('Who.'),
  verdict: verdict(),
  ageMs: lengthMs('How old its word is.'),
});

/** Where an address stands with its home. */
export const HOME = Type.Object(
  {
    node: nodeId('Its home.'),
    word: oneOf(['home', 'away'], 'Whether its home holds it.'),
    because: text('What it waits for on its way home; empty: it is there.'),
  },
  { description: 'Left out: the address has no home.' },
);

/** One address. */
export const ADDRESS = Type.Object({
  ip: ip('The address.'),
  protection: Type.Object(
    {
      state: oneOf(PROTECTION, 'In a word.'),
      next: nullable(nodeId('Who would take it now, or takes it.'), 'Null: nobody.'),
      reasons: texts('What stands in the way, each beginning with a code and a colon.'),
      advice: Type.Array(nullable(Type.String()), {
        description: 'What to do about each of the reasons; null: nobody has to do anything.',
      }),
    },
    { description: 'Whether it is protected.' },
  ),
  holder: HOLDER,
  next: nullable(nodeId('Who.'), 'Who would take it if it were handed over now; null: nobody.'),
  verdict: verdict(),
  ageMs: nullable(lengthMs('How old.'), 'Since the last conclusive probe, in milliseconds; null: none yet.'),
  verdictForMs: lengthMs('Since when the verdict is what it is.'),
  reason: text('Why the verdict is what it is.'),
  holdDownMs: lengthMs('What is left of the hold-down.'),
  outcome: outcome(),
  decision: reason(),
  epoch: count('The highest ballot that is known.'),
  lent: nullable(
    Type.Object({ candidate: nodeId('To whom.'), leftMs: lengthMs('What is left of it.') }),
    "This voter's lease, while it is lent.",
  ),
  lendsInMs: lengthMs('How long this voter still keeps its lease to itself; 0: it lends.'),
  arbiter: Type.Optional(
    text('Why the arbiter would lend this node nothing; empty: it would. Left out where it asks none.'),
  ),
  ballot: nullable(
    Type.Object({
      epoch: count('Its number.'),
      won: flag('Whether it is won.'),
      answers: Type.Unsafe<Record<NodeId, string>>({
        type: 'object',
        additionalProperties: { type: 'string', examples: ['grant: down'] },
        description: 'What each voter answered.',
      }),
    }),
    'The ballot that this node holds.',
  ),
  takeover: nullable(TAKEOVER, 'What this node does about it; null: nothing.'),
  home: Type.Optional(HOME),
  views: Type.Array(SIGHT, { description: 'What every node that is heard last said of it.' }),
});

/** One peer. */
export const PEER = Type.Object({
  id: nodeId('Its id.'),
  role: role(),
  state: oneOf(PEER_STATES, 'Whether it is heard.'),
  lastHeardMs: nullable(lengthMs('How long ago.'), 'When it was last heard, in milliseconds; null: never.'),
  rttMs: nullable(lengthMs('How long.'), 'Round trip of a heartbeat, in milliseconds.'),
  fit: fitness(),
  ready: nullable(flag('Whether its preflight holds.'), 'Null: it is not heard.'),
  readiness: READINESS_VIEW,
  leaving: flag('It has said goodbye.'),
  instanceId: nullable(text('Its instance.')),
  incarnation: nullable(count('Its run.')),
  version: nullable(text('Its software.')),
  electorate: nullable(text('The digest of the voters that it is configured with.')),
  holds: count('How many addresses it holds.'),
  url: nullable(text('Where its API is.')),
  identities: texts('The digests of the keys by which it has to sign here.'),
});

const PAUSE = Type.Object(
  {
    paused: flag('Whether automatic takeovers are paused.'),
    by: text('The node that was asked for it.'),
    owner: text('Who ordered it.'),
    reason: text('Why.'),
    until: nullable(moment('When it ends.'), 'Null: when it is resumed.'),
    version: count('Its place in the order of pauses.'),
    signed: flag('Whether an operator has signed it.'),
    signedAt: nullable(moment('When.'), "When, by the operator's clock; null: nobody has."),
    stored: texts('The voters that have stored it.'),
    needed: count('How many have to.'),
  },
  { description: 'The pause in force, or the last one.' },
);

const NODE = Type.Object({
  id: nodeId('Its id.'),
  role: role(),
  fit: fitness(),
  instanceId: text('Its EC2 instance.'),
  incarnation: count('Its run.'),
  priority: Type.Number({ description: 'Among fit candidates the higher goes first.' }),
  phase: oneOf(['new', 'running', 'stopping', 'stopped'], 'Where it is in its life.'),
  ready: flag('Whether its preflight holds.'),
  problems: texts("What doesn't hold."),
  state: Type.Object(
    {
      found: oneOf(['loaded', 'empty', 'unreadable', 'foreign'], 'What was found at the start.'),
      detail: text('What was wrong with it.'),
    },
    { description: 'The state directory.' },
  ),
  readiness: READINESS_VIEW,
});

/** All that a node knows of itself, its addresses and its peers. */
export const STATUS = describing<AgentStatus>()(
  Type.Object(
    {
      version: text('The software.'),
      cluster: text("The cluster's name."),
      at: moment('When this was so.'),
      node: NODE,
      addresses: Type.Array(ADDRESS),
      peers: Type.Array(PEER),
      electorate: Type.Object(
        { voters: texts('Their ids.'), digest: text('The same on nodes that vote together.') },
        { description: 'Who votes.' },
      ),
      pause: PAUSE,
      orders: oneOf(['any', 'proven', 'none'], 'Whose orders count.'),
      handovers: Type.Array(HANDOVER, { description: 'The open ones, and those that ended lately.' }),
      notificationsPending: count('Notifications that wait to be accepted.'),
      auth: oneOf(['shared-key', 'identities', 'mixed'], 'How messages are authenticated.'),
      identity: nullable(text('The digest.'), "The digest of this node's own key; null: it has none."),
      configDigest: text('Of what has to be the same on every node.'),
      store: nullable(
        Type.Object(
          {
            kind: oneOf(['dynamodb', 'etcd'], 'What it is.'),
            failing: nullable(text('What is wrong with it.'), 'Null: nothing that is known.'),
            peers: Type.Array(
              Type.Object({
                peer: nodeId('The other voter.'),
                state: oneOf(
                  ['direct', 'relaying', 'unanswered'],
                  'Whether it answers directly, is written to through the store, or nothing comes from there either.',
                ),
                heardMs: nullable(
                  Type.Number({ description: 'How long ago something new came from it through the store.' }),
                  'Null: never.',
                ),
              }),
            ),
          },
          { description: 'Through what messages go that the direct path does not carry.' },
        ),
        'Null: there is no store.',
      ),
      tls: nullable(
        Type.Object({ validUntil: moment('The end of its certificate.') }),
        'Null: it speaks plain HTTP.',
      ),
    },
    { description: 'A node, its addresses and its peers, as it knows them.' },
  ),
);
