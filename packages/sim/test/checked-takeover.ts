/**
 * A takeover as the checks are told of it, moment by moment: `b` of three takes the address from `a`. Each test leaves
 * a moment out, or changes it, and says which invariant that breaks.
 */

import { type AwsEvent, type AwsState, associate, type Caller } from '@failtome/cloud/model';
import type {
  BallotAnswer,
  DriveEffect,
  DriverAnswer,
  DriverOperation,
  Fact,
  NodeId,
  State,
} from '@failtome/protocol';
import type { RunView, WorldEvent } from '../src/world/watch.ts';
import { ADDRESS, type AddressState, instanceOf, type Moment, message, type Stage } from './checked-stage.ts';

export const OUTSIDE = '203.0.113.7';
export const ASSOCIATION = 'eipassoc-00000000000000001';
const EPOCH = 1;

export function voted(
  answer: BallotAnswer['answer'],
  reason: BallotAnswer['reason'],
): Extract<Fact, { kind: 'voted' }> {
  return { kind: 'voted', address: ADDRESS, candidate: 'b', epoch: EPOCH, answer, reason };
}

/** A probe of the address that nobody answered. */
export const FAILED: Fact = {
  kind: 'probe',
  probeId: 1,
  address: ADDRESS,
  result: { kind: 'failed', reason: 'timeout', detail: 'timeout', durationMs: 800 },
};

export function drive(by: RunView, operation: DriverOperation): WorldEvent {
  return { kind: 'drive', by, effect: effectOf(operation) };
}

export function driven(by: RunView, operation: DriverOperation, answer: DriverAnswer): WorldEvent {
  return { kind: 'driven', by, effect: effectOf(operation), result: { answer, requests: [] } };
}

function effectOf(operation: DriverOperation): DriveEffect {
  return { kind: 'drive', callId: 1, purpose: 'move', address: ADDRESS, operation, timeoutMs: 2_000 };
}

export const READ: DriverOperation = { op: 'read' };
export const RELEASE: DriverOperation = {
  op: 'release',
  associationId: ASSOCIATION,
  instanceId: null,
  node: 'a',
};
export const TAKE: DriverOperation = { op: 'take', reassociate: false };
export const SWAP: DriverOperation = { op: 'take', reassociate: true };

export function shows(associationId: string | null, self = false): DriverAnswer {
  return {
    kind: 'read',
    association:
      associationId === null
        ? { kind: 'none' }
        : { kind: 'associated', associationId, instanceId: 'i-x', node: null, self },
    displaces: null,
  };
}

export const NOBODY: DriverAnswer = shows(null);

export function lease(until: number) {
  return { answer: 'grant', reason: 'down', leaseUntil: until, retryMs: 0 } as const;
}

/** The campaign of `b`, won with the leases of `b` and `c`. */
export function campaignOf(mode: 'takeover' | 'handover' = 'takeover') {
  return {
    epoch: EPOCH,
    mode,
    handoverId: null,
    openedAt: 4_000,
    asks: [4_000],
    answers: { b: lease(14_000), c: lease(14_000) },
    unreachable: [],
    won: { at: 4_100, until: 14_000, silent: [], write: 1, consent: false, summary: '' },
  } as const;
}

export function moveOf(change: Partial<NonNullable<AddressState['move']>> = {}) {
  return {
    epoch: EPOCH,
    mode: 'takeover',
    handoverId: null,
    startedAt: 4_200,
    leaseUntil: 14_000,
    callTimeoutMs: 2_000,
    consent: false,
    duty: false,
    stage: { kind: 'reading', callId: 1, at: 4_200, purpose: 'start' },
    delayMs: 0,
    steps: [],
    requestIds: [],
    ...change,
  } as const;
}

export const INTENT = {
  epoch: EPOCH,
  mode: 'takeover',
  handoverId: null,
  from: 'a',
  associationId: ASSOCIATION,
  stage: 'planned',
  startedWall: 0,
  reason: '',
  agreed: '',
  steps: [],
  requestIds: [],
} as const;

/** What the cloud tells when an association ends. */
export function ended(cause: 'disassociated' | 'moved' | 'displaced', by: string): WorldEvent {
  const event: AwsEvent = {
    kind: 'ended',
    atMs: 1,
    publicIp: ADDRESS,
    association: {
      id: ASSOCIATION,
      instanceId: instanceOf('a'),
      interfaceId: 'eni-1',
      privateIp: '10.0.1.10',
      sinceMs: 0,
      effectiveAtMs: 0,
      endedAtMs: 1,
      cause,
    },
    by: { kind: 'instance', instanceId: by },
  };
  return { kind: 'cloud', event };
}

/** What the cloud tells when the address goes to a node. */
export function associated(stage: Stage, to: NodeId, caller?: Caller): void {
  const instance = stage.aws.instances.get(instanceOf(to));
  if (instance === undefined) throw new Error(`no instance for ${to}`);
  const [{ id: interfaceId, privateIps }] = instance.interfaces;
  const by: Caller = caller ?? { kind: 'instance', instanceId: instance.id };
  const target = { instanceId: instance.id, interfaceId, privateIp: privateIps[0] };
  const { state, events } = associate(stage.aws, ADDRESS, target, by, stage.nowMs);
  stage.aws = state;
  for (const event of events) if (event.kind === 'associated') stage.tell({ kind: 'cloud', event });
}

/** A check of the own HAProxy that begins and ends at once. */
export function checkedItself(
  { tell }: Pick<Stage, 'tell'>,
  by: RunView,
  checkId: number,
  ok: boolean,
): void {
  tell({ kind: 'local-check-began', by, checkId });
  tell({ kind: 'local-checked', by, checkId, ok });
}

/** The moments of a takeover that breaks nothing. */
export const TAKEOVER = {
  begins: [
    0,
    ({ tell, a, b, c }) => {
      for (const by of [a, b, c]) tell({ kind: 'started', by });
    },
  ],
  checksItself: [2_900, ({ b, ...stage }) => checkedItself(stage, b, 1, true)],
  provesItsWayOut: [3_000, ({ tell, b }) => tell({ kind: 'proof', by: b, ip: OUTSIDE })],
  seesItDown: [
    3_900,
    ({ facts, b }) => {
      const last = { ok: false, startedAt: 3_100, endedAt: 3_900, reason: 'timeout' } as const;
      b.setAddress({ verdict: 'down', series: { ...seriesOf(b), last } });
      facts(b, ...Array.from({ length: 3 }, () => FAILED), {
        kind: 'verdict',
        address: ADDRESS,
        from: 'up',
        to: 'down',
        reason: 'timeout',
      });
    },
  ],
  opensItsBallot: [
    4_000,
    ({ facts, b }) => {
      b.setAddress({ epoch: EPOCH, lent: { candidate: 'b', epoch: EPOCH, expiresAt: 14_000 } });
      b.sync();
      facts(b, { kind: 'ballot-opened', address: ADDRESS, epoch: EPOCH, mode: 'takeover' });
    },
  ],
  asks: [
    4_010,
    ({ tell, b, c }) =>
      tell({ kind: 'said', by: b, message: message(b, c, { ballots: [ballotOf('1:x')] }), bytes: 300 }),
  ],
  votesDown: [
    4_050,
    ({ facts, c }) => {
      c.setAddress({
        verdict: 'down',
        epoch: EPOCH,
        lent: { candidate: 'b', epoch: EPOCH, expiresAt: 14_050 },
      });
      c.sync();
      facts(c, voted('grant', 'down'));
    },
  ],
  answers: [
    4_060,
    ({ tell, b, c }) =>
      tell({ kind: 'said', by: c, message: message(c, b, { answers: [answerOf('c')] }), bytes: 300 }),
  ],
  wins: [
    4_100,
    ({ facts, b }) => {
      b.setAddress({ campaign: campaignOf(), intent: INTENT });
      b.sync();
      facts(b, { kind: 'ballot-closed', address: ADDRESS, epoch: EPOCH, result: 'won', detail: '' });
    },
  ],
  isToldItsIp: [4_150, ({ tell, b }) => tell({ kind: 'proof', by: b, ip: OUTSIDE })],
  passesTheGuard: [
    4_160,
    ({ facts, b }) =>
      facts(b, { kind: 'guard', address: ADDRESS, passed: true, reason: 'ok', durationMs: 10 }),
  ],
  reads: [
    4_200,
    ({ tell, b }) => {
      b.setAddress({ move: moveOf() });
      tell(drive(b, READ));
      tell(driven(b, READ, shows(ASSOCIATION)));
    },
  ],
  releases: [4_300, ({ tell, b }) => tell(drive(b, RELEASE))],
  released: [
    4_400,
    (stage) => {
      const { tell, b } = stage;
      tell(ended('disassociated', b.instanceId));
      stage.aws = { ...stage.aws, addresses: freed(stage.aws) };
      tell(driven(b, RELEASE, { kind: 'released' }));
      b.setAddress({ move: moveOf({ duty: true }) });
    },
  ],
  takes: [4_500, ({ tell, b }) => tell(drive(b, TAKE))],
  taken: [
    4_600,
    (stage) => {
      associated(stage, 'b');
      stage.tell(driven(stage.b, TAKE, { kind: 'taken', associationId: 'eipassoc-2' }));
    },
  ],
  concludes: [
    5_000,
    ({ b }) => {
      b.set({ outbox: [waiting('b-1-1', TOLD)] });
      b.setAddress({ move: null, campaign: null, intent: null });
      b.sync();
    },
  ],
  tells: [5_100, ({ tell, b }) => tell(publishing(b, TOLD))],
} as const satisfies Record<string, Moment>;

export const TOLD = `Instance ${instanceOf('b')} took over ${ADDRESS}`;

type Notification = State['outbox'][number];

/** A notification of the outbox that is on its way to the topic. */
export function waiting(id: string, message: string, parts: Partial<Notification> = {}): Notification {
  return {
    ...noticeOf(id, message),
    receiver: 'sns',
    refusals: 0,
    publishing: 7,
    nextAt: 0,
    delayMs: 0,
    ...parts,
  };
}

function noticeOf(id: string, message: string) {
  const subject = 'HAProxy failover notification';
  return { id, event: 'taken', address: ADDRESS, wall: 0, subject, message, details: [] } as const;
}

export function publishing(by: RunView, text: string): WorldEvent {
  return {
    kind: 'publish',
    by,
    effect: {
      kind: 'publish',
      publishId: 7,
      receiver: 'sns',
      ...noticeOf('b-1-1', text),
      timeoutMs: 1_000,
    },
  };
}

export function ballotOf(electorate: string) {
  return {
    address: ADDRESS,
    epoch: EPOCH,
    candidate: 'b',
    mode: 'takeover',
    electorate,
    ask: 0,
    fit: true,
  } as const;
}

export function answerOf(voter: NodeId): BallotAnswer {
  return {
    address: ADDRESS,
    epoch: EPOCH,
    candidate: 'b',
    voter,
    ask: 0,
    answer: 'grant',
    reason: 'down',
    leaseMs: 10_000,
    retryMs: 0,
    highest: EPOCH,
  };
}

export function seriesOf(by: RunView): AddressState['series'] {
  const series = by.state().addresses[ADDRESS]?.series;
  if (series === undefined) throw new Error('the address is not configured');
  return series;
}

function freed(aws: AwsState): AwsState['addresses'] {
  const address = aws.addresses.get(ADDRESS);
  if (address === undefined) throw new Error('there is no such address');
  return new Map([[ADDRESS, { ...address, association: null }]]);
}
