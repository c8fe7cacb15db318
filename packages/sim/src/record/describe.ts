/**
 * Records as lines for people.
 */
import { type Fact, factText, type Payload } from '@failtome/protocol';
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
    case 'arrived':
    case 'lost':
      return describeFate(record, context.sent(record.msg));
    case 'fact':
      return factText(record.fact);
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

function describeFate(
  record: Extract<TraceRecord, { readonly kind: 'arrived' | 'lost' }>,
  sent: Sent | null,
): string {
  const message = `message ${record.msg}`;
  if (record.kind === 'arrived') {
    const what = sent === null ? message : `${sent.who}'s ${describeMessage(sent)}`;
    return `← ${what}${record.again ? ', once more' : ''}`;
  }
  const what = sent === null ? message : `${sent.who} → ${sent.to}: ${describeMessage(sent)}`;
  return `lost (${record.why}): ${what}`;
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

/** A moment or a span, in seconds with milliseconds. */
export function seconds(ms: number): string {
  return `${(Math.round(ms) / 1_000).toFixed(3)} s`;
}
