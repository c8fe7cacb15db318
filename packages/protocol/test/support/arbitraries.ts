/** Random messages and documents, all of them valid. */
import fc from 'fast-check';
import type {
  DurableAddress,
  DurableDocument,
  DurableHandover,
  DurableNotice,
  MoveIntent,
} from '../../src/storage/durable.ts';
import type {
  AddressRecord,
  Ballot,
  BallotAnswer,
  Command,
  Envelope,
  HandoverOrder,
  HandoverRecord,
  NodeRecord,
  PauseOrder,
  PauseRecord,
  Payload,
} from '../../src/wire/messages.ts';

const NODE_CHARACTERS = 'abcXYZ059._-'.split('');
const nodeId = fc.string({ unit: fc.constantFrom(...NODE_CHARACTERS), minLength: 1, maxLength: 64 });
const sessionId = fc.string({ unit: fc.constantFrom(...'aZ09_-'.split('')), minLength: 11, maxLength: 11 });
const ip = fc.constantFrom('203.0.113.7', '2001:db8::1', '198.51.100.255');
const count = fc.nat();
const epoch = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
// JSON knows no negative zero.
const duration = fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0);
// fast-check's own units of all of Unicode take a second to be made, for each text that is made of them.
const printable = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) },
  { weight: 1, arbitrary: fc.constantFrom(...'äß€東京עקש') },
  { weight: 1, arbitrary: fc.constantFrom('🙂', '👩‍👩‍👧', '🇩🇪', 'é', 'क्षि') },
);
const sentence = fc.string({ unit: printable, maxLength: 60 });
const anyCharacter = fc
  .oneof(fc.nat({ max: 0xff }), fc.nat({ max: 0xffff }), fc.nat({ max: 0x10_ffff }))
  .map((code) => String.fromCodePoint(code));
/** Any text, with control characters and halves of surrogate pairs. */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: anyCharacter, maxLength });
const cloudId = fc.string({ maxLength: 40 });
const mode = fc.constantFrom('takeover', 'handover');

const proof = fc.string({
  unit: fc.constantFrom(...'aZ09+/=._:-'.split('')),
  minLength: 1,
  maxLength: 192,
});

const PAUSE_FIELDS = {
  version: count,
  by: fc.oneof(fc.constant(''), nodeId),
  paused: fc.boolean(),
  owner: sentence,
  reason: sentence,
  until: fc.option(count),
  signedAt: fc.nat({ max: 8.64e15 }),
  proof,
} as const;
export const anyPause: fc.Arbitrary<PauseRecord> = fc.record(PAUSE_FIELDS, {
  requiredKeys: ['version', 'by', 'paused', 'owner', 'reason', 'until'],
});
const pauseOrder: fc.Arbitrary<PauseOrder> = fc.record(PAUSE_FIELDS);
const handoverOrder: fc.Arbitrary<HandoverOrder> = fc.record({
  id: sentence,
  address: ip,
  to: nodeId,
  by: sentence,
  reason: sentence,
  ordered: count,
  pause: count,
  until: count,
  proof,
});

const HANDOVER_FIELDS = {
  id: sentence,
  address: ip,
  to: nodeId,
  by: sentence,
  reason: sentence,
  state: fc.constantFrom('open', 'done', 'failed', 'expired'),
  detail: sentence,
  ttlMs: duration,
} as const;
/** What earlier versions leave out. */
const LATER_FIELDS = { withdrawnBy: sentence, ordered: count, pause: count, until: count, proof } as const;
const requiredKeys = ['id', 'address', 'to', 'by', 'reason', 'state', 'detail', 'ttlMs'] as const;
const handover: fc.Arbitrary<HandoverRecord> = fc.record(
  { ...HANDOVER_FIELDS, ...LATER_FIELDS },
  { requiredKeys: [...requiredKeys] },
);
const durableHandover: fc.Arbitrary<DurableHandover> = fc.record(
  { ...HANDOVER_FIELDS, ...LATER_FIELDS, untilWall: count },
  { requiredKeys: [...requiredKeys] },
);

const tries = fc.array(fc.record({ node: nodeId, epoch, from: cloudId, ageMs: duration }), { maxLength: 8 });

const address: fc.Arbitrary<AddressRecord> = fc.record(
  {
    ip,
    verdict: fc.constantFrom('up', 'down', 'unknown'),
    trouble: fc.boolean(),
    epoch,
    holder: fc.option(
      fc.record({
        kind: fc.constantFrom('node', 'none', 'other'),
        node: fc.option(nodeId),
        instanceId: fc.option(cloudId),
        associationId: fc.option(cloudId),
        ageMs: duration,
      }),
    ),
    changes: fc.array(duration, { maxLength: 4 }),
    ended: fc.array(cloudId, { maxLength: 3 }),
    served: fc.boolean(),
    episode: fc.record(
      {
        upEpoch: epoch,
        upBy: nodeId,
        anewEpoch: epoch,
        tries,
        answered: fc.constantFrom('', '0a1b2c3d'),
        upWall: count,
        told: fc.boolean(),
        saw: sentence,
      },
      { requiredKeys: ['upEpoch', 'anewEpoch', 'tries', 'answered', 'upWall', 'told', 'saw'] },
    ),
  },
  {
    requiredKeys: ['ip', 'verdict', 'trouble', 'epoch', 'holder', 'ended', 'changes', 'served'],
  },
);

const node: fc.Arbitrary<NodeRecord> = fc.record({
  id: nodeId,
  incarnation: count,
  role: fc.constantFrom('candidate', 'witness', 'member'),
  priority: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  instanceId: cloudId,
  fit: fc.constantFrom('fit', 'unfit', 'unknown'),
  leaving: fc.boolean(),
  ready: fc.boolean(),
  electorate: cloudId,
  version: cloudId,
  addresses: fc.array(address, { maxLength: 2 }),
  pause: anyPause,
  handovers: fc.array(handover, { maxLength: 2 }),
});

const ballot: fc.Arbitrary<Ballot> = fc.record({
  address: ip,
  epoch,
  candidate: nodeId,
  mode,
  electorate: cloudId,
  ask: count,
  fit: fc.boolean(),
});

const answer: fc.Arbitrary<BallotAnswer> = fc.record({
  address: ip,
  epoch,
  candidate: nodeId,
  voter: nodeId,
  ask: count,
  answer: fc.constantFrom('grant', 'blind', 'refuse', 'pending'),
  reason: fc.constantFrom('down', 'up', 'lent', 'undecided', 'no-way-out'),
  leaseMs: duration,
  retryMs: duration,
  highest: epoch,
});

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('handover' as const),
      address: fc.option(ip),
      to: fc.option(nodeId),
      reason: sentence,
      owner: sentence,
      order: handoverOrder,
    },
    { requiredKeys: ['kind', 'address', 'to', 'reason', 'owner'] },
  ),
  fc.record({ kind: fc.constant('handover-status' as const), id: sentence }),
  fc.record(
    {
      kind: fc.constant('handover-cancel' as const),
      id: fc.option(sentence),
      address: fc.option(ip),
      reason: sentence,
      owner: sentence,
      proof,
    },
    { requiredKeys: ['kind', 'id', 'address', 'reason', 'owner'] },
  ),
  fc.record(
    {
      kind: fc.constant('pause' as const),
      forMs: fc.option(duration),
      reason: sentence,
      owner: sentence,
      order: pauseOrder,
    },
    { requiredKeys: ['kind', 'forMs', 'reason', 'owner'] },
  ),
  fc.record(
    { kind: fc.constant('resume' as const), reason: sentence, owner: sentence, order: pauseOrder },
    { requiredKeys: ['kind', 'reason', 'owner'] },
  ),
);

const payload: fc.Arbitrary<Payload> = fc.record(
  {
    version: count,
    ack: count,
    node,
    known: count,
    rumours: fc.array(
      fc.record({ id: nodeId, incarnation: count, state: fc.constantFrom('alive', 'suspect', 'dead') }),
      { maxLength: 8 },
    ),
    ask: fc.array(nodeId, { maxLength: 8 }),
    ballots: fc.array(ballot, { maxLength: 2 }),
    answers: fc.array(answer, { maxLength: 2 }),
    releases: fc.array(fc.record({ address: ip, epoch, candidate: nodeId }), { maxLength: 2 }),
    command,
    outcome: fc.record({
      state: fc.constantFrom('done', 'working', 'failed'),
      id: sentence,
      detail: sentence,
    }),
    refused: fc.constantFrom('session', 'stale', 'replayed', 'cluster'),
  },
  { requiredKeys: ['version', 'ack'] },
);

export const anyMessage: fc.Arbitrary<Envelope> = fc.record({
  v: fc.integer({ min: 1, max: 65_535 }),
  cluster: sentence,
  from: nodeId,
  session: sessionId,
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  to: nodeId,
  t: count,
  echo: fc.option(fc.record({ session: sessionId, t: count })),
  re: fc.option(fc.record({ session: sessionId, seq: fc.integer({ min: 1 }) })),
  payload,
});

const intent: fc.Arbitrary<MoveIntent> = fc.record({
  epoch,
  mode,
  handoverId: fc.option(sentence),
  from: cloudId,
  associationId: fc.option(cloudId),
  stage: fc.constantFrom('planned', 'released', 'accepted'),
  startedWall: count,
  reason: sentence,
  agreed: sentence,
  steps: fc.array(fc.record({ step: fc.constantFrom('detect', 'take', 'total'), durationMs: duration }), {
    maxLength: 5,
  }),
  requestIds: fc.array(cloudId, { maxLength: 5 }),
});

const durableAddress: fc.Arbitrary<DurableAddress> = fc.record(
  {
    ip,
    epoch,
    lent: fc.option(fc.record({ candidate: nodeId, epoch, leaseMs: duration })),
    intent: fc.option(intent),
    changes: fc.array(duration, { maxLength: 5 }),
    ended: fc.array(cloudId, { maxLength: 5 }),
    late: fc.option(intent),
    blockedTold: fc.boolean(),
    episode: fc.record(
      {
        upEpoch: epoch,
        upBy: nodeId,
        anewEpoch: epoch,
        tries,
        answered: fc.constantFrom('', '0a1b2c3d'),
        upWall: count,
        toldWall: count,
      },
      { requiredKeys: ['upEpoch', 'anewEpoch', 'tries', 'answered', 'upWall', 'toldWall'] },
    ),
    told: fc.record({ holds: fc.boolean(), outage: fc.boolean(), unfit: fc.boolean(), alone: fc.boolean() }),
  },
  { requiredKeys: ['ip', 'epoch', 'lent', 'intent', 'changes', 'ended', 'late', 'blockedTold'] },
);

const notice: fc.Arbitrary<DurableNotice> = fc.record({
  id: sentence,
  event: fc.constantFrom('lost', 'paused', 'unheard-of'),
  address: fc.option(ip),
  wall: count,
  subject: sentence,
  message: sentence,
  details: fc.array(fc.record({ name: sentence, text: sentence }), { maxLength: 2 }),
  to: fc.array(fc.constantFrom('exec', 'ops'), { maxLength: 2 }),
});

const wholeDocument = {
  version: fc.constant(1),
  cluster: sentence,
  node: nodeId,
  incarnation: count,
  addresses: fc.array(durableAddress, { maxLength: 3 }),
  pause: anyPause,
  handovers: fc.array(durableHandover, { maxLength: 3 }),
  outbox: fc.array(fc.record({ id: sentence, subject: sentence, message: sentence }), { maxLength: 3 }),
  serial: count,
};

/** Of this version, or of one before that knew of no receivers but the topic. */
export const anyDocument: fc.Arbitrary<DurableDocument> = fc.record(
  {
    ...wholeDocument,
    notices: fc.array(notice, { maxLength: 3 }),
    toldPause: fc.record({ version: count, by: nodeId, paused: fc.boolean() }),
  },
  { requiredKeys: [...Object.keys(wholeDocument)] as (keyof typeof wholeDocument)[] }, // what keys() can't say
);
