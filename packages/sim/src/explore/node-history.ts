/**
 * What one node has been seen to do, kept beside its state and carried along every branch, and the invariants of
 * PROTOCOL.md that can be judged from it: I1, I2, I6, I7, I9, I11, I14, I16, I20 and the voter's half of I10. They are the
 * rules of `world/checks`, as functions of plain data; what takes more than one node to judge is claimed, and judged
 * in `verdicts.ts`.
 */
import {
  callTimeoutMs,
  type DriveEffect,
  type DurableAddress,
  decodeDocument,
  type Effect,
  type Envelope,
  type Fact,
  type Event as HostEvent,
  type Ip,
  type NodeId,
  type ProtocolConfig,
  REASONS,
  type State,
  TAKEOVER_SUBJECT,
} from '@failtome/protocol';

/** How long a way-out proof counts (PROTOCOL.md, "Observation"). */
const PROOF_LASTS_MS = 5_000;

export interface NodeHistory {
  /** When the outside answered, as long ago as it can matter. */
  readonly proofs: readonly number[];
  readonly addresses: Readonly<Record<Ip, Entry>>;
  /** What the last run had borrowed and may still use: a call of its own may yet land. */
  readonly lastRun: Readonly<Record<Ip, Leases>>;
  /** Messages on their way twice that have counted, as `session seq`. */
  readonly counted: readonly string[];
}

/** Per voter until when. */
export type Leases = Readonly<Record<NodeId, number>>;

export interface Entry {
  readonly down: boolean;
  readonly openedAt: number;
  readonly won: { readonly epoch: number; readonly openedAt: number } | null;
  readonly guarded: boolean;
  /** The association that the last read showed; a null id: nobody. */
  readonly reads: { readonly associationId: string | null; readonly self: boolean } | null;
  /** The last call that was answered with unknown, until a read. */
  readonly unknown: string | null;
  /** The epoch of the move whose first call has been seen. */
  readonly begun: number | null;
  readonly leases: Leases;
}

/** What is to be judged with all nodes in view, or is a violation by itself. */
export type Claim =
  | { readonly kind: 'violation'; readonly invariant: string; readonly detail: string }
  | { readonly kind: 'won'; readonly address: Ip; readonly epoch: number; readonly silent: boolean }
  | { readonly kind: 'first-call'; readonly address: Ip; readonly openedAt: number }
  | { readonly kind: 'seen-up'; readonly address: Ip; readonly sinceMs: number }
  | { readonly kind: 'told'; readonly address: Ip }
  | { readonly kind: 'counted-twice'; readonly message: Envelope };

interface Observed {
  readonly id: NodeId;
  readonly config: ProtocolConfig;
  readonly core: { readonly state: State };
  readonly disk: { readonly synced: string | null };
  readonly history: NodeHistory;
}

interface Waiting extends Observed {
  readonly pending: readonly {
    readonly id: number;
    readonly kind: string;
    readonly op?: string;
    readonly address?: Ip;
  }[];
}

export const NEW_HISTORY: NodeHistory = { proofs: [], addresses: {}, lastRun: {}, counted: [] };

const NEW_ENTRY: Entry = {
  down: false,
  openedAt: 0,
  won: null,
  guarded: false,
  reads: null,
  unknown: null,
  begun: null,
  leases: {},
};

/** The history of the run that follows a crash. */
export function historyOfNext({ addresses, lastRun }: NodeHistory): NodeHistory {
  const left = Object.entries(addresses).filter(([, { leases }]) => Object.keys(leases).length > 0);
  return {
    ...NEW_HISTORY,
    lastRun: { ...lastRun, ...Object.fromEntries(left.map(([ip, { leases }]) => [ip, leases])) },
  };
}

/** Everything that a node has borrowed and may still use. */
export function leasesOf({ addresses, lastRun }: NodeHistory, ip: Ip): readonly Leases[] {
  return [addresses[ip]?.leases, lastRun[ip]].filter((leases) => leases !== undefined);
}

/** What one event and the step that took it in add. */
export function historyAfter(
  node: Waiting,
  { event, ends, duplicated, t }: { event: HostEvent; ends: number; duplicated: boolean; t: number },
  { state, facts }: { readonly state: State; readonly facts: readonly Fact[] },
  claims: Claim[],
): NodeHistory {
  const book = openBook(node.history);
  if (event.kind === 'external-ip' && event.result.kind === 'address') book.proven(t);
  if (event.kind === 'driven') noteAnswer(book, node, ends, event.result.answer);
  if (duplicated && event.kind === 'received' && !facts.some(({ kind }) => kind === 'rejected'))
    book.count(event.message, claims);
  for (const fact of facts) noteFact(book, node.id, fact, state, t, claims);
  for (const { ip, campaign, move } of Object.values(state.addresses)) {
    const before = book.entry(ip).leases;
    const leases = campaign === null ? (move === null ? {} : before) : borrowed(campaign.answers);
    const left = Object.fromEntries(Object.entries(leases).filter(([, until]) => until > t));
    if (Object.keys(left).length + Object.keys(before).length > 0) book.note(ip, { leases: left });
  }
  return book.close(t);
}

/** What leaves the node: I6 of words and calls, and all that comes before a call. Returns the history with it. */
export function checkEffect(node: Observed, effect: Effect, t: number, claims: Claim[]): NodeHistory {
  if (effect.kind === 'send' || effect.kind === 'reply') checkWords(node, effect.message, claims);
  if (effect.kind === 'publish') {
    const kept = documentOf(node.disk.synced)?.outbox.some(({ message }) => message === effect.message);
    if (kept !== true) violate(claims, 'I6', `${node.id} publishes what isn't durable: ${effect.message}`);
    const [, ip] = /^Instance \S+ took over (\S+)/.exec(effect.message) ?? [];
    if (effect.subject === TAKEOVER_SUBJECT && ip !== undefined) claims.push({ kind: 'told', address: ip });
  }
  return effect.kind === 'drive' ? checkCall(node, effect, t, claims) : node.history;
}

interface Book {
  proven(t: number): void;
  entry(ip: Ip): Entry;
  note(ip: Ip, parts: Partial<Entry>): void;
  stalled(): void;
  concluded(ip: Ip): void;
  count(message: Envelope, claims: Claim[]): void;
  close(t: number): NodeHistory;
}

function openBook(history: NodeHistory): Book {
  let { proofs, addresses, lastRun, counted } = history;
  const entry = (ip: Ip): Entry => addresses[ip] ?? NEW_ENTRY;
  const note = (ip: Ip, parts: Partial<Entry>): void => {
    addresses = { ...addresses, [ip]: { ...entry(ip), ...parts } };
  };
  return {
    entry,
    note,
    proven(t) {
      proofs = [...proofs, t];
    },
    stalled() {
      proofs = [];
      for (const ip of Object.keys(addresses)) note(ip, { down: false, won: null, guarded: false });
    },
    concluded(ip) {
      const { [ip]: _, ...others } = lastRun;
      lastRun = others;
    },
    count(message, claims) {
      const key = `${message.session} ${message.seq}`;
      if (counted.includes(key)) claims.push({ kind: 'counted-twice', message });
      else counted = [...counted, key];
    },
    close(t) {
      const fresh = proofs.filter((at) => t - at <= 2 * PROOF_LASTS_MS);
      if (fresh.length < proofs.length) proofs = fresh;
      const same =
        proofs === history.proofs &&
        addresses === history.addresses &&
        lastRun === history.lastRun &&
        counted === history.counted;
      return same ? history : { proofs, addresses, lastRun, counted };
    },
  };
}

function noteAnswer(
  book: Book,
  node: Waiting,
  ends: number,
  answer: Extract<HostEvent, { kind: 'driven' }>['result']['answer'],
): void {
  const call = node.pending.find(({ id }) => id === ends);
  if (call?.address === undefined) return;
  if (answer.kind === 'read') {
    const { association } = answer;
    const reads =
      association.kind === 'none'
        ? { associationId: null, self: false }
        : { associationId: association.associationId, self: association.self };
    book.note(call.address, { unknown: null, reads });
  } else if (answer.kind === 'unknown' && (call.op === 'release' || call.op === 'take'))
    book.note(call.address, { unknown: call.op });
  else if (answer.kind === 'released')
    book.note(call.address, { reads: { associationId: null, self: false } });
}

function noteFact(book: Book, by: NodeId, fact: Fact, state: State, t: number, claims: Claim[]): void {
  switch (fact.kind) {
    case 'stalled':
      return book.stalled();
    case 'verdict':
      book.note(fact.address, { down: fact.to === 'down' });
      if (fact.to === 'down') checkProof(book, by, fact.address, state, t, claims);
      return;
    case 'probe':
      if (fact.result.kind === 'ok')
        claims.push({ kind: 'seen-up', address: fact.address, sinceMs: t - fact.result.durationMs });
      return;
    case 'ballot-opened':
      return book.note(fact.address, { won: null, guarded: false, openedAt: t });
    case 'ballot-closed': {
      const { openedAt } = book.entry(fact.address);
      const won = fact.result === 'won' ? { epoch: fact.epoch, openedAt } : null;
      book.note(fact.address, { won, guarded: false });
      if (won !== null) claimWon(by, fact.address, fact.epoch, state, claims);
      return;
    }
    case 'guard':
      return book.note(fact.address, { guarded: fact.passed });
    case 'voted':
      if (fact.reason === 'down' && state.addresses[fact.address]?.verdict !== 'down')
        violate(claims, 'I10', `${by} says down of ${fact.address}, which it doesn't see down`);
      return;
    case 'decided':
      if (!REASONS.includes(fact.reason))
        violate(claims, 'I20', `${by} decided without a known reason: ${fact.reason}`);
      return;
    case 'concluded':
      if (fact.entry.result === 'served' || fact.entry.result === 'moved') book.concluded(fact.entry.address);
      return;
    default:
      return;
  }
}

function claimWon(by: NodeId, ip: Ip, epoch: number, state: State, claims: Claim[]): void {
  const campaign = state.addresses[ip]?.campaign;
  const silent = (campaign?.won?.silent.length ?? 0) > 0;
  claims.push({ kind: 'won', address: ip, epoch, silent });
  if (campaign?.mode !== 'takeover') return;
  const given = Object.values(campaign.answers);
  const down = given.filter(({ answer, reason }) => answer === 'grant' && reason === 'down').length;
  const up = given.filter(({ reason }) => reason === 'up').length;
  if (down * 2 <= down + up)
    violate(claims, 'I10', `${by} won epoch ${epoch} of ${ip} with ${down} down and ${up} up`);
}

/** I2 */
function checkProof(book: Book, by: NodeId, ip: Ip, state: State, t: number, claims: Claim[]): void {
  const last = state.addresses[ip]?.series.last;
  if (last == null) return violate(claims, 'I2', `${by} sees ${ip} down without a probe`);
  const { proofs } = book.close(t);
  const newest = proofs.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (!proofs.some((at) => at <= last.startedAt) || t - newest > PROOF_LASTS_MS)
    violate(
      claims,
      'I2',
      `${by} sees ${ip} down by a probe from ${last.startedAt}, its proofs are from ${proofs.join(', ')}`,
    );
}

function checkCall(
  node: Observed,
  { address: ip, operation }: DriveEffect,
  t: number,
  claims: Claim[],
): NodeHistory {
  const { history } = node;
  if (operation.op === 'read' || operation.op === 'permit') return history;
  const { state } = node.core;
  const move = state.addresses[ip]?.move;
  const entry = history.addresses[ip] ?? NEW_ENTRY;
  const what = `${node.id} calls ${operation.op} of ${ip}`;
  const fail = (invariant: string, why: string): void => violate(claims, invariant, `${what}${why}`);
  if (move == null) {
    fail('I1', ' without a move');
    return history;
  }
  if (documentOf(node.disk.synced)?.addresses.find((one) => one.ip === ip)?.intent == null)
    fail('I6', ' without a durable intent');
  if (entry.unknown !== null) fail('I14', ` after ${entry.unknown} was answered with unknown`);
  if (operation.op === 'release' && operation.associationId !== entry.reads?.associationId)
    fail('I11', `, association ${operation.associationId}, but read ${entry.reads?.associationId}`);
  if (operation.op === 'take' && operation.reassociate && !(move.mode === 'handover' && move.consent))
    fail('I11', ' with reassociation, without consent');
  if (entry.reads?.self === true) fail('I9', ', which it holds');
  const takesApart = operation.op === 'release' || operation.reassociate;
  const leftMs = move.leaseUntil - t;
  const neededMs = (operation.op === 'release' ? 2 : 1) * callTimeoutMs(node.config);
  if (takesApart && leftMs < neededMs)
    fail('I7', ` with ${leftMs} ms left of its leases, ${neededMs} needed`);
  if (takesApart && state.local.fit !== 'fit') fail('I9', `, itself ${state.local.fit}`);
  if (move.duty || entry.begun === move.epoch) return history;
  if (move.mode === 'takeover') checkFirstCall(node, ip, move.epoch, entry, t, fail, claims);
  return { ...history, addresses: { ...history.addresses, [ip]: { ...entry, begun: move.epoch } } };
}

/** I1, I9 and I16 of an automatic move; I10 and I15 are claimed. */
function checkFirstCall(
  node: Observed,
  ip: Ip,
  epoch: number,
  entry: Entry,
  t: number,
  fail: (invariant: string, why: string) => void,
  claims: Claim[],
): void {
  const { state } = node.core;
  if (!entry.down) fail('I1', ' without its own verdict');
  if (entry.won?.epoch !== epoch) return fail('I1', ` without agreement on epoch ${epoch}`);
  if (!entry.guarded) fail('I1', ' without a guard');
  if (state.addresses[ip]?.series.last?.ok === true) fail('I1', ', though its last probe succeeded');
  if (node.history.proofs.every((at) => t - at > PROOF_LASTS_MS + callTimeoutMs(node.config)))
    fail('I9', ' without a way out');
  const { pause, now } = state;
  if (pause.paused && (pause.until === null || now.wall < pause.until)) fail('I16', ' while paused');
  claims.push({ kind: 'first-call', address: ip, openedAt: entry.won.openedAt });
}

function checkWords({ id, disk }: Observed, { payload }: Envelope, claims: Claim[]): void {
  const lending = payload.answers?.filter(({ leaseMs }) => leaseMs > 0) ?? [];
  if (lending.length === 0 && payload.ballots === undefined) return;
  const known = (ip: Ip): DurableAddress | undefined =>
    documentOf(disk.synced)?.addresses.find((one) => one.ip === ip);
  for (const { address, epoch, candidate } of lending) {
    const at = known(address);
    const kept = at?.lent == null || at.lent.candidate === candidate || at.lent.epoch > epoch;
    if (at === undefined || at.epoch < epoch || !kept)
      violate(claims, 'I6', `${id} lends its lease of ${epoch} to ${candidate} before it is written`);
  }
  for (const { address, epoch } of payload.ballots ?? []) {
    if ((known(address)?.epoch ?? -1) < epoch)
      violate(claims, 'I6', `${id} asks for epoch ${epoch} before its own lease is written`);
  }
}

function borrowed(answers: Readonly<Record<NodeId, { answer: string; leaseUntil: number }>>): Leases {
  const lent = Object.entries(answers).filter(([, { answer }]) => answer === 'grant' || answer === 'blind');
  return Object.fromEntries(lent.map(([voter, { leaseUntil }]) => [voter, leaseUntil]));
}

type Document = Extract<ReturnType<typeof decodeDocument>, { kind: 'document' }>['document'];
const MAX_DOCUMENTS = 2_000;
const documents = new Map<string, Document | null>();

/** What a crash would leave; the same text is read once. */
function documentOf(text: string | null): Document | null {
  if (text === null) return null;
  const before = documents.get(text);
  if (before !== undefined) return before;
  const decoded = decodeDocument(text);
  const document = decoded.kind === 'document' ? decoded.document : null;
  if (documents.size >= MAX_DOCUMENTS) documents.clear();
  documents.set(text, document);
  return document;
}

function violate(claims: Claim[], invariant: string, detail: string): void {
  claims.push({ kind: 'violation', invariant, detail });
}
