/** What the commands show of an agent's views, read from whatever version of it answers. */
import type { DurationMs, Ip, NodeId } from '@failtome/protocol';
import { type Fields, fieldsOf, listOf, numberOf, textOf, textsOf } from './fields.ts';
import { type StoreRow, storeOf } from './store-row.ts';

/** A node, as its agent or a peer's shows it. */
export interface NodeRow {
  readonly id: NodeId;
  readonly role: string;
  /** `this node`, or what this node thinks of the peer. */
  readonly state: string;
  readonly fit: string;
  /** Its running preflight holds; null where it isn't known. */
  readonly ready: boolean | null;
  /** Whether it could take an address now, in a word: see `readinessOf`. */
  readonly readiness: string;
  /** What would stand in the way. */
  readonly because: readonly string[];
  readonly problems: readonly string[];
  readonly lastHeardMs: DurationMs | null;
  readonly version: string;
  readonly electorate: string;
  /** The digests of the keys that are configured for it where it is asked. */
  readonly identities: readonly string[];
  readonly verdicts: readonly VerdictRow[];
}

/** What a node thinks of an address. */
export interface VerdictRow {
  readonly ip: Ip;
  readonly verdict: string;
  readonly ageMs: DurationMs | null;
}

/** What a voter answered. */
export interface VoteRow {
  readonly voter: NodeId;
  readonly answer: string;
  readonly reason: string;
}

/** The node that an address belongs to. */
export interface HomeRow {
  /** Empty: it has none, or it isn't told. */
  readonly node: NodeId;
  readonly isThere: boolean;
  /** What it waits for, while it is away. */
  readonly because: string;
}

/** An address, as an agent sees it. */
export interface AddressRow {
  readonly ip: Ip;
  /** In a word; empty where it isn't told. */
  readonly protection: string;
  /** Who would take it now, or takes it; empty: nobody, or it isn't told. */
  readonly next: string;
  /** What stands in the way of its protection. */
  readonly obstacles: readonly string[];
  readonly holder: string;
  readonly home: HomeRow;
  readonly verdict: string;
  readonly ageMs: DurationMs | null;
  readonly holdDownMs: DurationMs;
  readonly outcome: string;
  readonly reason: string;
  /** Why the arbiter would lend nothing; empty: it would, or there is none. */
  readonly arbiter: string;
  readonly votes: readonly VoteRow[];
}

/** Whether and why automatic moves are paused. */
export interface PauseRow {
  readonly paused: boolean;
  /** The node that was asked for it; empty where it isn't told. */
  readonly by: NodeId;
  readonly owner: string;
  readonly reason: string;
  readonly until: number | null;
  readonly version: number;
  readonly stored: readonly NodeId[];
  readonly needed: number;
}

/** A handover, and what has become of it. */
export interface HandoverRow {
  readonly id: string;
  readonly address: Ip;
  readonly to: NodeId;
  readonly state: string;
  readonly detail: string;
  readonly by: string;
  readonly reason: string;
  /** Null where it isn't told. */
  readonly until: number | null;
}

/** All that `/v1/status` shows. */
export interface StatusRow {
  readonly version: string;
  readonly cluster: string;
  readonly self: NodeRow;
  readonly peers: readonly NodeRow[];
  readonly addresses: readonly AddressRow[];
  readonly pause: PauseRow;
  readonly handovers: readonly HandoverRow[];
  /** How it authenticates messages; empty where it isn't told. */
  readonly auth: string;
  /** The digest of its own key; empty where it has none. */
  readonly identity: string;
  /** Of what has to be the same on every node; empty where it isn't told. */
  readonly configDigest: string;
  /** Its wall clock; null where it isn't told. */
  readonly wall: number | null;
  /** The end of its certificate; null where it has none. */
  readonly certificateUntil: number | null;
  readonly store: StoreRow | null;
}

/** Reads an answer of `/v1/status`; what is missing has a plain stand-in. */
export function statusOf(json: unknown): StatusRow {
  const status = fieldsOf(json);
  const addresses = listOf(status.addresses).map(fieldsOf);
  const node = fieldsOf(status.node);
  const told = addresses.flatMap((address) => viewsOf(address));
  return {
    version: textOf(status.version),
    cluster: textOf(status.cluster),
    self: {
      ...nodeOf(node, told),
      state: 'this node',
      lastHeardMs: 0,
      version: textOf(status.version),
      electorate: textOf(fieldsOf(status.electorate).digest),
    },
    peers: listOf(status.peers).map((peer) => nodeOf(fieldsOf(peer), told)),
    addresses: addresses.map(addressOf),
    pause: pauseOf(status.pause),
    handovers: handoversOf(status.handovers),
    auth: textOf(status.auth),
    identity: textOf(status.identity),
    configDigest: textOf(status.configDigest),
    wall: numberOf(status.at),
    certificateUntil: numberOf(fieldsOf(status.tls).validUntil),
    store: storeOf(status.store),
  };
}

/** What a node says of an address. */
interface ToldVerdict extends VerdictRow {
  readonly node: NodeId;
}

function viewsOf(address: Fields): readonly ToldVerdict[] {
  return listOf(address.views).map((entry) => {
    const view = fieldsOf(entry);
    return { ...verdictOf(view), ip: textOf(address.ip), node: textOf(view.node) };
  });
}

function nodeOf(node: Fields, told: readonly ToldVerdict[]): NodeRow {
  const id = textOf(node.id);
  return {
    id,
    role: textOf(node.role, '-'),
    state: textOf(node.state, 'unknown'),
    fit: textOf(node.fit, 'unknown'),
    ready: typeof node.ready === 'boolean' ? node.ready : null,
    readiness: readinessOf(node),
    because: becauseOf(node),
    problems: textsOf(node.problems),
    lastHeardMs: numberOf(node.lastHeardMs),
    version: textOf(node.version, '-'),
    electorate: textOf(node.electorate),
    identities: textsOf(node.identities),
    verdicts: told.filter((view) => view.node === id),
  };
}

/** An agent of before told only whether its preflight holds. */
function readinessOf({ readiness, ready }: Fields): string {
  const word = textOf(fieldsOf(readiness).word);
  if (word !== '') return word;
  return typeof ready === 'boolean' ? (ready ? 'ready' : 'not-ready') : 'unknown';
}

function becauseOf({ readiness, problems }: Fields): readonly string[] {
  const told = fieldsOf(readiness).because;
  return told === undefined ? textsOf(problems) : textsOf(told);
}

function verdictOf(address: Fields): VerdictRow {
  return {
    ip: textOf(address.ip),
    verdict: textOf(address.verdict, 'unknown'),
    ageMs: numberOf(address.ageMs),
  };
}

function addressOf(address: Fields): AddressRow {
  const protection = fieldsOf(address.protection);
  return {
    ...verdictOf(address),
    protection: textOf(protection.state),
    next: textOf(protection.next ?? address.next),
    obstacles: textsOf(protection.reasons),
    holder: holderOf(fieldsOf(address.holder)),
    home: homeOf(fieldsOf(address.home)),
    holdDownMs: numberOf(address.holdDownMs) ?? 0,
    outcome: textOf(address.outcome),
    reason: textOf(address.decision),
    arbiter: textOf(address.arbiter),
    votes: votesOf(fieldsOf(address.ballot)),
  };
}

/** The answers come as `grant: down`, by voter. */
function votesOf(ballot: Fields): readonly VoteRow[] {
  return Object.entries(fieldsOf(ballot.answers)).map(([voter, said]) => {
    const [answer = 'unknown', reason = ''] = textOf(said).split(': ');
    return { voter, answer, reason };
  });
}

function holderOf({ kind, node, instanceId }: Fields): string {
  switch (kind) {
    case 'node':
      return textOf(node, 'unknown');
    case 'none':
      return 'nobody';
    case 'other':
      return `another instance${textOf(instanceId) === '' ? '' : ` (${textOf(instanceId)})`}`;
    default:
      return 'unknown';
  }
}

/** Where an address stands with its home. */
export function homeOf({ node, word, because }: Fields): HomeRow {
  return { node: textOf(node), isThere: word === 'home', because: textOf(because) };
}

/** Handovers, as a view lists them. */
export function handoversOf(json: unknown): readonly HandoverRow[] {
  return listOf(json).map((item) => {
    const { id, address, to, state, detail, by, reason, until } = fieldsOf(item);
    return {
      id: textOf(id),
      address: textOf(address),
      to: textOf(to),
      state: textOf(state),
      detail: textOf(detail),
      by: textOf(by, '-'),
      reason: textOf(reason),
      until: numberOf(until),
    };
  });
}

function pauseOf(json: unknown): PauseRow {
  const pause = fieldsOf(json);
  return {
    paused: pause.paused === true,
    by: textOf(pause.by),
    owner: textOf(pause.owner),
    reason: textOf(pause.reason),
    until: numberOf(pause.until),
    version: numberOf(pause.version) ?? 0,
    stored: textsOf(pause.stored),
    needed: numberOf(pause.needed) ?? 1,
  };
}

/** One entry of a node's history. */
export interface HistoryRow {
  readonly id: string;
  /** Who tells it. */
  readonly node: NodeId;
  readonly kind: string;
  readonly address: Ip;
  readonly from: string;
  readonly to: string;
  readonly result: string;
  readonly reason: string;
  /** The ballot's; 0: not known. */
  readonly epoch: number;
  readonly at: number;
  readonly steps: readonly { readonly step: string; readonly durationMs: DurationMs }[];
  readonly requestIds: readonly string[];
}

/** @param node whose history it is; what it concluded itself names nobody else */
export function historyOf(json: unknown, node: NodeId): readonly HistoryRow[] {
  return listOf(json).map((item) => {
    const entry = fieldsOf(item);
    return {
      id: textOf(entry.id),
      node: textOf(entry.node, node),
      kind: textOf(entry.kind),
      address: textOf(entry.address),
      from: textOf(entry.from, '-'),
      to: textOf(entry.to, '-'),
      result: textOf(entry.result),
      reason: textOf(entry.reason),
      epoch: numberOf(entry.epoch) ?? 0,
      at: numberOf(entry.at) ?? Number.NaN,
      steps: listOf(entry.steps).map((step) => {
        const fields = fieldsOf(step);
        return { step: textOf(fields.step), durationMs: numberOf(fields.durationMs) ?? 0 };
      }),
      requestIds: textsOf(entry.requestIds),
    };
  });
}
