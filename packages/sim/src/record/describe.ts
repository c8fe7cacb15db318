/**
 * Records as lines for people.
 */
import type { Fact, Payload } from '@failtome/protocol';
import {
  type GateLine,
  messageKind,
  type RecordedRun,
  type SentRecord,
  type TraceRecord,
} from './records.ts';

type Sent = Extract<TraceRecord, { readonly kind: 'sent' }>;

/** What a line needs to know of other records. */
export interface Context {
  /** The message of that number; null: it was cut off. */
  readonly sent: (msg: number) => Sent | null;
  readonly call: (call: number) => { readonly who: string; readonly action: string } | null;
  readonly fault: (fault: number) => string | null;
}

/** Look other records up in a whole trace. */
export function contextOf(records: RecordedRun['records']): Context {
  const sent = new Map<number, Sent>();
  const calls = new Map<number, { readonly who: string; readonly action: string }>();
  const faults = new Map<number, string>();
  for (const record of records) {
    if (record.kind === 'sent') sent.set(record.msg, record);
    else if (record.kind === 'called') calls.set(record.call, record);
    else if (record.kind === 'fault') faults.set(record.fault, record.name);
  }
  return {
    sent: (msg) => sent.get(msg) ?? null,
    call: (call) => calls.get(call) ?? null,
    fault: (fault) => faults.get(fault) ?? null,
  };
}

/** Whether it belongs to the story that people want to read first. */
export function isStory(record: TraceRecord): boolean {
  switch (record.kind) {
    case 'fact':
      return !ROUTINE.has(record.fact.kind) && !(record.fact.kind === 'step' && record.fact.result === '');
    case 'process':
    case 'association':
    case 'published':
    case 'owner':
    case 'haproxy':
    case 'fault':
    case 'fault-ended':
    case 'order':
    case 'order-answered':
    case 'violation':
      return true;
    case 'call-ended':
      return record.end !== 'ok' && record.code !== 'DryRunOperation';
    default:
      return false;
  }
}

/** Facts that tell the rhythm, not the story. */
const ROUTINE: ReadonlySet<Fact['kind']> = new Set([
  'probe',
  'way-out',
  'heartbeat',
  'rejected',
  'cloud-requests',
  'ballot-answered',
]);

/** One line; who it is about stands before it where it is a node. */
export function describe(record: TraceRecord, context: Context): string {
  switch (record.kind) {
    case 'sent':
      return `→ ${record.to}: ${describeMessage(record)}`;
    case 'arrived': {
      const sent = context.sent(record.msg);
      const what = sent === null ? `message ${record.msg}` : `${sent.who}'s ${describeMessage(sent)}`;
      return `← ${what}${record.again ? ', once more' : ''}`;
    }
    case 'lost': {
      const sent = context.sent(record.msg);
      const what =
        sent === null ? `message ${record.msg}` : `${sent.who} → ${sent.to}: ${describeMessage(sent)}`;
      return `lost (${record.why}): ${what}`;
    }
    case 'fact':
      return describeFact(record.fact);
    case 'process':
      return `process ${record.state}${record.run === '' ? '' : ` (${record.run})`}`;
    case 'node':
      return `${record.phase}, ${record.fit}, ${record.ready ? '' : 'not '}ready to take over`;
    case 'view':
      return `${record.address} ${record.verdict}, held by ${record.holder}; ${record.outcome}: ${record.reason}`;
    case 'ladder':
      return `${record.address}: ${closedGate(record.gates)}`;
    case 'lease':
      return record.to === null
        ? `${record.address}: its lease is back`
        : `${record.address}: lends its lease to ${record.to}, epoch ${record.epoch}, until ${seconds(record.untilMs)}`;
    case 'borrowed':
      return record.untilMs === null
        ? `${record.address}: no longer has ${record.from}'s lease`
        : `${record.address}: has ${record.from}'s lease until ${seconds(record.untilMs)}`;
    case 'called':
      return `calls ${record.action}${record.request.dryRun === true ? ' (dry run)' : ''}`;
    case 'call-ended': {
      const call = context.call(record.call);
      const what = call === null ? `call ${record.call}` : call.action;
      return `${what}: ${record.end}${record.code === null ? '' : ` ${record.code}`}`;
    }
    case 'association':
      return record.change === 'begun'
        ? `${record.address} → ${record.target} (${record.associationId}), by ${record.by}`
        : `${record.address} leaves ${record.target}: ${record.cause ?? 'ended'}, by ${record.by}`;
    case 'published':
      return `notification by ${record.who}: ${record.subject}`;
    case 'owner':
      return `${record.address} belongs to ${record.owner ?? 'nobody'}, ${
        record.served === null ? 'not served' : `served by ${record.served}`
      }`;
    case 'haproxy':
      return `HAProxy ${record.state}`;
    case 'fault':
      return `fault: ${record.says || record.name}`;
    case 'fault-ended':
      return `end of fault ${context.fault(record.fault) ?? record.fault}`;
    case 'order':
      return `an operator orders: ${describeCommand(record.command)}`;
    case 'order-answered':
      return `the operator is told: ${
        record.outcome === null ? 'no answer' : `${record.outcome.state} ${record.outcome.detail}`.trim()
      }`;
    case 'violation':
      return `VIOLATION of ${record.invariant}: ${record.detail}`;
  }
}

/** Whose line it is: a node's lane, or `cloud`, `network`, `world`. */
export function subjectOf(record: TraceRecord, context: Context): string {
  if ('who' in record) return record.who;
  switch (record.kind) {
    case 'lost':
      return 'network';
    case 'call-ended':
      return context.call(record.call)?.who ?? 'cloud';
    case 'association':
    case 'owner':
      return 'cloud';
    default:
      return 'world';
  }
}

/** What a message says, in a few words. */
export function describeMessage({ msg, payload }: SentRecord): string {
  const reply = msg % 2 === 1 ? ' (response)' : '';
  if (payload === null) return `unreadable${reply}`;
  return `${partsOf(payload).join(', ') || messageKind(payload)}${reply}`;
}

function partsOf(payload: Payload): readonly string[] {
  const parts: string[] = [];
  if (payload.command !== undefined) parts.push(describeCommand(payload.command));
  if (payload.outcome !== undefined) parts.push(`outcome ${payload.outcome.state}`);
  for (const { candidate, epoch, mode } of payload.ballots ?? [])
    parts.push(`${mode} ballot of ${candidate}, epoch ${epoch}`);
  for (const { voter, answer, reason, epoch } of payload.answers ?? [])
    parts.push(`${voter} answers ${answer} (${reason}), epoch ${epoch}`);
  for (const { candidate, epoch } of payload.releases ?? [])
    parts.push(`${candidate} releases epoch ${epoch}`);
  if (payload.refused !== undefined) parts.push(`refused: ${payload.refused}`);
  if (payload.node !== undefined) {
    const { node } = payload;
    const verdicts = node.addresses.map(({ verdict, trouble }) => `${verdict}${trouble ? ', trouble' : ''}`);
    parts.push(`news: ${node.fit}; ${verdicts.join('; ')}${node.leaving ? '; leaving' : ''}`);
  }
  for (const { id, state } of payload.rumours ?? []) parts.push(`rumour: ${id} ${state}`);
  if ((payload.ask?.length ?? 0) > 0) parts.push(`asks about ${payload.ask?.join(', ')}`);
  return parts;
}

function describeCommand(command: NonNullable<Payload['command']>): string {
  switch (command.kind) {
    case 'handover':
      return `handover of ${command.address ?? 'the address'} to ${command.to ?? 'the best'}`;
    case 'handover-status':
      return `how is handover ${command.id}`;
    case 'handover-cancel':
      return `take back the handover ${command.id ?? `of ${command.address ?? 'the address'}`}`;
    case 'pause':
      return `pause${command.forMs === null ? '' : ` for ${seconds(command.forMs)}`} (${command.reason})`;
    case 'resume':
      return `resume (${command.reason})`;
  }
}

function closedGate(gates: readonly GateLine[]): string {
  const closed = gates.find(([, passed]) => passed === false);
  return closed === undefined ? 'every gate is open' : `gate ${closed[0]} is closed, ${closed[2]}`;
}

function describeFact(fact: Fact): string {
  switch (fact.kind) {
    case 'started':
      return `started, incarnation ${fact.incarnation}, disk ${fact.storage}${fact.detail === '' ? '' : `: ${fact.detail}`}`;
    case 'stopping':
      return 'says goodbye';
    case 'configured':
      return `configured: ${fact.detail}`;
    case 'stalled':
      return `stood still, ${fact.lateMs} ms late`;
    case 'probe':
      return `probe of ${fact.address}: ${check(fact.result)}`;
    case 'verdict':
      return `sees ${fact.address} ${fact.to} (was ${fact.from}): ${fact.reason}`;
    case 'local':
      return `is ${fact.to} (was ${fact.from}): ${fact.reason}`;
    case 'way-out':
      return fact.result.kind === 'address'
        ? `is seen as ${fact.result.ip}`
        : `no way out: ${fact.result.reason}`;
    case 'heartbeat':
      return `heartbeat to ${fact.peer}: ${fact.result}`;
    case 'peer':
      return `calls ${fact.peer} ${fact.to} (was ${fact.from}): ${fact.reason}`;
    case 'rejected':
      return `rejects a message of ${fact.from}: ${fact.reason}`;
    case 'duplicate-id':
      return `hears of two runs called ${fact.peer}`;
    case 'decided':
      return `${fact.address}: ${fact.outcome}, ${fact.reason}: ${fact.detail}`;
    case 'ballot-opened':
      return `opens a ${fact.mode} ballot for ${fact.address}, epoch ${fact.epoch}`;
    case 'voted':
      return `votes on ${fact.candidate}'s epoch ${fact.epoch}: ${fact.answer} (${fact.reason})`;
    case 'ballot-answered': {
      const { voter, answer, reason, epoch } = fact.answer;
      return `hears ${voter}'s answer to epoch ${epoch}: ${answer} (${reason})`;
    }
    case 'ballot-closed':
      return `ballot of epoch ${fact.epoch} ${fact.result}: ${fact.detail}`;
    case 'guard':
      return `guard ${fact.passed ? 'passed' : 'refused'}: ${fact.reason}`;
    case 'step':
      return `${fact.step} of ${fact.address}: ${fact.result} (${fact.durationMs} ms)`;
    case 'cloud-requests':
      return `cloud: ${fact.requests.map(({ operation, result, code }) => `${operation} ${code ?? result}`).join(', ')}`;
    case 'holder':
      return `learns that ${fact.address} is held by ${fact.holder} (${fact.source})`;
    case 'late-association':
      return `a late call of its own has moved ${fact.address}`;
    case 'readiness':
      return fact.ready ? 'is ready to take over' : `isn't ready to take over: ${fact.problems.join('; ')}`;
    case 'concluded': {
      const { kind, address, from, to, result, reason } = fact.entry;
      if (kind === 'refusal' || kind === 'blocked')
        return `${kind} of ${address}, held by ${from}: ${reason}`;
      return `${kind} of ${address}, ${from} → ${to}: ${result} (${reason})`;
    }
    case 'blocked':
      return `${fact.address} stays down: ${fact.reason}`;
    case 'notified':
      return `notification ${fact.id}: ${fact.result}${fact.detail === '' ? '' : `, ${fact.detail}`}`;
    case 'pause':
      return fact.paused
        ? `paused by ${fact.owner}: ${fact.reason}`
        : `resumed by ${fact.owner}: ${fact.reason}`;
    case 'handover':
      return `handover ${fact.id} of ${fact.address} to ${fact.to}: ${fact.state} ${fact.detail}`.trim();
    case 'storage':
      return fact.ok ? 'the disk takes writes again' : `the disk doesn't take writes: ${fact.code}`;
  }
}

function check(result: Extract<Fact, { kind: 'probe' }>['result']): string {
  switch (result.kind) {
    case 'ok':
      return `ok in ${Math.round(result.durationMs)} ms`;
    case 'failed':
      return `failed, ${result.reason}, after ${Math.round(result.durationMs)} ms`;
    case 'inconclusive':
      return `inconclusive, ${result.detail}`;
  }
}

/** A moment or a span, in seconds with milliseconds. */
export function seconds(ms: number): string {
  return `${(Math.round(ms) / 1_000).toFixed(3)} s`;
}
