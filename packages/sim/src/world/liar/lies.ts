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
import { createLiar, type Liar, type LiarMode, type Manner } from './liar.ts';
import type { LiarView } from './strategies.ts';

export interface Lies {
  /** What a node's message becomes on its way out. */
  readonly forged: (from: NodeId, message: Envelope) => Envelope;
  /** What an answer that reaches a node means to it. */
  readonly meant: (to: NodeId, message: Envelope) => Envelope;
  /** What the node says is bent in this one way from now on; null: no more. */
  forge(id: NodeId, lie: Lie | null): void;
  /** What a node shows to operators who ask it. */
  readonly shown: (id: NodeId, status: StatusView) => StatusView;
  /** Whether it keeps the order that it is given, and nobody else has it. */
  readonly withholds: (id: NodeId, command: Command) => boolean;
  /** The node lies from now on. What it returns ends that. */
  lie(id: NodeId, mode: LiarMode, manner: Manner, seed: number): () => void;
  /** Whether that node lies or has lied for itself alone: nothing that it says is evidence. */
  isLiar(id: NodeId): boolean;
  /** Whether anybody could speak in any name: the messages of all are no evidence. */
  inAnyName(): boolean;
  readonly watch: Watcher;
}

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

export function createLies({ spec, queue, network, aws, runs, speaks }: LiesDependencies): Lies {
  const forgers = new Map<NodeId, Forger>();
  const records = new Map<NodeId, NodeRecord>();
  const liars = new Map<NodeId, Liar>();
  /** Who shows operators what isn't so, and what they have signed upon it. */
  const withheld = new Map<NodeId, WithheldOrders>();

  const associationOf = (ip: Ip): string | null => aws().addresses.get(ip)?.association?.id ?? null;
  const ids = spec.nodes.map(({ id }) => id);
  const candidates = spec.nodes.flatMap(({ id, role }) => (role === 'candidate' ? [id] : []));

  function knownNow(): Interesting {
    const states = runs().map(({ state }) => state());
    const addresses = states.flatMap((state) => Object.values(state.addresses));
    const associations = spec.addresses.flatMap((ip) => associationOf(ip) ?? []);
    return {
      matching: {
        'a node id': [...ids, 'nobody'],
        'a session id': ['AAAAAAAAAAA', ...states.map(({ session }) => session)],
        'an IP address': [...spec.addresses, '203.0.113.99'],
        // Some that operators have made, of other orders.
        'a proof': ['operator:1', 'operator:2', 'forged'],
      },
      texts: [
        ...ids,
        ...associations,
        ...spec.addresses.map((ip) => holderOf(aws(), ip) ?? 'i-nobody'),
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

  function viewOf(self: NodeId, ballotsOf: LiarView['ballotsOf']): LiarView {
    const states = (): ReturnType<RunView['state']>[] => runs().map(({ state }) => state());
    return {
      self,
      others: ids.filter((id) => id !== self),
      candidates,
      addresses: spec.addresses,
      known: knownNow(),
      epochOf: (ip) => Math.max(0, ...states().map(({ addresses }) => addresses[ip]?.epoch ?? 0)),
      association(ip) {
        const id = associationOf(ip);
        return id === null ? null : { id, instanceId: holderOf(aws(), ip) ?? '' };
      },
      incarnationOf: (id) => states().find(({ config }) => config.node.id === id)?.incarnation ?? 0,
      answered: (ip) =>
        states()
          .flatMap(({ addresses }) => addresses[ip]?.episode.answered ?? [])
          .find((one) => one !== '') ?? '',
      ballotsOf,
      withheld: withheldBy(self),
    };
  }

  function withheldBy(id: NodeId): WithheldOrders {
    const orders = withheld.get(id) ?? createWithheld();
    withheld.set(id, orders);
    return orders;
  }

  /** Requests that its process hasn't made, as long as it lies. */
  function speakOn(id: NodeId, liar: Liar, goesOn: () => boolean): void {
    queue.after(liar.gapMs(), () => {
      if (!goesOn()) return;
      const message = speaks(id) ? liar.another() : null;
      if (message !== null) send(id, liar, message);
      speakOn(id, liar, goesOn);
    });
  }

  function send(from: NodeId, liar: Liar, message: Envelope): void {
    const { to } = message;
    network.request({
      from,
      to,
      route: '/v1/gossip',
      bytes: encodeMessage(message),
      fresh: false,
      until: queue.now() + TIMEOUT_MS,
      done(result) {
        const answer = result.kind === 'response' ? decodeMessage(result.bytes) : null;
        if (answer?.kind === 'message') learn(liar, answer.message);
      },
    });
  }

  function learn(liar: Liar, { from, payload }: Envelope): void {
    if (payload.ballots !== undefined) liar.asked(from, payload.ballots);
  }

  const inAnyName = (): boolean => [...liars.values()].some(({ mode }) => mode === 'shared-key');

  return {
    forged(from, message) {
      const { node } = message.payload;
      if (node !== undefined) records.set(from, node);
      const honest = forgers.get(from)?.(message, records.get(from)) ?? message;
      let told = honest;
      for (const [id, liar] of liars) if (id === from || liar.mode === 'shared-key') told = liar.forged(told);
      return told;
    },
    meant: (to, message) => liars.get(to)?.meant(message) ?? message,
    forge(id, lie) {
      if (lie === null) forgers.delete(id);
      else forgers.set(id, createForger(lie, associationOf, withheldBy(id)));
      if (lie !== 'withheld-orders') withheld.delete(id);
    },
    shown: (id, status) => (withheld.has(id) ? inflated(status) : status),
    withholds(id, command) {
      const orders = withheld.get(id);
      orders?.keep(command);
      return orders !== undefined;
    },
    lie(id, mode, manner, seed) {
      const liar = createLiar({
        mode,
        manner,
        record: records.get(id),
        signed: spec.settings.identities,
        random: createRandom(seed),
        now: queue.now,
        view: (self, ballotsOf) => viewOf(self, ballotsOf),
      });
      let lies = true;
      liars.set(id, liar);
      if (mode === 'identities' && spec.settings.identities) withheldBy(id);
      if (mode === 'identities') speakOn(id, liar, () => lies && liars.get(id) === liar);
      return () => {
        lies = false;
        liar.fallSilent();
      };
    },
    isLiar: (id) => liars.get(id)?.mode === 'identities',
    inAnyName,
    watch(event) {
      if (event.kind !== 'heard') return;
      for (const [id, liar] of liars)
        if (id === event.by.node || liar.mode === 'shared-key') learn(liar, event.message);
    },
  };
}
