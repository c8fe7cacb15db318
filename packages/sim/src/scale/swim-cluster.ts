/** Plain SWIM in the simulated world: the same queue, network, kinds of slowness and count of bytes as failtome's own nodes. */
import type { NodeId } from '@failtome/protocol';
import type { Detail } from '../world/details.ts';
import { Network } from '../world/network.ts';
import { createQueue, type EventQueue } from '../world/queue.ts';
import { createRandom, type Random } from '../world/random.ts';
import { DEFAULT_SETTINGS } from '../world/settings.ts';
import { Subscribers } from '../world/subscribers.ts';
import {
  type ClusterOptions,
  createByteCount,
  createRunTill,
  type MeasuredCluster,
  memberName,
  type Verdict,
} from './measured-cluster.ts';
import { SwimMember, type SwimMessage, type SwimSettings, type SwimStatus } from './swim-member.ts';

const ROUTE = 'swim';
/** What waits for a stopped process at most: as for failtome's own. */
const MAX_BACKLOG = 511;
/** memberlist's `SuspicionMult` for a local network: a suspect has so many periods, times log10 of the members. */
const SUSPICION_PERIODS = 4;
/** k of the paper, as memberlist has it. */
const INDIRECT = 3;

/**
 * What SWIM runs with: failtome's own interval for its period, failtome's time-out for a ping, the same number of updates a message, and
 * of tellings an update; the rest as the field does.
 */
export function swimSettings(members: number): SwimSettings {
  const { intervalMs, timeoutMs } = DEFAULT_SETTINGS.gossip;
  return {
    periodMs: intervalMs,
    pingTimeoutMs: Math.min(timeoutMs, intervalMs / 2),
    indirect: INDIRECT,
    suspicionMs: SUSPICION_PERIODS * Math.max(1, Math.log10(members)) * intervalMs,
    spreads: 3 * Math.ceil(Math.log2(members + 1)),
    updatesPerMessage: 8,
  };
}

/** Whether a process runs, and what waits for it where it is stopped. */
class SwimProcess {
  #state: 'on' | 'stopped' | 'gone' = 'on';
  #arrived: (() => void)[] = [];
  #due: (() => void)[] = [];
  readonly #queue: EventQueue;
  readonly #random: Random;

  constructor(queue: EventQueue, random: Random) {
    this.#queue = queue;
    this.#random = random;
  }

  get isThere(): boolean {
    return this.#state !== 'gone';
  }

  after(ms: number, work: () => void): void {
    this.#queue.after(ms, () => {
      if (this.#state === 'on') work();
      else if (this.#state === 'stopped') this.#due.push(work);
    });
  }

  arrive(work: () => void): void {
    if (this.#state === 'on') work();
    else if (this.#state === 'stopped' && this.#arrived.length < MAX_BACKLOG) this.#arrived.push(work);
  }

  stop(): void {
    if (this.#state === 'on') this.#state = 'stopped';
  }

  /** Timers or messages first, by chance: a system doesn't say which a process is woken for first. */
  goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'on';
    const [due, arrived] = [this.#due, this.#arrived];
    [this.#due, this.#arrived] = [[], []];
    const first = this.#random.chance(500) ? due : arrived;
    for (const work of first) work();
    for (const work of first === due ? arrived : due) work();
  }

  end(): void {
    this.#state = 'gone';
  }
}

/** Begin a cluster in which everybody knows everybody, as failtome's configuration has it. */
export function startSwim({ members: count, seed, lossPerMille }: ClusterOptions): MeasuredCluster {
  const queue = createQueue();
  const random = createRandom(seed);
  const details = new Subscribers<Detail>();
  const network = new Network(queue, random.fork(), () => undefined, details, null, { lossPerMille });
  const members = Array.from({ length: count }, (_, index) => memberName(index));
  const bytes = createByteCount(members);
  details.subscribe((detail) => {
    if (detail.kind === 'sent') bytes.add(detail.from, detail.bytes.length);
  });
  const watchers = new Subscribers<Verdict>();
  const settings = swimSettings(count);
  const nodes = new Map<NodeId, { readonly member: SwimMember; readonly process: SwimProcess }>();
  for (const id of members) {
    const own = random.fork();
    const process = new SwimProcess(queue, own);
    const member = new SwimMember(id, members, settings, {
      send: (to, message) => network.datagram({ from: id, to, route: ROUTE, bytes: JSON.stringify(message) }),
      after: (ms, work) => process.after(ms, work),
      below: (bound) => own.below(bound),
      changed: (of, to) => watchers.emit?.({ atMs: queue.now(), by: id, of, to: calledBy(to) }),
    });
    nodes.set(id, { member, process });
    network.listen(id, {
      state: () => (process.isThere ? 'listening' : 'gone'),
      // Nobody but `send` above writes what arrives here.
      receive: ({ bytes: text }) => process.arrive(() => member.receive(JSON.parse(text) as SwimMessage)),
    });
    member.start();
  }
  return {
    members,
    ...createTime(queue),
    ...createActions(nodes),
    bytesOf: bytes.bytesOf,
    messagesOf: bytes.messagesOf,
    onVerdict: (watch) => watchers.subscribe(watch),
  };
}

type Nodes = ReadonlyMap<NodeId, { readonly member: SwimMember; readonly process: SwimProcess }>;

function createActions(
  nodes: Nodes,
): Pick<MeasuredCluster, 'pause' | 'resume' | 'vanish' | 'tell' | 'knows' | 'saysOf'> {
  let news: { readonly of: NodeId; readonly incarnation: number } | null = null;
  return {
    pause: (id) => nodes.get(id)?.process.stop(),
    resume: (id) => nodes.get(id)?.process.goOn(),
    vanish: (id) => nodes.get(id)?.process.end(),
    tell(id) {
      const incarnation = nodes.get(id)?.member.announce();
      if (incarnation !== undefined) news = { of: id, incarnation };
    },
    knows(id) {
      if (news === null || id === news.of) return news !== null;
      return (nodes.get(id)?.member.saysOf(news.of)?.incarnation ?? -1) >= news.incarnation;
    },
    saysOf(by, of) {
      const said = nodes.get(by)?.member.saysOf(of);
      return said === undefined ? 'unknown' : calledBy(said.status);
    },
  };
}

function createTime(queue: EventQueue): Pick<MeasuredCluster, 'now' | 'runFor' | 'runTill' | 'at'> {
  const runFor = (ms: number): void => {
    const untilMs = queue.now() + ms;
    while (queue.runNext(untilMs));
  };
  return {
    now: queue.now,
    at: queue.at,
    runFor,
    runTill: createRunTill(queue.now, runFor),
  };
}

/** The word that failtome has for it. */
function calledBy(status: SwimStatus): Verdict['to'] {
  return status === 'faulty' ? 'dead' : status;
}
