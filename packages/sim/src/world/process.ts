/**
 * One run of the agent's process: the real host loop, with ports into the simulated world.
 *
 * It can be killed between any two effects, and stopped (SIGSTOP) at any moment: what arrives piles up, what it was
 * about to do waits, and on waking it goes on with what it knew.
 */
import { TIMED_OUT } from '@failtome/ports';
import {
  createHost,
  decodeDocument,
  type Event,
  type Host,
  type IsProven,
  type Ports,
  type State,
  type StorageState,
  withProvenState,
} from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import { createExchange } from './exchange.ts';
import type { Delivery } from './network.ts';
import { createObservationPorts } from './observation-ports.ts';
import { createTimer } from './timer.ts';
import type { RunView } from './watch.ts';

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
  haltAfter(effects: number, how: 'kill' | 'pause'): void;
  /** So long after the first step after which it holds, do `then`, once. */
  when(holds: (state: State) => boolean, afterMs: number, then: () => void): void;
  /** Forget a halt that hasn't come yet, and what was to happen `when`. */
  disarm(): void;
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

/** The most requests that wait for a stopped process: a listening socket's backlog. */
const MAX_BACKLOG = 511;

export function startProcess(environment: Environment, spec: ProcessSpec): SimProcess {
  const { queue, random, trace, tell, violate, isProven } = environment;
  const { config, clock, disk, driver } = spec;
  const self = config.node.id;
  let alive = true;
  let paused = false;
  let timerDue: (() => void) | null = null;
  let arrived: (() => void)[] = [];
  let undone: (() => void)[] = [];
  let halting: { left: number; how: 'kill' | 'pause' } | null = null;
  let planned: Planned | null = null;

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
    if (halting !== null) {
      halting.left -= 1;
      if (halting.left <= 0) {
        const { how } = halting;
        halting = null;
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

  function receive(delivery: Delivery): void {
    if (!paused || arrived.length < MAX_BACKLOG) exchange.receive(delivery);
  }

  const life: Life = { view: () => view, enter, leave, feed: (event) => host.post(event) };
  const exchange = createExchange(environment, spec, life);
  const ports: Ports = {
    clock,
    timer: createTimer(environment, spec, (wake) => {
      if (!alive) return;
      if (paused) timerDue = wake;
      else enter(wake);
    }),
    transport: {
      send: (effect) => leave(() => exchange.send(effect)),
      reply: (effect) => leave(() => exchange.reply(effect)),
    },
    ...createObservationPorts(environment, spec, life),
    driver: {
      drive(effect) {
        const { callId, purpose } = effect;
        const sendBy = clock.now().at + effect.timeoutMs;
        leave(() => {
          // The agent's time-out runs from here, and what it ends is not sent any more.
          if (clock.now().at >= sendBy) {
            post({ kind: 'driven', callId, purpose, result: { answer: TIMED_OUT, requests: [] } });
            return;
          }
          trace.tell(self, 'drive', effect.operation);
          tell({ kind: 'drive', by: view, effect });
          driver.drive(effect, clock.lasting(effect.timeoutMs), enter, (result) => {
            trace.tell(self, 'driven', result.answer);
            tell({ kind: 'driven', by: view, effect, result });
            host.post({ kind: 'driven', callId, purpose, result });
          });
        });
      },
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
    instanceId: spec.machine.instanceId,
    state: host.state,
    synced: disk.synced,
    worldTimeOf: clock.whenShows,
  };
  tell({ kind: 'started', by: view });
  post({
    kind: 'started',
    session: spec.session,
    seed: spec.seed,
    storage: storageOf(disk.content(), isProven),
  });
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
    haltAfter(effects, how) {
      halting = { left: effects, how };
    },
    when(holds, afterMs, then) {
      planned = { holds, afterMs, then };
    },
    disarm() {
      halting = null;
      planned = null;
    },
  };
}

function storageOf(text: string | null, isProven: IsProven): StorageState {
  if (text === null) return { kind: 'empty' };
  const decoded = decodeDocument(text);
  return decoded.kind === 'document'
    ? { kind: 'loaded', document: withProvenState(decoded.document, isProven) }
    : { kind: 'unreadable', detail: decoded.detail };
}
