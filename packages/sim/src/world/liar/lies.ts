/**
 * Who in a world says what isn't so, and by which means: one lie in every message (`forgery.ts`), or a liar.
 */

import { type AwsState, holderOf } from '@failtome/cloud/model';
import {
  type Command,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type Ip,
  type NodeId,
  type NodeRecord,
  type StatusView,
} from '@failtome/protocol';
import { createForger, type Forger, type Lie } from '../forgery.ts';
import type { Network } from '../network.ts';
import type { EventQueue } from '../queue.ts';
import { createRandom } from '../random.ts';
import type { WorldSpec } from '../spec.ts';
import type { RunView, Watcher } from '../watch.ts';
import { createWithheld, inflated, type WithheldOrders } from '../withheld-orders.ts';
import type { Interesting } from './generate.ts';
import { Liar, type LiarMode, type Manner } from './liar.ts';
import type { LiarView } from './strategies.ts';

/** What liars know of their world. */
export interface LiesDependencies {
  readonly spec: WorldSpec;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly aws: () => AwsState;
  readonly runs: () => readonly RunView[];
  /** Whether the node's process runs, on a machine that is there. */
  readonly speaks: (id: NodeId) => boolean;
}

/** How long it waits for the answer to what it has made up. */
const TIMEOUT_MS = 1_000;

/** What a node has kept to itself that hands on whatever it is given. */
const NOTHING_WITHHELD: WithheldOrders = createWithheld();

/** All liars of a world. */
export class Lies {
  readonly #spec: LiesDependencies['spec'];
  readonly #queue: LiesDependencies['queue'];
  readonly #network: LiesDependencies['network'];
  readonly #aws: LiesDependencies['aws'];
  readonly #runs: LiesDependencies['runs'];
  readonly #speaks: LiesDependencies['speaks'];
  readonly #forgers = new Map<NodeId, Forger>();
  readonly #records = new Map<NodeId, NodeRecord>();
  readonly #liars = new Map<NodeId, Liar>();
  /** Who shows operators what isn't so, and what they have signed upon it. */
  readonly #withheld = new Map<NodeId, WithheldOrders>();
  readonly #ids: string[];
  readonly #candidates: string[];
  readonly #associationOf = (ip: Ip): string | null => this.#aws().addresses.get(ip)?.association?.id ?? null;

  constructor({ spec, queue, network, aws, runs, speaks }: LiesDependencies) {
    this.#spec = spec;
    this.#queue = queue;
    this.#network = network;
    this.#aws = aws;
    this.#runs = runs;
    this.#speaks = speaks;
    this.#ids = spec.nodes.map(({ id }) => id);
    this.#candidates = spec.nodes.flatMap(({ id, role }) => (role === 'candidate' ? [id] : []));
  }

  /** What a node's message becomes on its way out. */
  forged(from: NodeId, message: Envelope): Envelope {
    const { node } = message.payload;
    if (node !== undefined) this.#records.set(from, node);
    const honest = this.#forgers.get(from)?.(message, this.#records.get(from)) ?? message;
    let told = honest;
    for (const [id, liar] of this.#liars)
      if (id === from || liar.mode === 'shared-key') told = liar.forged(told);
    return told;
  }

  /** What an answer that reaches a node means to it. */
  meant(to: NodeId, message: Envelope): Envelope {
    return this.#liars.get(to)?.meant(message) ?? message;
  }

  /** What the node says is bent in this one way from now on; null: no more. */
  forge(id: NodeId, lie: Lie | null): void {
    if (lie === null) this.#forgers.delete(id);
    else this.#forgers.set(id, createForger(lie, this.#associationOf, this.#withheldBy(id)));
    if (lie !== 'withheld-orders') this.#withheld.delete(id);
  }

  /** What a node shows to operators who ask it. */
  shown(id: NodeId, status: StatusView): StatusView {
    return this.#withheld.has(id) ? inflated(status) : status;
  }

  /** Whether it keeps the order that it is given, and nobody else has it. */
  withholds(id: NodeId, command: Command): boolean {
    const orders = this.#withheld.get(id);
    orders?.keep(command);
    return orders !== undefined;
  }

  /** The node lies from now on. What it returns ends that. */
  lie(id: NodeId, mode: LiarMode, manner: Manner, seed: number): () => void {
    const liar = new Liar({
      mode,
      manner,
      record: this.#records.get(id),
      signed: this.#spec.settings.identities,
      random: createRandom(seed),
      now: this.#queue.now,
      view: (self, ballotsOf) => this.#viewOf(self, ballotsOf),
    });
    let lies = true;
    this.#liars.set(id, liar);
    if (mode === 'identities' && this.#spec.settings.identities) this.#withheldBy(id);
    if (mode === 'identities') this.#speakOn(id, liar, () => lies && this.#liars.get(id) === liar);
    return () => {
      lies = false;
      liar.fallSilent();
    };
  }

  /** Whether that node lies or has lied for itself alone: nothing that it says is evidence. */
  isLiar(id: NodeId): boolean {
    return this.#liars.get(id)?.mode === 'identities';
  }

  /** Liars learn from what their nodes hear. */
  readonly watch: Watcher = (event) => {
    if (event.kind !== 'heard') return;
    for (const [id, liar] of this.#liars)
      if (id === event.by.node || liar.mode === 'shared-key') this.#learn(liar, event.message);
  };

  /** Whether anybody could speak in any name: the messages of all are no evidence. */
  inAnyName(): boolean {
    return [...this.#liars.values()].some(({ mode }) => mode === 'shared-key');
  }

  #knownNow(): Interesting {
    const states = this.#runs().map(({ state }) => state());
    const addresses = states.flatMap((state) => Object.values(state.addresses));
    const associations = this.#spec.addresses.flatMap((ip) => this.#associationOf(ip) ?? []);
    return {
      matching: {
        'a node id': [...this.#ids, 'nobody'],
        'a session id': ['AAAAAAAAAAA', ...states.map(({ session }) => session)],
        'an IP address': [...this.#spec.addresses, '203.0.113.99'],
        // Some that operators have made, of other orders.
        'a proof': ['operator:1', 'operator:2', 'forged'],
      },
      texts: [
        ...this.#ids,
        ...associations,
        ...this.#spec.addresses.map((ip) => holderOf(this.#aws(), ip) ?? 'i-nobody'),
        'lent',
        'down',
        'stale-epoch',
        '0000000a',
      ],
      numbers: [
        0,
        ...addresses.map(({ epoch }) => epoch),
        ...states.map(({ incarnation }) => incarnation),
        ...states.map(({ pause }) => pause.version),
      ],
    };
  }

  #viewOf(self: NodeId, ballotsOf: LiarView['ballotsOf']): LiarView {
    const states = (): ReturnType<RunView['state']>[] => this.#runs().map(({ state }) => state());
    return {
      self,
      others: this.#ids.filter((id) => id !== self),
      candidates: this.#candidates,
      addresses: this.#spec.addresses,
      known: this.#knownNow(),
      epochOf: (ip) => Math.max(0, ...states().map(({ addresses }) => addresses[ip]?.epoch ?? 0)),
      association: (ip) => {
        const id = this.#associationOf(ip);
        return id === null ? null : { id, instanceId: holderOf(this.#aws(), ip) ?? '' };
      },
      incarnationOf: (id) => states().find(({ config }) => config.node.id === id)?.incarnation ?? 0,
      answered: (ip) =>
        states()
          .flatMap(({ addresses }) => addresses[ip]?.episode.answered ?? [])
          .find((one) => one !== '') ?? '',
      ballotsOf,
      withheld: this.#withheld.get(self) ?? NOTHING_WITHHELD,
    };
  }

  #withheldBy(id: NodeId): WithheldOrders {
    const orders = this.#withheld.get(id) ?? createWithheld();
    this.#withheld.set(id, orders);
    return orders;
  }

  /** Requests that its process hasn't made, as long as it lies. */
  #speakOn(id: NodeId, liar: Liar, goesOn: () => boolean): void {
    this.#queue.after(liar.gapMs(), () => {
      if (!goesOn()) return;
      const message = this.#speaks(id) ? liar.another() : null;
      if (message !== null) this.#send(id, liar, message);
      this.#speakOn(id, liar, goesOn);
    });
  }

  #send(from: NodeId, liar: Liar, message: Envelope): void {
    const { to } = message;
    this.#network.request({
      from,
      to,
      route: '/v1/gossip',
      bytes: encodeMessage(message),
      fresh: false,
      until: this.#queue.now() + TIMEOUT_MS,
      done: (result) => {
        const answer = result.kind === 'response' ? decodeMessage(result.bytes) : null;
        if (answer?.kind === 'message') this.#learn(liar, answer.message);
      },
    });
  }

  #learn(liar: Liar, { from, payload }: Envelope): void {
    if (payload.ballots !== undefined) liar.asked(from, payload.ballots);
  }
}
