/**
 * One run of the agent's process: the real host loop, with ports into the simulated world.
 *
 * It can be killed between any two effects, and stopped (SIGSTOP) at any moment: what arrives piles up, what it was
 * about to do waits, and on waking it goes on with what it knew.
 */
import {
  createHost,
  decodeDocument,
  type Event,
  type Host,
  type IsProven,
  type State,
  type StorageState,
  withProvenState,
} from '@failtome/protocol';
import type { Disk } from './disk.ts';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import { Exchange } from './exchange.ts';
import type { Delivery } from './network.ts';
import { createProcessPorts } from './process-ports.ts';
import type { RunView } from './watch.ts';

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

/** One run of an agent's process. */
export class SimProcess {
  readonly #spec: ProcessSpec;
  readonly #environment: Environment;
  readonly #disk: Disk;
  readonly #self: string;
  #alive = true;
  #paused = false;
  #timerDue: (() => void) | null = null;
  #arrived: (() => void)[] = [];
  #undone: (() => void)[] = [];
  #halting: { left: number; how: 'kill' | 'pause' } | null = null;
  #planned: Planned | null = null;
  readonly #life: Life;
  readonly #exchange: Exchange;
  readonly host: Host;
  readonly view: RunView;
  /** Something reaches the process: now, or when it goes on. */
  readonly #enter = (work: () => void): void => {
    if (!this.#alive) return;
    if (this.#paused) {
      this.#arrived.push(work);
      return;
    }
    try {
      work();
      if (!this.#alive) return;
      this.#environment.emit({ kind: 'stepped', by: this.view });
      if (this.#planned?.holds(this.host.state()) === true) this.#carryOut(this.#planned);
    } catch (error) {
      if (error instanceof Killed) return;
      this.#alive = false;
      this.#environment.violate(
        'host',
        `${this.#self} threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  };
  /** The process does something to the world: now, or when it goes on; or it dies before. */
  readonly #leave = (work: () => void): void => {
    if (this.#halting !== null) {
      this.#halting.left -= 1;
      if (this.#halting.left <= 0) {
        const { how } = this.#halting;
        this.#halting = null;
        if (how === 'pause') this.pause();
        else {
          this.kill();
          throw new Killed('killed between two effects');
        }
      }
    }
    if (this.#paused) this.#undone.push(work);
    else work();
  };

  constructor(environment: Environment, spec: ProcessSpec) {
    this.#spec = spec;
    this.#environment = environment;
    this.#disk = spec.disk;
    this.#self = spec.config.node.id;
    this.#life = {
      view: () => this.view,
      enter: this.#enter,
      leave: this.#leave,
      feed: (event) => this.host.post(event),
    };
    this.#exchange = new Exchange(environment, spec, this.#life);
    const ports = createProcessPorts(environment, spec, this.#life, {
      exchange: this.#exchange,
      wake: (wake) => this.#wake(wake),
      stopped: () => this.#stopped(),
    });
    this.host = createHost(spec.config, ports);
    this.view = viewOf(this.host, spec);
    this.#environment.emit({ kind: 'started', by: this.view });
    this.post({
      kind: 'started',
      session: spec.session,
      seed: spec.seed,
      storage: storageOf(this.#disk.content(), environment.isProven),
    });
  }

  isAlive(): boolean {
    return this.#alive;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** Kill or stop it after so many more effects. */
  haltAfter(effects: number, how: 'kill' | 'pause'): void {
    this.#halting = { left: effects, how };
  }

  /** So long after the first step after which it holds, do `then`, once. */
  when(holds: (state: State) => boolean, afterMs: number, then: () => void): void {
    this.#planned = { holds, afterMs, then };
  }

  /** Forget a halt that hasn't come yet, and what was to happen `when`. */
  disarm(): void {
    this.#halting = null;
    this.#planned = null;
  }

  post(event: Event): void {
    this.#enter(() => {
      this.host.post(event);
      if (event.kind === 'configured') this.#exchange.reconfigure(event.config);
    });
  }

  pause(): void {
    if (!this.#alive || this.#paused) return;
    this.#paused = true;
    this.#environment.trace.log(this.#self, 'paused', '');
    this.#environment.emit({ kind: 'paused', by: this.view });
  }

  resume(): void {
    if (!this.#alive || !this.#paused) return;
    this.#paused = false;
    this.#environment.trace.log(this.#self, 'resumed', '');
    this.#environment.emit({ kind: 'resumed', by: this.view });
    const [before, after] = [this.#undone, this.#arrived];
    [this.#undone, this.#arrived] = [[], []];
    try {
      for (const work of before) if (this.#alive) this.#leave(work);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    const late = this.#timerDue;
    this.#timerDue = null;
    const timerFirst = this.#environment.random.chance(500);
    if (late !== null && timerFirst) this.#enter(late);
    for (const work of after) this.#enter(work);
    if (late !== null && !timerFirst) this.#enter(late);
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.host.close();
    this.#disk.crash();
    this.#environment.trace.log(this.#self, 'killed', '');
    this.#environment.emit({ kind: 'ended', by: this.view });
    this.#spec.onEnd('killed');
  }

  receive(delivery: Delivery): void {
    if (!this.#paused || this.#arrived.length < MAX_BACKLOG) this.#exchange.receive(delivery);
  }

  #wake(wake: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#timerDue = wake;
    else this.#enter(wake);
  }

  #stopped(): void {
    this.#alive = false;
    this.host.close();
    this.#environment.trace.log(this.#self, 'stopped', '');
    this.#environment.emit({ kind: 'ended', by: this.view });
    this.#spec.onEnd('stopped');
  }

  #carryOut(plan: Planned): void {
    plan.holds = () => false;
    this.#environment.queue.after(plan.afterMs, () => {
      if (this.#planned !== plan || !this.#alive) return;
      this.#planned = null;
      plan.then();
    });
  }
}

function viewOf({ state }: Host, { config: { node }, run, machine, disk, clock }: ProcessSpec): RunView {
  return {
    node: node.id,
    run,
    get config() {
      return state().config;
    },
    instanceId: machine.instanceId,
    state,
    synced: () => disk.synced(),
    worldTimeOf: clock.whenShows,
  };
}

function storageOf(text: string | null, isProven: IsProven): StorageState {
  if (text === null) return { kind: 'empty' };
  const decoded = decodeDocument(text);
  return decoded.kind === 'document'
    ? { kind: 'loaded', document: withProvenState(decoded.document, isProven) }
    : { kind: 'unreadable', detail: decoded.detail };
}
