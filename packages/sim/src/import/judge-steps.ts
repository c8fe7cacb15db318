/**
 * Steps of recorded runs, told to the invariants as the simulated world tells them. What one node's own record decides is
 * judged by it; what takes several nodes, as far as recordings can tell: never by what AWS really held, which nobody recorded.
 */
import { type Effect, type Envelope, encodeMessage, type Input } from '@failtome/protocol';
import {
  type Broken,
  brokenIn,
  type ClusterHistory,
  type JudgedEvent,
  judgeRecord,
  judgeRecorded,
  NEW_CLUSTER,
  newRunHistory,
  type RunHistory,
  type RunView,
  viewOfRecords,
} from '../invariants/index.ts';
import { messageKind } from '../record/records.ts';
import type { ReplayedRun, TimedStep } from './replayed-run.ts';

/** Something that is broken, and when it was. */
export interface FoundBroken extends Broken {
  readonly atMs: number;
  readonly who: string;
}

/** A run that was recorded from its middle on is told for so long before anything of it is judged. */
const SETTLE_MS = 60_000;
/** Clocks that may be further apart decide nothing between nodes. */
const MAX_APART_MS = 20;
/** A check that took longer than its time-out by more than this was the node's own slowness. */
const OWN_SLOWNESS_MS = 250;
/** More than this nobody reads. */
const MAX_FOUND = 100;

interface Judged {
  readonly run: ReplayedRun;
  readonly view: RunView;
  history: RunHistory;
  /** What has been asked for and isn't known to be written, and what is. */
  writing: readonly { readonly writeId: number; readonly text: string }[];
  synced: string | null;
  readonly calls: Map<number, Extract<Effect, { kind: 'drive' }>>;
  state: TimedStep['turn']['core']['state'];
  /** Since when it is judged; null: not yet. */
  since: number | null;
  readonly beganMs: number;
  /** The moment of its step, where the incident's may be a little later, so that it never goes back. */
  ownMs: number;
}

/** Judges the steps of all runs, in their order. */
export class StepJudge {
  readonly found: FoundBroken[] = [];
  readonly #runs = new Map<ReplayedRun, Judged>();
  readonly #isApart: boolean;
  readonly #numbers = new Map<string, number>();
  readonly #view: ReturnType<typeof viewOfRecords> = viewOfRecords({
    driver: 'ec2',
    now: () => this.#now,
    runs: () => [...this.#runs.values()].map(({ view }) => view),
    // Of whom nothing is known nothing can be held against the others.
    isLiar: (node) =>
      ![...this.#runs.values()].some(({ run, since }) => run.of.node === node && since !== null),
    historyOf: ({ run }) =>
      [...this.#runs.values()].find(({ view }) => view.run === run)?.history ?? newRunHistory(this.#now),
  });
  #cluster: ClusterHistory = NEW_CLUSTER;
  #now = 0;

  /** @param apartMs how far the nodes' clocks may be apart; null: not known */
  constructor(apartMs: number | null) {
    this.#isApart = apartMs === null || apartMs > MAX_APART_MS;
  }

  /** Whether what takes several nodes is judged. */
  get judgesCluster(): boolean {
    return !this.#isApart;
  }

  /** Since when a run has been judged; null: never. */
  sinceOf(run: ReplayedRun): number | null {
    return this.#runs.get(run)?.since ?? null;
  }

  /** One step; what it breaks. @param nowMs never less than before */
  step(run: ReplayedRun, step: TimedStep, nowMs: number): readonly FoundBroken[] {
    this.#now = nowMs;
    const before = this.found.length;
    const judged = this.#runs.get(run) ?? this.#begin(run, step, nowMs);
    judged.ownMs = step.atMs;
    const arrival = arrivalOf(judged, step.input);
    if (arrival !== null) this.#tell(judged, arrival);
    const { state } = step.turn.core;
    judged.state = state;
    withWrites(judged, step);
    for (const fact of step.turn.facts) this.#tell(judged, { kind: 'fact', by: judged.view, fact });
    this.#counted(judged, step);
    for (const effect of step.turn.effects) {
      const event = this.#eventOf(judged, effect);
      if (event !== null) this.#tell(judged, event);
    }
    this.#tell(judged, { kind: 'stepped', by: judged.view });
    if (judged.since === null && isCalm(judged, nowMs)) judged.since = nowMs;
    return this.found.slice(before);
  }

  #begin(run: ReplayedRun, step: TimedStep, nowMs: number): Judged {
    const { state } = step.before;
    const view: RunView = {
      node: run.of.node,
      run: nameOf(run),
      get config() {
        return judged.state.config;
      },
      instanceId: state.config.node.instanceId,
      state: () => judged.state,
      synced: () => judged.synced,
      worldTimeOf: run.clock.worldTimeOf,
    };
    const judged: Judged = {
      run,
      view,
      history: newRunHistory(step.atMs),
      writing: [],
      synced: null,
      calls: new Map(),
      state,
      since: run.beginsWithRun ? nowMs : null,
      beganMs: nowMs,
      ownMs: step.atMs,
    };
    this.#runs.set(run, judged);
    this.#tell(judged, { kind: 'started', by: view });
    return judged;
  }

  #tell(judged: Judged, event: JudgedEvent): void {
    // By its own clock: what it does follows from that one.
    const [after, ...broken] = judgeRecord(judged.history, event, judged.ownMs);
    judged.history = after;
    if (!this.#isApart) {
      const ofCluster = judgeRecorded(this.#cluster, event, this.#view);
      this.#cluster = ofCluster[0];
      broken.push(...brokenIn(ofCluster));
    }
    if (judged.since === null) return;
    for (const one of broken)
      if (this.found.length < MAX_FOUND)
        this.found.push({ ...one, atMs: this.#now, who: judged.run.of.node });
  }

  #counted(judged: Judged, { input, turn }: TimedStep): void {
    if (input.kind !== 'received' || turn.facts.some(({ kind }) => kind === 'rejected')) return;
    const { message } = input;
    const key = `${message.session} ${message.to} ${message.seq}`;
    const recordedAs = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, recordedAs);
    // How old it was takes its sender's clock: what its receiver could know of that it has judged itself.
    this.#tell(judged, {
      kind: 'judged',
      by: judged.view,
      request: message,
      recordedAs,
      status: 200,
      readAtMs: this.#now,
      ageMs: 0,
    });
  }

  #eventOf({ view, calls }: Judged, effect: Effect): JudgedEvent | null {
    switch (effect.kind) {
      case 'send':
      case 'reply':
        return { kind: 'said', by: view, message: effect.message, bytes: bytesOf(effect.message) };
      case 'probe':
        return { kind: 'probe-began', by: view, probeId: effect.probeId, address: effect.address };
      case 'check-local':
        return { kind: 'local-check-began', by: view, checkId: effect.checkId };
      case 'drive':
        calls.set(effect.callId, effect);
        return { kind: 'drive', by: view, effect };
      case 'publish':
        return { kind: 'publish', by: view, effect };
      case 'arbiter': {
        // Nobody recorded what the store made of it: at the best it has accepted it.
        const { address, operation } = effect;
        return operation.op === 'swap' ? { kind: 'swapped', by: view, address, text: operation.text } : null;
      }
      case 'persist':
      case 'ask-external-ip':
      case 'stopped':
        return null;
    }
  }
}

/** A heartbeat has always the same few fields, and no bound that it could reach. */
function bytesOf(message: Envelope): number {
  return messageKind(message.payload) === 'heartbeat' ? 0 : encodeMessage(message).length;
}

function nameOf({ of: { node, run } }: ReplayedRun): string {
  return `${node} (${run.slice(0, 19)})`;
}

/** Nothing is under way that began before anybody looked. */
function isCalm({ state, beganMs, synced }: Judged, nowMs: number): boolean {
  if (nowMs - beganMs < SETTLE_MS || synced === null) return false;
  return Object.values(state.addresses).every(
    ({ campaign, move, lent }) => campaign === null && move === null && lent === null,
  );
}

/** What is on its disk: what it found at its start, and what it knows to be written. */
function withWrites(judged: Judged, { input, turn }: TimedStep): void {
  if (input.kind === 'persisted') {
    const written = judged.writing.findLast(({ writeId }) => writeId <= input.writeId);
    if (written !== undefined) judged.synced = written.text;
    judged.writing = judged.writing.filter(({ writeId }) => writeId > input.writeId);
  }
  for (const effect of turn.effects)
    if (effect.kind === 'persist') judged.writing = [...judged.writing, effect].slice(-64);
}

function arrivalOf({ view, calls, state }: Judged, input: Input): JudgedEvent | null {
  switch (input.kind) {
    case 'received':
    case 'answered':
      return { kind: 'heard', by: view, message: input.message };
    case 'driven': {
      const effect = calls.get(input.callId);
      calls.delete(input.callId);
      return effect === undefined ? null : { kind: 'driven', by: view, effect, result: input.result };
    }
    case 'external-ip':
      return input.result.kind === 'address' ? { kind: 'proof', by: view, ip: input.result.ip } : null;
    case 'local-checked': {
      const { result, checkId } = input;
      const longest = (state.config.local?.timeoutMs ?? 0) + OWN_SLOWNESS_MS;
      const isSlow = result.kind === 'failed' && result.durationMs > longest;
      return { kind: 'local-checked', by: view, checkId, ok: isSlow ? null : result.kind === 'ok' };
    }
    default:
      return null;
  }
}
