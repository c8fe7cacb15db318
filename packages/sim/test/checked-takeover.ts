/**
 * A takeover as the checks are told of it, moment by moment: `b` of three takes the address from `a`. Each test leaves
 * a moment out, or changes it, and says which invariant that breaks.
 */
import {
  type BallotAnswer,
  type DriveEffect,
  type DriverAnswer,
  type DriverOperation,
  type Envelope,
  encodeDocument,
  type Fact,
  initialState,
  type NodeId,
  type ProtocolConfig,
  type State,
} from '@failtome/protocol';
import { type AwsEvent, type AwsState, associate, createAws } from '../src/aws/index.ts';
import { createChecks } from '../src/world/checks/index.ts';
import { configFor, DEFAULT_SETTINGS, type NodeSpec } from '../src/world/settings.ts';
import type { RunView, WorldEvent, WorldView } from '../src/world/watch.ts';

export const ADDRESS = '198.51.100.200';
export const OUTSIDE = '203.0.113.7';
export const ASSOCIATION = 'eipassoc-00000000000000001';
const EPOCH = 1;

const NODES: readonly NodeSpec[] = ['a', 'b', 'c'].map((id) => ({
  id,
  role: 'candidate',
  priority: 100,
  clock: { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 },
  bootMs: 0,
}));

type AddressState = State['addresses'][string];

/** A run whose state the test sets. */
export interface TestRun extends RunView {
  set(change: Partial<State>): void;
  setAddress(change: Partial<AddressState>): void;
  /** Make what the state says durable. */
  sync(): void;
  reconfigure(change: Partial<ProtocolConfig>): void;
}

export interface Stage {
  readonly a: TestRun;
  readonly b: TestRun;
  readonly c: TestRun;
  /** A later run of `b`. */
  readonly b2: TestRun;
  aws: AwsState;
  nowMs: number;
  readonly broken: string[];
  readonly told: string[];
  readonly tell: (event: WorldEvent) => void;
  readonly facts: (by: RunView, ...facts: Fact[]) => void;
  disksHarmed: boolean;
}

/** A moment of the transcript: what happens, and when. */
export type Moment = readonly [atMs: number, happens: (stage: Stage) => void];

export function newStage(driver: 'ec2' | 'opsworks' = 'ec2'): Stage {
  const broken: string[] = [];
  const told: string[] = [];
  const stage: Stage = {
    a: runOf(0, 1),
    b: runOf(1, 1),
    c: runOf(2, 1),
    b2: runOf(1, 2),
    aws: account(),
    nowMs: 0,
    broken,
    told,
    disksHarmed: false,
    tell: (event) => {
      for (const check of checks) check(event);
    },
    facts: (by, ...facts) =>
      stage.tell({ kind: 'facts', by, facts, now: { at: stage.nowMs, wall: stage.nowMs } }),
  };
  const view: WorldView = {
    now: () => stage.nowMs,
    aws: () => stage.aws,
    runs: () => [stage.a, stage.b, stage.c],
    disksHarmed: () => stage.disksHarmed,
    rolledBack: () => false,
  };
  const checks = createChecks(view, { driver }, (invariant, detail) => {
    broken.push(invariant);
    told.push(detail);
  });
  return stage;
}

/** Play moments in order of their time; which invariants they break, each once. */
export function play(moments: readonly Moment[], stage: Stage = newStage()): readonly string[] {
  for (const [atMs, happens] of [...moments].sort(([x], [y]) => x - y)) {
    stage.nowMs = atMs;
    for (const run of [stage.a, stage.b, stage.c, stage.b2]) run.set({ now: { at: atMs, wall: atMs } });
    happens(stage);
  }
  return [...new Set(stage.broken)].sort();
}

function account(): AwsState {
  const aws = createAws({
    instances: NODES.map(({ id }, index) => ({
      id: instanceOf(id),
      hostname: id,
      privateIps: [[`10.0.${index + 1}.10`]],
    })),
    addresses: [{ publicIp: ADDRESS, holder: instanceOf('a'), privateIp: '10.0.1.10' }],
  });
  return aws;
}

export function instanceOf(id: NodeId): string {
  return `i-${String('abc'.indexOf(id) + 1).padStart(17, '0')}`;
}

function runOf(index: number, number: number): TestRun {
  const node = NODES[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  const first = configFor(node, NODES, [ADDRESS], 'ec2', DEFAULT_SETTINGS, {});
  const initial = initialState(first);
  let state: State = {
    ...initial,
    phase: 'running',
    session: `session-${node.id}${number}`,
    local: { ...initial.local, fit: 'fit' },
  };
  let synced: string | null = null;
  const addressNow = (): AddressState => {
    const address = state.addresses[ADDRESS];
    if (address === undefined) throw new Error('the address is not configured');
    return address;
  };
  return {
    node: node.id,
    run: `${node.id}#${number}`,
    get config() {
      return state.config;
    },
    instanceId: instanceOf(node.id),
    state: () => state,
    synced: () => synced,
    worldTimeOf: (at) => at,
    set(change) {
      state = { ...state, ...change };
    },
    setAddress(change) {
      state = { ...state, addresses: { [ADDRESS]: { ...addressNow(), ...change } } };
    },
    sync() {
      const { epoch, lent, intent } = addressNow();
      synced = encodeDocument({
        version: 1,
        cluster: 'web',
        node: node.id,
        incarnation: 1,
        addresses: [
          {
            ip: ADDRESS,
            epoch,
            lent: lent === null ? null : { candidate: lent.candidate, epoch: lent.epoch, leaseMs: 10_000 },
            intent,
            late: null,
            changes: [],
            ended: [],
            blockedTold: false,
          },
        ],
        pause: state.pause,
        handovers: [],
        outbox: state.outbox.map(({ id, subject, message }) => ({ id, subject, message })),
        serial: 0,
      });
    },
    reconfigure(change) {
      state = { ...state, config: { ...state.config, ...change } };
    },
  };
}

export function message(from: RunView, to: RunView, payload: Partial<Envelope['payload']>): Envelope {
  return {
    v: 1,
    cluster: 'web',
    from: from.node,
    session: from.state().session,
    seq: 1,
    to: to.node,
    t: 0,
    echo: { session: to.state().session, t: 0 },
    re: null,
    payload: { version: 1, ack: 0, ...payload },
  };
}

export function voted(
  answer: BallotAnswer['answer'],
  reason: BallotAnswer['reason'],
): Extract<Fact, { kind: 'voted' }> {
  return { kind: 'voted', address: ADDRESS, candidate: 'b', epoch: EPOCH, answer, reason };
}

export function drive(by: RunView, operation: DriverOperation): WorldEvent {
  return { kind: 'drive', by, effect: effectOf(operation) };
}

export function driven(by: RunView, operation: DriverOperation, answer: DriverAnswer): WorldEvent {
  return { kind: 'driven', by, effect: effectOf(operation), result: { answer, requests: [] } };
}

function effectOf(operation: DriverOperation): DriveEffect {
  return { kind: 'drive', callId: 1, address: ADDRESS, operation, timeoutMs: 2_000 };
}

export const READ: DriverOperation = { op: 'read' };
export const RELEASE: DriverOperation = { op: 'release', associationId: ASSOCIATION, node: 'a' };
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
export function associated(stage: Stage, to: NodeId): void {
  const instance = stage.aws.instances.get(instanceOf(to));
  if (instance === undefined) throw new Error(`no instance for ${to}`);
  const [{ id: interfaceId, privateIps }] = instance.interfaces;
  const by = { kind: 'instance', instanceId: instance.id } as const;
  const target = { instanceId: instance.id, interfaceId, privateIp: privateIps[0] };
  const { state, events } = associate(stage.aws, ADDRESS, target, by, stage.nowMs);
  stage.aws = state;
  for (const event of events) if (event.kind === 'associated') stage.tell({ kind: 'cloud', event });
}

/** The moments of a takeover that breaks nothing. */
export const TAKEOVER = {
  begins: [
    0,
    ({ tell, a, b, c }) => {
      for (const by of [a, b, c]) tell({ kind: 'started', by });
    },
  ],
  checksItself: [2_900, ({ tell, b }) => tell({ kind: 'local-checked', by: b, ok: true })],
  provesItsWayOut: [3_000, ({ tell, b }) => tell({ kind: 'proof', by: b, ip: OUTSIDE })],
  seesItDown: [
    3_900,
    ({ facts, b }) => {
      const last = { ok: false, startedAt: 3_100, endedAt: 3_900, reason: 'timeout' } as const;
      b.setAddress({ verdict: 'down', series: { ...seriesOf(b), last } });
      facts(b, { kind: 'verdict', address: ADDRESS, from: 'up', to: 'down', reason: 'timeout' });
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
      const note = { id: 'b-1-1', subject: 'HAProxy failover notification', message: TOLD } as const;
      b.set({ outbox: [{ ...note, publishing: 7, nextAt: 0, delayMs: 0 }] });
      b.setAddress({ move: null, campaign: null, intent: null });
      b.sync();
    },
  ],
  tells: [5_100, ({ tell, b }) => tell(publishing(b, TOLD))],
} as const satisfies Record<string, Moment>;

export const TOLD = `Instance ${instanceOf('b')} took over ${ADDRESS}`;

export function publishing(by: RunView, text: string): WorldEvent {
  return {
    kind: 'publish',
    by,
    effect: {
      kind: 'publish',
      publishId: 7,
      subject: 'HAProxy failover notification',
      message: text,
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
