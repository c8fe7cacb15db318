/**
 * One node in a small world of its own: virtual time, a cloud, peers that answer as they are told, a disk. Everything
 * takes a fixed time, so that a flow is the same transcript in every run.
 */

import { createHost, type Event, type Host, type Ports } from '../../src/host.ts';
import type { ProtocolConfig } from '../../src/model/config.ts';
import type {
  AskExternalIpEffect,
  DriveEffect,
  PersistEffect,
  ProbeEffect,
  PublishEffect,
  SendEffect,
} from '../../src/model/effects.ts';
import type { CheckResult, DriverAnswer, StorageState } from '../../src/model/inputs.ts';
import type { State } from '../../src/model/state.ts';
import type { DurationMs, MonotonicMs, NodeId } from '../../src/model/units.ts';
import type { Fact } from '../../src/reporting/facts.ts';
import type { DurableDocument } from '../../src/storage/durable.ts';
import { decodeDocument } from '../../src/wire/codec.ts';
import { type FakeCloud, newCloud } from './cloud.ts';
import { PAIR, SELF, WALL } from './fixtures.ts';
import { type FakePeer, newPeerOf } from './peers.ts';
import { Transcript } from './transcript.ts';

const PROBE_MS = 20;
const LOCAL_MS = 5;
const OUTSIDE_MS = 30;
const CLOUD_MS = 100;
const DISK_MS = 2;
const PEER_MS = 4;
const SNS_MS = 50;
/** The most events that one `run` may see; more is a node that spins. */
const MAX_EVENTS = 200_000;

export interface WorldOptions {
  readonly config?: ProtocolConfig;
  /** Whose HAProxy answers from outside; all by default. */
  readonly serving?: readonly NodeId[];
}

/** What was published and accepted, with its message's first line. */
export interface Published {
  readonly at: MonotonicMs;
  readonly subject: string;
  readonly first: string;
}

interface Due {
  readonly at: MonotonicMs;
  readonly order: number;
  readonly run: () => void;
}

export class World {
  now: MonotonicMs = 1_000;
  config: ProtocolConfig;
  readonly cloud: FakeCloud;
  readonly peers: Readonly<Record<NodeId, FakePeer>>;
  readonly serving: Set<NodeId>;
  readonly transcript: Transcript;
  readonly published: Published[] = [];
  /** The same, as a whole. */
  readonly messages: string[] = [];
  /** What each receiver has accepted, in its order. */
  readonly told: PublishEffect[] = [];
  /** Receivers that are down: they answer nothing. */
  readonly deaf = new Set<string>();
  readonly facts: Fact[] = [];
  local: 'ok' | 'failed' = 'ok';
  outside: 'ok' | 'timeout' = 'ok';
  /** What every probe comes to, whoever holds the address; null: what follows from who holds it. */
  probes: (() => CheckResult) | null = null;
  /** From which address the outside sees this node. */
  seenAs = '198.51.100.1';
  disk: 'ok' | 'full' = 'ok';
  sns: 'ok' | 'failed' = 'ok';
  stopped = false;
  /** The last document that became durable. */
  durable: string | null = null;
  /** How many inputs and effects the node has seen and made in all its runs. */
  moments = 0;
  /** Crash when `moments` reaches this. */
  crashAt = Number.POSITIVE_INFINITY;
  private host: Host | null = null;
  private life = 0;
  private order = 0;
  private wakeAt: MonotonicMs | null = null;
  private wake: () => void = () => undefined;
  private queue: Due[] = [];

  constructor({ config = PAIR, serving = [SELF, ...config.peers.map(({ id }) => id)] }: WorldOptions = {}) {
    this.config = config;
    this.cloud = newCloud(config.peers[0]?.id ?? null);
    this.serving = new Set(serving);
    this.peers = Object.fromEntries(config.peers.map(({ id, role }) => [id, newPeerOf(id, role, config)]));
    this.transcript = new Transcript(() => this.now);
  }

  /** Start a run of the node, with what the last one left on the disk. */
  start(storage: StorageState = this.storage()): void {
    this.life += 1;
    this.stopped = false;
    this.host = createHost(this.config, this.ports(this.life));
    const session = `saturn-${String(this.life).padStart(4, '0')}`;
    this.post(this.life, { kind: 'started', session, seed: 7, storage });
  }

  /** Start a run with another configuration. */
  restartWith(config: ProtocolConfig): void {
    this.config = config;
    this.start();
  }

  /** The process ends at once; what the cloud and the network have had goes on. */
  crash(): void {
    this.host?.close();
    this.host = null;
    this.life += 1;
    this.wakeAt = null;
  }

  state(): State {
    if (this.host === null) throw new Error('the node is not running');
    return this.host.state();
  }

  isRunning(): boolean {
    return this.host !== null;
  }

  document(): DurableDocument | null {
    const storage = this.storage();
    return storage.kind === 'loaded' ? storage.document : null;
  }

  /** Let this much time pass. */
  run(ms: DurationMs): void {
    const end = this.now + ms;
    for (let count = 0; count < MAX_EVENTS; count += 1) {
      const due = this.nextDue(end);
      if (due === null) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, due.at);
      due.run();
    }
    throw new Error(`more than ${MAX_EVENTS} events in ${ms} ms`);
  }

  /** Let time pass until something holds; a test that waits in vain fails. */
  runUntil(what: string, holds: (world: World) => boolean, mostMs: DurationMs = 60_000): void {
    const end = this.now + mostMs;
    while (!holds(this)) {
      const due = this.nextDue(end);
      if (due === null) throw new Error(`waited ${mostMs} ms in vain until ${what}`);
      this.now = Math.max(this.now, due.at);
      due.run();
    }
  }

  /** The node stands still for this long: nothing reaches it, and everything reaches it at the end. */
  stall(ms: DurationMs): void {
    this.now += ms;
  }

  /** An event of the host's own, such as `stop` or `configured`. */
  tell(event: Event): void {
    this.post(this.life, event);
  }

  /** A peer speaks to the node of itself. */
  speak(id: NodeId): void {
    const message = this.peers[id]?.request(this.now);
    if (message !== undefined)
      this.post(this.life, { kind: 'received', requestId: this.moments, route: '/v1/gossip', message });
  }

  private storage(): StorageState {
    if (this.durable === null) return { kind: 'empty' };
    const decoded = decodeDocument(this.durable);
    if (decoded.kind === 'fault') throw new Error(`the document can't be read back: ${decoded.detail}`);
    return { kind: 'loaded', document: decoded.document };
  }

  private nextDue(end: MonotonicMs): { readonly at: MonotonicMs; readonly run: () => void } | null {
    const first = this.queue[0];
    const wakes =
      this.wakeAt !== null && this.wakeAt <= end && (first === undefined || this.wakeAt < first.at);
    if (wakes) {
      const at = this.wakeAt ?? end;
      return {
        at,
        run: () => {
          this.wakeAt = null;
          this.wake();
        },
      };
    }
    if (first === undefined || first.at > end) return null;
    this.queue.shift();
    return first;
  }

  private later(ms: DurationMs, run: () => void): void {
    this.order += 1;
    this.queue.push({ at: this.now + ms, order: this.order, run });
    this.queue.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  /** Something answers the node, if that run of it is still there. */
  private answer(life: number, ms: DurationMs, event: Event): void {
    this.later(ms, () => this.post(life, event));
  }

  private post(life: number, event: Event): void {
    if (life !== this.life || this.host === null || !this.isAlive()) return;
    this.transcript.input(event);
    this.host.post(event);
  }

  /** Counts a moment, and crashes when its time has come. */
  private isAlive(): boolean {
    this.moments += 1;
    if (this.moments >= this.crashAt) {
      this.crashAt = Number.POSITIVE_INFINITY;
      this.crash();
      return false;
    }
    return true;
  }

  private ports(life: number): Ports {
    const alive = (): boolean => life === this.life && this.isAlive();
    return {
      clock: { now: () => ({ at: this.now, wall: WALL + this.now }) },
      timer: {
        wakeAt: (at, wake) => {
          if (life !== this.life) return;
          if (at <= this.now) throw new Error(`a deadline in the past: ${at}, and it is ${this.now}`);
          this.wakeAt = at;
          this.wake = wake;
        },
        cancel: () => {
          if (life === this.life) this.wakeAt = null;
        },
      },
      transport: {
        send: (effect) => {
          if (alive()) this.send(life, effect);
        },
        reply: () => undefined,
      },
      prober: {
        probe: (effect) => {
          if (alive()) this.probe(life, effect);
        },
      },
      local: {
        check: ({ checkId }) => {
          const result = checked(this.local, LOCAL_MS);
          if (alive()) this.answer(life, LOCAL_MS, { kind: 'local-checked', checkId, result });
        },
      },
      externalIp: {
        ask: (effect) => {
          if (alive()) this.askOutside(life, effect);
        },
      },
      driver: {
        drive: (effect) => {
          if (alive()) this.drive(life, effect);
        },
      },
      notifier: {
        publish: (effect) => {
          if (alive()) this.publish(life, effect);
        },
      },
      store: {
        persist: (effect) => {
          if (alive()) this.persist(life, effect);
        },
      },
      observer: {
        observe: (facts) => {
          if (life !== this.life) return;
          this.facts.push(...facts);
          for (const fact of facts) this.transcript.fact(fact);
        },
      },
      stopped: () => {
        this.stopped = true;
        this.transcript.note('stopped');
      },
    };
  }

  private probe(life: number, { probeId }: ProbeEffect): void {
    const holder = this.cloud.holder?.node ?? null;
    const up = holder !== null && this.serving.has(holder);
    const result = this.probes?.() ?? checked(up ? 'ok' : 'failed', PROBE_MS);
    this.answer(life, PROBE_MS, { kind: 'probed', probeId, result });
  }

  private askOutside(life: number, { askId, purpose, timeoutMs }: AskExternalIpEffect): void {
    this.transcript.ask(askId);
    const failed = { kind: 'failed', reason: 'timeout', detail: 'no answer', durationMs: timeoutMs } as const;
    const ok = { kind: 'address', ip: this.seenAs, durationMs: OUTSIDE_MS } as const;
    const works = this.outside === 'ok';
    const result = works ? ok : failed;
    this.answer(life, works ? OUTSIDE_MS : timeoutMs, {
      kind: 'external-ip',
      askId,
      purpose,
      result,
    });
  }

  private drive(life: number, { callId, purpose, operation, timeoutMs }: DriveEffect): void {
    this.transcript.drive(callId, operation);
    this.later(CLOUD_MS / 2, () => {
      const answer: DriverAnswer = this.cloud.call(operation);
      const leftMs = answer.kind === 'unknown' ? timeoutMs - CLOUD_MS / 2 : CLOUD_MS / 2;
      this.answer(life, leftMs, { kind: 'driven', callId, purpose, result: { answer, requests: [] } });
    });
  }

  private publish(life: number, effect: PublishEffect): void {
    const { publishId, receiver, subject, message } = effect;
    this.transcript.publish(subject);
    const request = { service: 'sns', operation: 'Publish', code: null, requestId: null } as const;
    this.later(SNS_MS, () => {
      const done = this.sns === 'ok' && !this.deaf.has(receiver);
      if (done) this.told.push(effect);
      if (done) this.messages.push(message);
      if (done) this.published.push({ at: this.now, subject, first: message.split('\n')[0] ?? '' });
      const sent = { ...request, result: done ? ('ok' as const) : ('unknown' as const), durationMs: SNS_MS };
      const result = done
        ? ({ kind: 'accepted', request: sent } as const)
        : ({ kind: 'failed', detail: 'timeout', request: sent } as const);
      this.post(life, { kind: 'published', publishId, result });
    });
  }

  private persist(life: number, { writeId, text }: PersistEffect): void {
    this.transcript.write(text);
    const works = this.disk === 'ok';
    this.later(DISK_MS, () => {
      if (works && life === this.life) this.durable = text;
      this.post(
        life,
        works ? { kind: 'persisted', writeId } : { kind: 'persist-failed', writeId, code: 'ENOSPC' },
      );
    });
  }

  private send(life: number, { sendId, to, message, timeoutMs }: SendEffect): void {
    this.transcript.send(to, message.payload);
    const peer = this.peers[to];
    if (peer === undefined || !peer.reachable) {
      this.answer(life, timeoutMs, { kind: 'send-failed', sendId, reason: 'timeout' });
      return;
    }
    const answer = peer.answer(message, this.now);
    this.later(PEER_MS, () => {
      if (peer.reachable) this.post(life, { kind: 'answered', sendId, message: answer });
      else this.post(life, { kind: 'send-failed', sendId, reason: 'timeout' });
    });
  }
}

function checked(is: 'ok' | 'failed', durationMs: DurationMs): CheckResult {
  return is === 'ok'
    ? { kind: 'ok', status: 200, durationMs }
    : { kind: 'failed', reason: 'refused', detail: 'nobody listens', durationMs };
}
