/** A stage on which checkers are told of things: three nodes whose states a test sets, and an account with one address. */

import { type AwsState, createAws } from '@failtome/cloud/model';
import {
  type Envelope,
  encodeDocument,
  type Fact,
  initialState,
  type NodeId,
  type ProtocolConfig,
  type State,
} from '@failtome/protocol';
import { createJudge, type WatchedView } from '../src/world/judge.ts';
import { configFor, DEFAULT_SETTINGS, type NodeSpec } from '../src/world/settings.ts';
import type { RunView, WorldEvent } from '../src/world/watch.ts';

export const ADDRESS = '198.51.100.200';

const NODES: readonly NodeSpec[] = ['a', 'b', 'c'].map((id) => ({
  id,
  role: 'candidate',
  priority: 100,
  clock: { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 },
  bootMs: 0,
}));

export type AddressState = State['addresses'][string];

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
  /** Whether the store has lied. */
  storeLied: boolean;
  liar: NodeId | null;
}

/** Another run with its id, beside it. */
export function secondOf(run: TestRun): TestRun {
  return { ...run, run: `${run.node}#second` };
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
    liar: null,
    storeLied: false,
    tell: (event) => judge(event),
    facts: (by, ...facts) =>
      stage.tell({ kind: 'facts', by, facts, now: { at: stage.nowMs, wall: stage.nowMs } }),
  };
  const view: WatchedView = {
    driver,
    now: () => stage.nowMs,
    aws: () => stage.aws,
    runs: () => [stage.a, stage.b, stage.c],
    disksHarmed: () => stage.disksHarmed,
    isLiar: (id) => id === stage.liar,
    rolledBack: () => false,
    storeLied: () => stage.storeLied,
  };
  const judge = createJudge(view, (invariant, detail) => {
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
    // A request that is still waited for: what a test has answered with `seq: 1` is heard.
    pendingSends: [
      {
        sendId: 1,
        to: '',
        seq: 1,
        sentAt: 0,
        fresh: false,
        retry: false,
        failedAt: null,
        ballots: [],
        after: 0,
      },
    ],
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
