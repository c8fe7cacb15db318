/**
 * The records of an incident, as the simulator's recorder makes them of a run: what the report shows. Of the world outside it has
 * what the nodes have seen of it: the owner of an address is whom they were told, and it is served when their probes say so.
 */
import {
  type Effect,
  type Envelope,
  encodeMessage,
  type Fact,
  type Input,
  type SendFailure,
} from '@failtome/protocol';
import { Lane } from '../record/lane.ts';
import { messageKind, type RecordBody, type TraceEntry } from '../record/records.ts';
import type { LostWhy } from '../world/details.ts';
import type { ReplayedRun, TimedStep } from './replayed-run.ts';

/** Where records go, and which moments are worth every heartbeat. */
export interface IncidentRecordsOptions {
  readonly sink: (entry: TraceEntry) => void;
  readonly isLively: (atMs: number) => boolean;
}

interface Track {
  readonly lane: Lane;
  shown: string;
  ended: boolean;
}

/** Why a message came to nothing, as far as its sender could tell. */
const LOST: Readonly<Record<SendFailure, LostWhy>> = {
  timeout: 'gone',
  refused: 'refused',
  unreachable: 'cut',
  status: 'rejected',
  unauthentic: 'rejected',
  malformed: 'rejected',
};

/** Whether what a lane shows may have changed. That time runs is no news. */
function isNews({ before: { state: old }, turn: { core, facts } }: TimedStep): boolean {
  const { addresses, local, phase, ready, pause, wayOut } = core.state;
  return (
    facts.some(({ kind }) => kind !== 'heartbeat') ||
    addresses !== old.addresses ||
    local !== old.local ||
    phase !== old.phase ||
    ready !== old.ready ||
    pause !== old.pause ||
    wayOut !== old.wayOut
  );
}

/** Nobody waits longer for a message: what hasn't come by then is lost, whoever knows of it. */
const UNDER_WAY_MS = 10_000;

/** Makes the records of an incident. */
export class IncidentRecords {
  readonly #sink: IncidentRecordsOptions['sink'];
  readonly #isLively: IncidentRecordsOptions['isLively'];
  readonly #tracks = new Map<string, Track>();
  /** By sender's session and number: what the report calls a message. */
  readonly #messages = new Map<string, number>();
  /** By run and id: the message that was sent. */
  readonly #sends = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  /** Messages of whose fate nothing has been told, and when they were sent. */
  readonly #underWay = new Map<number, number>();
  readonly #owners = new Map<string, { owner: string | null; served: boolean }>();
  #count = 0;
  #steps = 0;
  #message = 0;
  #call = 0;
  #order = 0;
  #now = 0;

  constructor({ sink, isLively }: IncidentRecordsOptions) {
    this.#sink = sink;
    this.#isLively = isLively;
  }

  get count(): number {
    return this.#count;
  }

  get steps(): number {
    return this.#steps;
  }

  /** One step of a run. */
  step(run: ReplayedRun, step: TimedStep, nowMs: number): void {
    const { input, turn } = step;
    this.#now = nowMs;
    this.#steps += 1;
    this.#giveUp();
    const who = run.of.node;
    const track = this.#trackOf(who);
    if (track.shown !== run.of.run) {
      track.shown = run.of.run;
      track.ended = false;
      this.#write({ kind: 'process', who, state: 'alive', run: run.of.run });
    }
    this.#arrival(run, who, input);
    for (const fact of turn.facts) this.#fact(who, fact);
    for (const effect of turn.effects) this.#effect(run, who, effect);
    const view = {
      node: who,
      run: run.of.run,
      config: turn.core.state.config,
      instanceId: '',
      state: () => turn.core.state,
      synced: () => null,
      worldTimeOf: run.clock.worldTimeOf,
    };
    if (isNews(step)) for (const change of track.lane.changes(view)) this.#write(change);
    if (turn.core.state.phase === 'stopped') this.end(run, 'stopped');
  }

  /** A run's recording is over. */
  end(run: ReplayedRun, how: 'stopped' | 'crashed'): void {
    const track = this.#trackOf(run.of.node);
    if (track.ended || track.shown !== run.of.run) return;
    track.ended = true;
    this.#write({ kind: 'process', who: run.of.node, state: how, run: run.of.run });
  }

  /** Something is broken. */
  violation(invariant: string, detail: string): void {
    this.#write({ kind: 'violation', invariant, detail });
  }

  #trackOf(who: string): Track {
    const known = this.#tracks.get(who);
    if (known !== undefined) return known;
    const track: Track = { lane: new Lane(who), shown: '', ended: true };
    this.#tracks.set(who, track);
    return track;
  }

  #write(body: RecordBody): void {
    this.#count += 1;
    this.#sink({ n: this.#count, step: this.#steps, at: Math.round(this.#now * 1_000) / 1_000, ...body });
  }

  #arrival(run: ReplayedRun, who: string, input: Input): void {
    switch (input.kind) {
      case 'received': {
        const { command } = input.message.payload;
        if (command !== undefined) {
          this.#order += 1;
          this.#write({ kind: 'order', order: this.#order, who, command });
        }
        return this.#arrived(who, input.message);
      }
      case 'answered':
        return this.#arrived(who, input.message);
      case 'send-failed': {
        const msg = this.#sends.get(`${run.of.run} ${input.sendId}`);
        if (msg !== undefined && this.#underWay.delete(msg))
          this.#write({ kind: 'lost', msg, why: LOST[input.reason] ?? 'loss' });
        return;
      }
      case 'driven': {
        const call = this.#calls.get(`${run.of.run} ${input.callId}`);
        const { answer } = input.result;
        const code = 'code' in answer ? answer.code : null;
        if (call !== undefined) this.#write({ kind: 'call-ended', call, end: answer.kind, code });
        return;
      }
      default:
        return;
    }
  }

  #arrived(who: string, { session, seq }: Envelope): void {
    const msg = this.#messages.get(`${session} ${seq}`);
    if (msg === undefined) return;
    this.#underWay.delete(msg);
    this.#write({ kind: 'arrived', msg, who, again: false });
  }

  /** The oldest come first. */
  #giveUp(): void {
    for (const [msg, sentMs] of this.#underWay) {
      if (sentMs > this.#now - UNDER_WAY_MS) return;
      this.#underWay.delete(msg);
      this.#write({ kind: 'lost', msg, why: 'late' });
    }
  }

  #fact(who: string, fact: Fact): void {
    if (fact.kind === 'heartbeat' && fact.result === 'ok') return;
    this.#write({ kind: 'fact', who, fact });
    if (fact.kind === 'local' && fact.to !== 'unknown')
      this.#write({ kind: 'haproxy', who, state: fact.to === 'fit' ? 'up' : 'error' });
    if (fact.kind === 'probe') this.#owned(fact.address, { served: fact.result.kind === 'ok' });
    if (fact.kind === 'holder' && fact.holder !== 'unknown')
      this.#owned(fact.address, { owner: fact.holder === 'nobody' ? null : fact.holder });
  }

  #owned(address: string, news: { readonly owner?: string | null; readonly served?: boolean }): void {
    const before = this.#owners.get(address);
    const after = { owner: before?.owner ?? null, served: before?.served ?? false, ...news };
    if (before !== undefined && before.owner === after.owner && before.served === after.served) return;
    this.#owners.set(address, after);
    this.#write({ kind: 'owner', address, owner: after.owner, served: after.served ? after.owner : null });
  }

  #effect(run: ReplayedRun, who: string, effect: Effect): void {
    switch (effect.kind) {
      case 'send': {
        const msg = this.#sent(who, effect.to, effect.route, effect.fresh, effect.message);
        if (msg !== null) this.#sends.set(`${run.of.run} ${effect.sendId}`, msg);
        return;
      }
      case 'reply':
        this.#sent(who, effect.message.to, '', false, effect.message);
        return;
      case 'drive': {
        this.#call += 1;
        this.#calls.set(`${run.of.run} ${effect.callId}`, this.#call);
        const { operation, address, purpose } = effect;
        const { op, ...parts } = operation;
        const request = { address, purpose, ...parts };
        return this.#write({ kind: 'called', call: this.#call, who, action: op, request });
      }
      case 'publish':
        return this.#write({ kind: 'published', who, subject: effect.subject, message: effect.message });
      default:
        return;
    }
  }

  /** Null: it is one heartbeat of many. */
  #sent(who: string, to: string, route: string, fresh: boolean, message: Envelope): number | null {
    const { payload, session, seq, re } = message;
    if (messageKind(payload) === 'heartbeat' && !this.#isLively(this.#now)) return null;
    const request = re === null ? undefined : this.#messages.get(`${re.session} ${re.seq}`);
    if (re !== null && request === undefined) return null;
    if (request === undefined) this.#message += 2;
    const msg = request === undefined ? this.#message : request + 1;
    this.#messages.set(`${session} ${seq}`, msg);
    this.#underWay.set(msg, this.#now);
    this.#write({
      kind: 'sent',
      msg,
      who,
      to,
      route,
      fresh,
      bytes: encodeMessage(message).length,
      seq,
      payload,
    });
    return msg;
  }
}
