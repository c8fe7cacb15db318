/**
 * One run of the agent's process: the real host loop, with ports into the simulated world.
 *
 * It can be killed between any two effects, and stopped (SIGSTOP) at any moment: what arrives piles up, what it was
 * about to do waits, and on waking it goes on with what it knew.
 */
import {
  createHost,
  type DecodedMessage,
  decodeDocument,
  decodeMessage,
  type Envelope,
  type Event,
  encodeMessage,
  type Host,
  type Ports,
  type ProtocolConfig,
  type Route,
  type SendEffect,
  type State,
  type StorageState,
} from '@failtome/protocol';
import type { NodeClock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { SimDriver } from './drivers.ts';
import type { Delivery, Network } from './network.ts';
import type { Machine, Premises } from './premises.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { Trace } from './trace.ts';
import type { RunView, Violate, Watcher } from './watch.ts';

/** What a process runs on. */
export interface Surroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly premises: Premises;
  readonly tell: Watcher;
  readonly violate: Violate;
}

export interface ProcessSpec {
  readonly config: ProtocolConfig;
  readonly machine: Machine;
  readonly clock: NodeClock;
  readonly disk: Disk;
  readonly driver: SimDriver;
  readonly run: string;
  readonly session: string;
  readonly seed: number;
  /** How late a timer may fire. */
  readonly timerLateMs: number;
  /** By how much its wire version is above the present one. */
  readonly wire: number;
  readonly onEnd: (how: 'stopped' | 'killed') => void;
}

export interface SimProcess {
  readonly view: RunView;
  readonly host: Host;
  isAlive(): boolean;
  isPaused(): boolean;
  receive(request: Delivery): void;
  post(event: Event): void;
  pause(): void;
  resume(): void;
  kill(): void;
  /** Kill or stop it after so many more effects. */
  strikeAfter(effects: number, how: 'kill' | 'pause'): void;
  /** So long after the first step after which it holds, do `then`, once. */
  when(holds: (state: State) => boolean, afterMs: number, then: () => void): void;
  /** Forget a strike that hasn't struck, and what was to happen `when`. */
  spare(): void;
}

interface Planned {
  holds: (state: State) => boolean;
  readonly afterMs: number;
  readonly then: () => void;
}

/** Ends the turn in which a process is killed; caught where the turn began. */
class Killed extends Error {
  override readonly name = 'Killed';
}

/** A check that takes so much longer than it may says something of this process only (PROTOCOL.md, "Observation"). */
const OWN_SLOWNESS_MS = 250;

/** The most requests that wait for a stopped process: a listening socket's backlog. */
const MAX_BACKLOG = 511;

export function startProcess(around: Surroundings, spec: ProcessSpec): SimProcess {
  const { queue, random, trace, network, premises, tell, violate } = around;
  const { config, machine, clock, disk, driver } = spec;
  const self = config.node.id;
  let alive = true;
  let paused = false;
  let timerDue: (() => void) | null = null;
  let arrived: (() => void)[] = [];
  let undone: (() => void)[] = [];
  let strike: { left: number; how: 'kill' | 'pause' } | null = null;
  let planned: Planned | null = null;
  let wakeWanted: { at: number; wake: () => void } | null = null;
  let wakePlannedFor = Number.POSITIVE_INFINITY;
  let requests = 0;
  const answering = new Map<number, Answering>();

  /** Something reaches the process: now, or when it goes on. */
  function enter(work: () => void): void {
    if (!alive) return;
    if (paused) {
      arrived.push(work);
      return;
    }
    try {
      work();
      if (!alive) return;
      tell({ kind: 'stepped', by: view });
      if (planned?.holds(host.state()) === true) carryOut(planned);
    } catch (error) {
      if (error instanceof Killed) return;
      alive = false;
      violate(
        'host',
        `${self} threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }

  /** The process does something to the world: now, or when it goes on; or it dies before. */
  function leave(work: () => void): void {
    if (strike !== null) {
      strike.left -= 1;
      if (strike.left <= 0) {
        const { how } = strike;
        strike = null;
        if (how === 'pause') pause();
        else {
          kill();
          throw new Killed('killed between two effects');
        }
      }
    }
    if (paused) undone.push(work);
    else work();
  }

  function carryOut(plan: Planned): void {
    plan.holds = () => false;
    queue.after(plan.afterMs, () => {
      if (planned !== plan || !alive) return;
      planned = null;
      plan.then();
    });
  }

  const post = (event: Event): void => enter(() => host.post(event));

  function pause(): void {
    if (!alive || paused) return;
    paused = true;
    trace.tell(self, 'paused', '');
    tell({ kind: 'paused', by: view });
  }

  function resume(): void {
    if (!alive || !paused) return;
    paused = false;
    trace.tell(self, 'resumed', '');
    tell({ kind: 'resumed', by: view });
    const [before, after] = [undone, arrived];
    [undone, arrived] = [[], []];
    try {
      for (const work of before) if (alive) leave(work);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    const late = timerDue;
    timerDue = null;
    const timerFirst = random.chance(500);
    if (late !== null && timerFirst) enter(late);
    for (const work of after) enter(work);
    if (late !== null && !timerFirst) enter(late);
  }

  function kill(): void {
    if (!alive) return;
    alive = false;
    host.close();
    disk.crash();
    trace.tell(self, 'killed', '');
    tell({ kind: 'ended', by: view });
    spec.onEnd('killed');
  }

  function planWake(): void {
    if (wakeWanted === null) return;
    const due = clock.whenShows(wakeWanted.at) + random.between(0, spec.timerLateMs * 8) / 8;
    if (due >= wakePlannedFor) return;
    wakePlannedFor = due;
    queue.at(due, () => {
      if (wakePlannedFor !== due) return;
      wakePlannedFor = Number.POSITIVE_INFINITY;
      if (wakeWanted === null || !alive) return;
      if (clock.now().at < wakeWanted.at) return planWake();
      const { wake } = wakeWanted;
      wakeWanted = null;
      if (paused) timerDue = wake;
      else enter(wake);
    });
  }

  function receive(delivery: Delivery): void {
    if (paused && arrived.length >= MAX_BACKLOG) return;
    trace.tell(self, 'request', delivery.bytes);
    enter(() => {
      const decoded = read(delivery.bytes);
      if (decoded.kind === 'fault')
        return violate('codec', `${self} can't read what a node wrote: ${decoded.detail}`);
      requests += 1;
      answering.set(requests, { delivery, request: decoded.message, readMs: queue.now() });
      tell({ kind: 'heard', by: view, message: decoded.message });
      host.post({
        kind: 'received',
        requestId: requests,
        route: delivery.route as Route, // only routes of the protocol are ever sent
        message: decoded.message,
      });
    });
  }

  /** Another version of the agent reads and writes the same, under another number. */
  function read(bytes: string): DecodedMessage {
    const decoded = decodeMessage(bytes);
    if (spec.wire === 0 || decoded.kind === 'fault') return decoded;
    return { kind: 'message', message: ofVersion(decoded.message, -spec.wire) };
  }

  function encoded(message: Envelope): string {
    const worded = spec.wire === 0 ? message : ofVersion(message, spec.wire);
    const bytes = encodeMessage(worded);
    tell({ kind: 'said', by: view, message: worded, bytes: bytes.length });
    return bytes;
  }

  function send(effect: SendEffect): void {
    const { sendId, to, route, fresh, timeoutMs } = effect;
    const until = clock.lasting(timeoutMs);
    const bytes = encoded(effect.message);
    network.request({
      from: self,
      to,
      route,
      bytes,
      fresh,
      until,
      done(result) {
        if (result.kind === 'failed') return post({ kind: 'send-failed', sendId, reason: result.reason });
        trace.tell(self, 'response', result.bytes);
        const decoded = read(result.bytes);
        if (decoded.kind === 'fault')
          return violate('codec', `${self} can't read an answer: ${decoded.detail}`);
        enter(() => {
          tell({ kind: 'heard', by: view, message: decoded.message });
          host.post({ kind: 'answered', sendId, message: decoded.message });
        });
      },
    });
  }

  function reply(requestId: number, status: number, message: Envelope): void {
    const known = answering.get(requestId);
    if (known === undefined) return;
    answering.delete(requestId);
    const { delivery, request, readMs } = known;
    tell({
      kind: 'judged',
      by: view,
      request,
      recordedAs: delivery.recordedAs,
      status,
      readAtMs: readMs,
      ageMs: readMs - delivery.sentAtMs,
    });
    delivery.respond(status, encoded(message));
  }

  /** A check's result as the adapter would tell it: it measures by the process's own clock, standstill included. */
  function measured<R extends { readonly durationMs: number }>(
    startedAt: number,
    done: (result: R) => void,
  ): (result: R) => void {
    return (result) =>
      enter(() => done({ ...result, durationMs: Math.max(result.durationMs, clock.now().at - startedAt) }));
  }

  const ports: Ports = {
    clock,
    timer: {
      wakeAt(at, wake) {
        wakeWanted = { at, wake };
        planWake();
      },
      cancel() {
        wakeWanted = null;
      },
    },
    transport: {
      send: (effect) => leave(() => send(effect)),
      reply: (effect) => leave(() => reply(effect.requestId, effect.status, effect.message)),
    },
    prober: {
      probe: ({ probeId, address }) =>
        leave(() => {
          const startedAt = clock.now().at;
          const timeoutMs = view.config.addresses.find(({ ip }) => ip === address)?.probe.timeoutMs ?? 1_000;
          tell({ kind: 'probe-began', by: view, probeId, address });
          premises.probe(
            machine,
            address,
            timeoutMs,
            measured(startedAt, (result) => host.post({ kind: 'probed', probeId, startedAt, result })),
          );
        }),
    },
    local: {
      check: ({ checkId }) =>
        leave(() => {
          const startedAt = clock.now().at;
          const timeoutMs = view.config.local?.timeoutMs ?? 1_000;
          premises.checkLocal(
            machine,
            timeoutMs,
            measured(startedAt, (result) => {
              const slow = result.kind === 'failed' && result.durationMs > timeoutMs + OWN_SLOWNESS_MS;
              tell({ kind: 'local-checked', by: view, ok: slow ? null : result.kind === 'ok' });
              host.post({ kind: 'local-checked', checkId, startedAt, result });
            }),
          );
        }),
    },
    externalIp: {
      ask: ({ askId, timeoutMs }) =>
        leave(() => {
          const startedAt = clock.now().at;
          premises.askExternalIp(
            machine,
            timeoutMs,
            measured(startedAt, (result) => {
              if (result.kind === 'address') tell({ kind: 'proof', by: view, ip: result.ip });
              host.post({ kind: 'external-ip', askId, startedAt, result });
            }),
          );
        }),
    },
    driver: {
      drive: (effect) =>
        leave(() => {
          trace.tell(self, 'drive', effect.operation);
          tell({ kind: 'drive', by: view, effect });
          driver.drive(effect, clock.lasting(effect.timeoutMs), (result) =>
            enter(() => {
              trace.tell(self, 'driven', result.answer);
              tell({ kind: 'driven', by: view, effect, result });
              host.post({ kind: 'driven', callId: effect.callId, result });
            }),
          );
        }),
    },
    notifier: {
      publish: (effect) =>
        leave(() => {
          tell({ kind: 'publish', by: view, effect });
          driver.publish(effect, clock.lasting(effect.timeoutMs), (result) =>
            post({ kind: 'published', publishId: effect.publishId, result }),
          );
        }),
    },
    store: {
      persist: ({ writeId, text }) =>
        leave(() =>
          disk.write(writeId, text, (written, code) =>
            post(
              code === null
                ? { kind: 'persisted', writeId: written }
                : { kind: 'persist-failed', writeId: written, code },
            ),
          ),
        ),
    },
    observer: {
      observe(facts, _state, now) {
        for (const fact of facts) trace.tell(self, fact.kind, fact);
        tell({ kind: 'facts', by: view, facts, now });
      },
    },
    stopped: () =>
      leave(() => {
        alive = false;
        host.close();
        trace.tell(self, 'stopped', '');
        tell({ kind: 'ended', by: view });
        spec.onEnd('stopped');
      }),
  };

  const host = createHost(config, ports);
  const view: RunView = {
    node: self,
    run: spec.run,
    get config() {
      return host.state().config;
    },
    instanceId: machine.instanceId,
    state: host.state,
    synced: disk.synced,
    worldTimeOf: clock.whenShows,
  };
  tell({ kind: 'started', by: view });
  post({ kind: 'started', session: spec.session, seed: spec.seed, storage: storageOf(disk.content()) });
  return {
    view,
    host,
    isAlive: () => alive,
    isPaused: () => paused,
    receive,
    post,
    pause,
    resume,
    kill,
    strikeAfter(effects, how) {
      strike = { left: effects, how };
    },
    when(holds, afterMs, then) {
      planned = { holds, afterMs, then };
    },
    spare() {
      strike = null;
      planned = null;
    },
  };
}

/** The same message in a wire version that is higher by so much: its ballots name it too. */
function ofVersion(message: Envelope, by: number): Envelope {
  const { payload } = message;
  const ballots = payload.ballots?.map((ballot) => {
    const [version, digest] = ballot.electorate.split(':');
    return { ...ballot, electorate: `${Number(version) + by}:${digest}` };
  });
  return {
    ...message,
    v: message.v + by,
    payload: ballots === undefined ? payload : { ...payload, ballots },
  };
}

interface Answering {
  readonly delivery: Delivery;
  readonly request: Envelope;
  /** When the process came to read it. */
  readonly readMs: number;
}

function storageOf(text: string | null): StorageState {
  if (text === null) return { kind: 'empty' };
  const decoded = decodeDocument(text);
  return decoded.kind === 'document'
    ? { kind: 'loaded', document: decoded.document }
    : { kind: 'unreadable', detail: decoded.detail };
}
