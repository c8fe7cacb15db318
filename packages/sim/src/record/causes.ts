/**
 * What led to a record: the inputs of the step it was made in, what its node had come to know before, the sending of
 * what arrived, and the faults that were there. Each kind of record knows what it can follow from.
 */
import type { Fact } from '@failtome/protocol';
import { messageKind, type RecordedRun, type TraceRecord } from './records.ts';

type Records = RecordedRun['records'];
type Test = (record: TraceRecord) => boolean;
type FactRecord = Extract<TraceRecord, { kind: 'fact' }>;

/** More than this nobody reads. */
export const MAX_CAUSES = 32;
/** How far back one cause is looked for. */
const MAX_BACK = 50_000;
const MAX_DEPTH = 14;
/** How many probes make a verdict, at most, for people. */
const MAX_PROBES = 3;

/**
 * The records that led to one of them, oldest first, itself not among them.
 *
 * @param index of the record in `records`
 */
export function causesOf(records: Records, index: number, most: number = MAX_CAUSES): readonly number[] {
  const seen = new Set<number>([index]);
  let edge: readonly number[] = [index];
  for (let depth = 0; depth < MAX_DEPTH && edge.length > 0; depth += 1) {
    const next: number[] = [];
    for (const at of edge) {
      for (const cause of directCauses(records, at)) {
        if (seen.has(cause) || seen.size > most) continue;
        seen.add(cause);
        next.push(cause);
      }
    }
    edge = next;
  }
  seen.delete(index);
  return [...seen].sort((a, b) => a - b).map((at) => records[at]?.n ?? 0);
}

/** Where a search looks: everything before one record. */
interface Past {
  readonly records: Records;
  readonly index: number;
  readonly record: TraceRecord;
}

/** Indices of what a record follows from at once. */
function directCauses(records: Records, index: number): readonly number[] {
  const record = records[index];
  if (record === undefined) return [];
  const past: Past = { records, index, record };
  switch (record.kind) {
    case 'violation':
      return causesOfViolation(past, record.detail, record.invariant);
    case 'fact':
      return causesOfFact(past, record);
    case 'arrived':
      return last(past, (one) => one.kind === 'sent' && one.msg === record.msg);
    case 'lost':
      return [...last(past, (one) => one.kind === 'sent' && one.msg === record.msg), ...openFaults(past)];
    case 'sent':
      return causesOfSent(past, record);
    case 'process':
    case 'haproxy':
      return orElse(inStep(past, isDoing), openFaults(past, record.who));
    case 'owner':
      return orElse(
        inStep(past, ({ kind }) => kind === 'association' || kind === 'process' || kind === 'haproxy'),
        [...inStep(past, isDoing), ...last(past, ({ kind }) => kind === 'association')],
      );
    case 'association':
      return last(past, (one) => one.kind === 'called' && one.who === record.by && isMove(one.action));
    case 'called':
      return lastFact(past, record.who, ['decided', 'guard', 'step', 'ballot-closed']);
    case 'call-ended':
      return last(past, (one) => one.kind === 'called' && one.call === record.call);
    case 'published':
      return lastFact(past, record.who, ['concluded', 'blocked']);
    case 'order-answered':
      return last(past, (one) => one.kind === 'order' && one.order === record.order);
    case 'fault-ended':
      return last(past, (one) => one.kind === 'fault' && one.fault === record.fault);
    case 'fault':
    case 'order':
      return [];
    default:
      return orElse(inStep(past, isTelling), inputsOf(past));
  }
}

function causesOfViolation(past: Past, detail: string, invariant: string): readonly number[] {
  const here = inStep(
    past,
    (one) => isTelling(one) || one.kind === 'arrived' || one.kind === 'called' || isDoing(one),
  );
  const named = lanesIn(past.records).filter((who) => mentions(detail, who));
  const whose = named.length > 0 && !invariant.startsWith('L') ? named : lanesIn(past.records);
  const states = whose.flatMap((who) => [
    ...lastFact(past, who, ['decided']),
    ...lastFact(past, who, ['ballot-closed', 'voted', 'verdict', 'concluded', 'step']),
    ...ailing(past, who),
  ]);
  return [...here, ...states, ...last(past, ({ kind }) => kind === 'owner'), ...openFaults(past)];
}

function causesOfFact(past: Past, { who, fact }: FactRecord): readonly number[] {
  switch (fact.kind) {
    case 'verdict':
      return [
        ...probesBefore(past, who, fact.address),
        ...lastFact(past, who, ['way-out']),
        ...inputsOf(past),
      ];
    case 'probe':
      return fact.result.kind === 'ok' ? [] : causesOfSilence(past, fact.address);
    case 'local':
      return [...last(past, (one) => one.kind === 'haproxy' && one.who === who), ...openFaults(past, who)];
    case 'ballot-opened':
      return lastFact(past, who, ['verdict', 'handover']);
    case 'voted':
      return [...arrivals(past), ...lastFact(past, who, ['verdict'])];
    case 'ballot-closed': {
      const { epoch } = fact;
      const answers = allFacts(
        past,
        who,
        (one) => one.kind === 'ballot-answered' && one.answer.epoch === epoch,
      );
      const opened = allFacts(past, who, (one) => one.kind === 'ballot-opened' && one.epoch === epoch);
      return [...answers, ...opened, ...arrivals(past), ...lastFact(past, who, ['peer'])];
    }
    case 'guard':
      return lastFact(past, who, ['ballot-closed']);
    case 'decided':
      return orElse(
        inStep(past, (one) => isTelling(one) && one.kind === 'fact' && one.who === who),
        [...arrivals(past), ...lastFact(past, who, ['verdict', 'ballot-closed', 'guard', 'step'])],
      );
    case 'step':
      return [...inputsOf(past), ...lastFact(past, who, ['step']), ...lastFact(past, who, ['guard'])];
    case 'concluded':
      return [...inputsOf(past), ...lastFact(past, who, ['step']), ...lastFact(past, who, ['ballot-closed'])];
    case 'blocked':
    case 'readiness':
      return lastFact(past, who, ['decided']);
    case 'notified':
      return lastFact(past, who, ['concluded', 'blocked']);
    case 'peer':
      return orElse(inputsOf(past), [
        ...ailing(past, fact.peer),
        ...last(past, (one) => one.kind === 'lost'),
      ]);
    case 'stalled':
    case 'started':
      return last(past, (one) => one.kind === 'process' && one.who === who && one.state !== 'alive');
    default:
      return inputsOf(past);
  }
}

function causesOfSent(past: Past, sent: Extract<TraceRecord, { kind: 'sent' }>): readonly number[] {
  const { who, payload } = sent;
  switch (messageKind(payload)) {
    case 'ballot':
      return lastFact(past, who, ['ballot-opened']);
    case 'answer':
      return lastFact(past, who, ['voted']);
    case 'release':
      return lastFact(past, who, ['ballot-closed', 'concluded']);
    case 'operator':
      return orElse(
        last(past, ({ kind }) => kind === 'order'),
        arrivals(past),
      );
    case 'refused':
      return arrivals(past);
    case 'news':
      return lastFact(past, who, ['verdict', 'local', 'holder', 'probe']);
    case 'heartbeat':
      return sent.msg % 2 === 1 ? arrivals(past) : [];
  }
}

/** Why an address didn't answer: whose it was, and what had become of that one. */
function causesOfSilence(past: Past, address: string): readonly number[] {
  const owner = last(past, (one) => one.kind === 'owner' && one.address === address);
  const record = past.records[owner[0] ?? -1];
  const who = record?.kind === 'owner' ? record.owner : null;
  if (who === null) return [...owner, ...last(past, ({ kind }) => kind === 'association')];
  return [
    ...owner,
    ...last(past, (one) => one.kind === 'haproxy' && one.who === who).filter((at) => isIll(past.records[at])),
    ...ailing(past, who),
    ...openFaults(past, who),
  ];
}

/** What had become of a node's process, unless it was well. */
function ailing(past: Past, who: string): readonly number[] {
  return last(past, (one) => one.kind === 'process' && one.who === who).filter((at) =>
    isIll(past.records[at]),
  );
}

function isIll(record: TraceRecord | undefined): boolean {
  if (record?.kind === 'haproxy') return record.state !== 'up';
  return record?.kind === 'process' && record.state !== 'alive' && record.state !== 'off';
}

/** What came in from outside in this step. */
function inputsOf(past: Past): readonly number[] {
  return inStep(past, (one) => isDoing(one) || one.kind === 'arrived' || one.kind === 'call-ended');
}

function arrivals(past: Past): readonly number[] {
  return inStep(past, ({ kind }) => kind === 'arrived');
}

/** Faults and orders: where chains begin. */
function isDoing({ kind }: TraceRecord): boolean {
  return kind === 'fault' || kind === 'fault-ended' || kind === 'order';
}

const DULL: ReadonlySet<Fact['kind']> = new Set([
  'heartbeat',
  'cloud-requests',
  'probe',
  'way-out',
  'rejected',
]);

function isTelling(record: TraceRecord): boolean {
  return record.kind === 'fact' && !DULL.has(record.fact.kind);
}

function isMove(action: string): boolean {
  return action.includes('Associate') || action.includes('Disassociate');
}

function probesBefore(past: Past, who: string, address: string): readonly number[] {
  const found: number[] = [];
  for (let at = past.index - 1; at >= 0 && found.length < MAX_PROBES && past.index - at < MAX_BACK; at -= 1) {
    const one = past.records[at];
    if (one?.kind !== 'fact' || one.who !== who || one.fact.kind !== 'probe' || one.fact.address !== address)
      continue;
    if (found.length > 0 && one.fact.result.kind === 'ok') break;
    found.push(at);
  }
  return found;
}

function lastFact(past: Past, who: string, kinds: readonly Fact['kind'][]): readonly number[] {
  return last(past, (one) => one.kind === 'fact' && one.who === who && kinds.includes(one.fact.kind));
}

function allFacts(past: Past, who: string, test: (fact: Fact) => boolean): readonly number[] {
  return all(past, (one) => one.kind === 'fact' && one.who === who && test(one.fact));
}

/** Faults that had begun and not ended; of one node and of none, or of all. */
function openFaults(past: Past, who?: string): readonly number[] {
  const ended = new Set<number>();
  const found: number[] = [];
  for (let at = past.index - 1; at >= 0 && past.index - at < MAX_BACK; at -= 1) {
    const one = past.records[at];
    if (one?.kind === 'fault-ended') ended.add(one.fault);
    else if (one?.kind === 'fault' && one.lasts && !ended.has(one.fault))
      if (who === undefined || one.nodes.length === 0 || one.nodes.includes(who)) found.push(at);
  }
  return found;
}

function last(past: Past, test: Test): readonly number[] {
  for (let at = past.index - 1; at >= 0 && past.index - at < MAX_BACK; at -= 1) {
    const one = past.records[at];
    if (one !== undefined && test(one)) return [at];
  }
  return [];
}

function all(past: Past, test: Test): readonly number[] {
  const found: number[] = [];
  for (let at = past.index - 1; at >= 0 && past.index - at < MAX_BACK; at -= 1) {
    const one = past.records[at];
    if (one !== undefined && test(one)) found.push(at);
  }
  return found;
}

/** What was told before it in the same step. */
function inStep(past: Past, test: Test): readonly number[] {
  const found: number[] = [];
  for (let at = past.index - 1; at >= 0; at -= 1) {
    const one = past.records[at];
    if (one === undefined || one.step !== past.record.step) break;
    if (test(one)) found.push(at);
  }
  return found;
}

function orElse(first: readonly number[], otherwise: readonly number[]): readonly number[] {
  return first.length > 0 ? first : otherwise;
}

function lanesIn(records: Records): readonly string[] {
  return [...new Set(records.flatMap((one) => (one.kind === 'process' ? [one.who] : [])))];
}

/** Whether a line speaks of a lane: by its name, or by the name of one of its runs. */
export function mentions(text: string, who: string): boolean {
  return text.split(/[^A-Za-z0-9._#-]+/).some((word) => word === who || word.startsWith(`${who}#`));
}
