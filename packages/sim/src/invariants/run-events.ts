/**
 * How each event of a run adds to its history. A standstill empties what counts only afresh, whether the run has noticed
 * it or not.
 */
import type { Envelope, Ip, NodeId } from '@failtome/protocol';
import type { EventOf, FactOf, JudgedEvent, RunView } from './events.ts';
import { isAwaited, wordAfter } from './peer-words.ts';
import { endOf, newestEnd, sinceOf, withBegun, withEnded, withKnownEnded } from './probes.ts';
import {
  type AddressHistory,
  addressOf,
  copyAddress,
  copyRun,
  counted,
  FIT_CHECKS,
  firstCallOf,
  newRunHistory,
  type RunHistory,
  type Shown,
  type UnknownCall,
  withEntry,
} from './run-history.ts';
import { shownBy } from './shown.ts';

const MAX_KEPT = 8;
/** However late, a node that runs takes an input in within this; later than that by `gossip.dead`, it stood still. */
const MAX_GAP_MS = 1_000;

/** The history of a run with one more event of its own. */
export function withEvent(history: RunHistory, event: JudgedEvent, nowMs: number): RunHistory {
  switch (event.kind) {
    case 'fact':
      return withFact(history, event, nowMs);
    case 'heard':
      return withHeard(history, event, nowMs);
    case 'judged':
      return event.status === 200 ? withCounted(history, event, nowMs) : history;
    case 'said': {
      const { v, re, to } = event.message;
      const wire = String(v);
      if (re !== null && wire === history.wire) return history;
      const after = copyRun(history);
      after.wire = wire;
      if (re === null)
        after.sendPaces = withEntry(history.sendPaces, to, counted(history.sendPaces[to], nowMs));
      return after;
    }
    case 'drive':
      return withCall(history, event, nowMs);
    case 'driven':
      return withAnswer(history, event, nowMs);
    case 'proof':
      return { ...history, proofs: [...history.proofs, { atMs: nowMs, ip: event.ip }].slice(-MAX_KEPT) };
    case 'local-check-began':
      return { ...history, local: withBegun(history.local, event.checkId, nowMs) };
    case 'local-checked':
      return withCheck(history, event, nowMs);
    case 'probe-began':
      return withAddress(history, event.address, {
        probes: withBegun(addressOf(history, event.address).probes, event.probeId, nowMs),
      });
    case 'paused':
      return { ...history, stoppedMs: nowMs };
    case 'resumed':
      return withResumed(history, event.by, nowMs);
    case 'started':
      return newRunHistory(nowMs);
    default:
      return history;
  }
}

function withAddress(history: RunHistory, ip: Ip, change: Partial<AddressHistory>): RunHistory {
  const after = copyRun(history);
  const address = Object.assign(copyAddress(addressOf(history, ip)), change);
  after.addresses = withEntry(history.addresses, ip, address);
  return after;
}

function withEachAddress(
  history: RunHistory,
  change: (address: AddressHistory) => AddressHistory,
): RunHistory {
  const entries = Object.entries(history.addresses).map(([ip, address]) => [ip, change(address)]);
  return { ...history, addresses: Object.fromEntries(entries) };
}

function withFact(history: RunHistory, { by, fact }: EventOf<'fact'>, nowMs: number): RunHistory {
  switch (fact.kind) {
    case 'stalled': {
      const stalled = withEachAddress(emptied(history), (address) => ({ ...address, probes: [] }));
      return { ...stalled, stalledMs: nowMs };
    }
    case 'started':
      return { ...history, pauseMs: by.state().pause.paused ? nowMs : null };
    case 'pause':
      return { ...history, pauseMs: fact.paused ? nowMs : null };
    case 'stopping':
      return { ...history, stopping: true };
    case 'duplicate-id':
      if (fact.peer === by.node) return history;
      return { ...history, duplicates: { ...history.duplicates, [fact.peer]: nowMs } };
    case 'configured':
      return withEachAddress(history, (address) => ({ ...address, blockedMs: null }));
    case 'probe':
      return withProbe(history, by, fact, nowMs);
    case 'verdict':
      return withAddress(history, fact.address, { downMs: fact.to === 'down' ? nowMs : null });
    case 'holder':
      return withHolder(history, by, fact, nowMs);
    case 'ballot-opened':
    case 'ballot-closed':
      return withBallot(history, by, fact, nowMs);
    case 'guard':
      return withAddress(history, fact.address, { guardedMs: fact.passed ? nowMs : null });
    case 'decided':
      return withAddress(history, fact.address, { decided: fact.reason });
    case 'concluded': {
      const { result, address, epoch } = fact.entry;
      return result === 'served' || result === 'moved'
        ? withAddress(history, address, { movedIn: epoch })
        : history;
    }
    case 'blocked':
      return withAddress(history, fact.address, { blockedMs: nowMs });
    default:
      return history;
  }
}

/** Nothing that was seen and agreed on before a standstill counts. */
function emptied(history: RunHistory): RunHistory {
  return withEachAddress({ ...history, proofs: [], local: [] }, (address) => ({
    ...address,
    downMs: null,
    won: null,
    guardedMs: null,
    openedDown: false,
  }));
}

function withResumed(history: RunHistory, by: RunView, nowMs: number): RunHistory {
  const { stoppedMs } = history;
  if (stoppedMs === null || nowMs - stoppedMs < by.config.gossip.deadMs + MAX_GAP_MS)
    return { ...history, stoppedMs: null };
  return { ...emptied(history), stoppedMs: null, stoodStillMs: nowMs };
}

function withProbe(history: RunHistory, by: RunView, fact: FactOf<'probe'>, nowMs: number): RunHistory {
  const { result, address: ip, probeId: id } = fact;
  const { probes, probedUp } = addressOf(history, ip);
  const timeoutMs = by.config.addresses.find((one) => one.ip === ip)?.probe.timeoutMs ?? 0;
  const after = withEnded(probes, { id, beganMs: nowMs - result.durationMs }, endOf(result, timeoutMs));
  const newest = newestEnd(after);
  return withAddress(history, ip, { probes: after, probedUp: newest === null ? probedUp : newest === 'ok' });
}

function withHolder(history: RunHistory, by: RunView, fact: FactOf<'holder'>, nowMs: number): RunHistory {
  const before = addressOf(history, fact.address);
  // Failures are those of the holder that they were seen of; nobody may hold it for a moment on the way.
  const isAnother = (before.holder ?? 'unknown') !== 'unknown' && fact.holder !== 'nobody';
  const since = by.state().addresses[fact.address]?.holder.at;
  const probes =
    isAnother && since !== undefined ? sinceOf(before.probes, by.worldTimeOf(since)) : before.probes;
  const otherwise = fact.holder === by.node ? {} : { heldMs: null, otherwiseMs: nowMs };
  const isReplaced = before.holder === by.node && fact.source === 'gossip' && fact.holder !== 'nobody';
  const replacedMs = isReplaced ? nowMs : before.replacedMs;
  return withAddress(history, fact.address, { holder: fact.holder, probes, replacedMs, ...otherwise });
}

function withBallot(
  history: RunHistory,
  by: RunView,
  fact: FactOf<'ballot-opened' | 'ballot-closed'>,
  nowMs: number,
): RunHistory {
  const state = by.state().addresses[fact.address];
  const { downMs, unknown } = addressOf(history, fact.address);
  if (fact.kind === 'ballot-opened')
    return withAddress(history, fact.address, {
      won: null,
      guardedMs: null,
      openedMs: nowMs,
      openedDown: downMs !== null,
      // Another attempt: it is agreed anew, and begins with a read.
      unknown: state?.move === null ? null : unknown,
    });
  const isWon = fact.result === 'won';
  const silent = state?.campaign?.won?.silent ?? [];
  return withAddress(history, fact.address, {
    won: isWon ? { epoch: fact.epoch, atMs: nowMs } : null,
    guardedMs: null,
    silence: isWon && silent.length > 0 ? { epoch: fact.epoch, silent, heard: null } : null,
  });
}

function withHeard(history: RunHistory, { by, message }: EventOf<'heard'>, nowMs: number): RunHistory {
  const { re, from, payload } = message;
  // What a run that was replaced says in a late answer proves that its host is reachable, and nothing more.
  const isReplaced = history.words[from]?.replaced.includes(message.session) === true;
  const takenIn = re !== null && !isReplaced;
  const after = copyRun(history);
  const word = wordAfter(history.words[from], message, takenIn, nowMs, { heardMs: nowMs });
  after.words = withEntry(history.words, from, word);
  const isAnswer = re !== null && isAwaited(by, re);
  if (isAnswer && payload.refused !== 'unknown-sender') after.heard = heardAt(history, from, nowMs);
  const known = withToldHolders(after, by, message, nowMs);
  return isAnswer ? withoutSilence(known, from) : known;
}

function heardAt({ heard }: RunHistory, from: NodeId, atMs: number): RunHistory['heard'] {
  return withEntry(heard, from, Math.max(heard[from] ?? 0, atMs));
}

/** A request of a peer was taken in. */
function withCounted(
  history: RunHistory,
  { by, request, readAtMs }: EventOf<'judged'>,
  nowMs: number,
): RunHistory {
  const { from } = request;
  const after = copyRun(history);
  const word = wordAfter(history.words[from], request, true, readAtMs, { heardMs: nowMs });
  after.words = withEntry(history.words, from, word);
  after.heard = heardAt(history, from, readAtMs);
  return withoutSilence(withToldHolders(after, by, request, readAtMs), from);
}

function withoutSilence(history: RunHistory, from: NodeId): RunHistory {
  const { addresses } = history;
  const isSilent = ({ silence }: AddressHistory): boolean => silence?.silent.includes(from) === true;
  if (!Object.values(addresses).some(isSilent)) return history;
  return withEachAddress(history, (address) =>
    address.silence !== null && isSilent(address)
      ? { ...address, silence: { ...address.silence, heard: from } }
      : address,
  );
}

/** A peer says that another node holds an address: a read that began before the peer saw that may be older. */
function withToldHolders(
  history: RunHistory,
  by: RunView,
  { payload }: Envelope,
  readMs: number,
): RunHistory {
  let after = history;
  for (const { ip, holder } of payload.node?.addresses ?? []) {
    if (holder === null || holder.node === by.node) continue;
    const seenMs = readMs - holder.ageMs;
    const { otherwiseMs } = addressOf(after, ip);
    if (otherwiseMs === null || otherwiseMs < seenMs) after = withAddress(after, ip, { otherwiseMs: seenMs });
  }
  return after;
}

/** One that took too long by the node's own slowness counts for nothing. */
function withCheck(
  history: RunHistory,
  { checkId, ok }: EventOf<'local-checked'>,
  nowMs: number,
): RunHistory {
  const after = copyRun(history);
  after.local = withKnownEnded(history.local, checkId, ok);
  if (ok === null) return after;
  if (ok) after.okChecks = Math.min(history.okChecks + 1, FIT_CHECKS);
  else after.failedCheckMs = nowMs;
  return after;
}

function withCall(history: RunHistory, event: EventOf<'drive'>, nowMs: number): RunHistory {
  const { address: ip, operation, callId } = event.effect;
  const address = addressOf(history, ip);
  const callPace = counted(address.callPace, nowMs);
  if (operation.op === 'read')
    return {
      ...withAddress(history, ip, { callPace }),
      reads: [...history.reads, { callId, address: ip, atMs: nowMs }],
    };
  if (operation.op === 'permit') return withAddress(history, ip, { callPace });
  const { unknown, replacedMs } = address;
  return withAddress(history, ip, {
    callPace,
    acceptedMs: null,
    replacedMs: operation.op === 'take' ? null : replacedMs,
    unknown: unknown !== null && unknown.reads.length > 0 ? null : unknown,
    begun: firstCallOf(history, event) ?? address.begun,
  });
}

function withAnswer(history: RunHistory, { effect, result }: EventOf<'driven'>, nowMs: number): RunHistory {
  const { address: ip, operation, callId } = effect;
  const { answer } = result;
  const begunMs = history.reads.find((read) => read.callId === callId)?.atMs ?? nowMs;
  const known: RunHistory = { ...history, reads: history.reads.filter((read) => read.callId !== callId) };
  const { unknown, shows, acceptedMs, otherwiseMs } = addressOf(history, ip);
  switch (answer.kind) {
    case 'read': {
      const shown = shownBy(answer.association, { beganMs: begunMs, atMs: nowMs }, shows);
      // What came while a read was on its way may be newer than what it shows.
      const isOvertaken = (otherwiseMs ?? Number.NEGATIVE_INFINITY) >= begunMs;
      return withAddress(known, ip, {
        // A read that was given up for another may be answered after it.
        shows: shows !== null && shows.beganMs > begunMs ? shows : shown,
        unknown: unknown === null ? null : withRead(unknown, shown),
        heldMs: shown.self && !isOvertaken ? nowMs : null,
        acceptedMs: shown.self ? (acceptedMs ?? nowMs) : acceptedMs,
      });
    }
    case 'taken':
      return withAddress(known, ip, {
        shows: {
          associationId: answer.associationId,
          self: true,
          beganMs: nowMs,
          sinceMs: nowMs,
          atMs: nowMs,
        },
        heldMs: nowMs,
        acceptedMs: acceptedMs ?? nowMs,
      });
    case 'released':
      return withAddress(known, ip, {
        shows: { associationId: null, self: false, beganMs: nowMs, sinceMs: nowMs, atMs: nowMs },
      });
    case 'unknown': {
      if (operation.op !== 'release' && operation.op !== 'take') return known;
      const op = operation.op === 'take' && operation.reassociate ? 'swap' : operation.op;
      const before = shows?.associationId ?? null;
      return withAddress(known, ip, { unknown: { op, atMs: nowMs, before, reads: [] } });
    }
    default:
      return known;
  }
}

/** A read that shows this node is proof. */
function withRead(unknown: UnknownCall, shown: Shown): UnknownCall | null {
  return shown.self ? null : { ...unknown, reads: [...unknown.reads, shown].slice(-MAX_KEPT) };
}
