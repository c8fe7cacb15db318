/**
 * What a node was told, decided and did, as compact lines: `<` is an input, `*` a fact, `>` an effect. Heartbeats,
 * looks around and writes that change nothing of note are left out; a line that repeats is counted.
 */

import type { Event } from '../../src/host.ts';
import type { DriverOperation } from '../../src/model/effects.ts';
import type { EffectId, MonotonicMs, NodeId } from '../../src/model/units.ts';
import type { Fact } from '../../src/reporting/facts.ts';
import { decodeDocument } from '../../src/wire/codec.ts';
import type { Payload } from '../../src/wire/messages.ts';

export class Transcript {
  private readonly now: () => MonotonicMs;
  private origin: MonotonicMs | null = null;
  private readonly lines: { at: MonotonicMs; text: string; times: number }[] = [];
  private lastWrite = '';
  private readonly shown = new Set<EffectId>();

  constructor(now: () => MonotonicMs) {
    this.now = now;
  }

  /** Note everything from now on; the time is counted from here. */
  begin(): void {
    this.origin ??= this.now();
  }

  text(): string {
    const shownAt = (at: MonotonicMs): string => `${at - (this.origin ?? 0)}`.padStart(6);
    return this.lines
      .map(({ at, text, times }) => `${shownAt(at)} ${text}${times > 1 ? ` (${times} times)` : ''}`)
      .join('\n');
  }

  note(text: string): void {
    this.line(text);
  }

  input(event: Event): void {
    const text = inputText(event, this.shown);
    if (text !== null) this.line(`< ${text}`);
  }

  fact(fact: Fact): void {
    const text = factText(fact);
    if (text !== null) this.line(`* ${text}`);
  }

  drive(callId: EffectId, operation: DriverOperation): void {
    this.shown.add(callId);
    this.line(`> ${operationText(operation)}`);
  }

  ask(_askId: EffectId): void {
    this.line('> ask the external IP');
  }

  publish(subject: string): void {
    this.line(`> publish: ${subject}`);
  }

  send(to: NodeId, { ballots = [], releases = [], node }: Payload): void {
    for (const { epoch, ask, mode } of ballots)
      this.line(`> ballot to ${to}: ${mode}, epoch ${epoch}, ask ${ask}`);
    for (const { epoch } of releases) this.line(`> lease back to ${to}: epoch ${epoch}`);
    if (node?.leaving === true) this.line(`> goodbye to ${to}`);
  }

  write(text: string): void {
    const decoded = decodeDocument(text);
    if (decoded.kind === 'fault') throw new Error(decoded.detail);
    const { document } = decoded;
    const [address] = document.addresses;
    const lent = address?.lent == null || address.lent.leaseMs === 0 ? 'nobody' : address.lent.candidate;
    const parts = [
      `epoch ${address?.epoch}`,
      `lent to ${lent === '' ? 'whom?' : lent}`,
      ...(address?.intent == null ? [] : [`intent ${address.intent.stage}`]),
      ...(document.outbox.length === 0 ? [] : [`${document.outbox.length} to publish`]),
    ];
    const shown = parts.join(', ');
    if (shown !== this.lastWrite) this.line(`> write: ${shown}`);
    this.lastWrite = shown;
  }

  private line(text: string): void {
    if (this.origin === null) return;
    const last = this.lines.at(-1);
    if (last?.text === text) last.times += 1;
    else this.lines.push({ at: this.now(), text, times: 1 });
  }
}

function inputText(event: Event, shown: ReadonlySet<EffectId>): string | null {
  switch (event.kind) {
    case 'started':
      return `started, ${event.storage.kind}`;
    case 'probed':
      return event.result.kind === 'failed' ? `probe: ${event.result.reason}` : `probe: ${event.result.kind}`;
    case 'local-checked':
      return event.result.kind === 'failed' ? 'own HAProxy fails' : null;
    case 'external-ip':
      return event.result.kind === 'address' ? `external IP: ${event.result.ip}` : 'external IP: no answer';
    case 'driven':
      return shown.has(event.callId) ? `${answerText(event.result.answer)}` : null;
    case 'published':
      return `publication ${event.result.kind}`;
    case 'arbiter':
      return `arbiter: ${event.result.kind}`;
    case 'persist-failed':
      return `write failed: ${event.code}`;
    case 'stop':
      return 'stop';
    case 'send-failed':
    case 'received':
    case 'answered':
    case 'persisted':
    case 'configured':
    case 'tick':
      return null;
  }
}

function answerText(answer: Extract<Event, { kind: 'driven' }>['result']['answer']): string {
  if (answer.kind === 'read') {
    const { association } = answer;
    return `read: ${association.kind === 'none' ? 'nobody' : association.instanceId}`;
  }
  return answer.kind === 'refused' || answer.kind === 'unknown'
    ? `${answer.kind}: ${answer.code}`
    : answer.kind;
}

function operationText(operation: DriverOperation): string {
  switch (operation.op) {
    case 'release':
      return `release ${operation.associationId ?? `from ${operation.instanceId}`}`;
    case 'take':
      return operation.reassociate ? 'take from whoever has it' : 'take';
    case 'read':
    case 'permit':
      return operation.op;
  }
}

function factText(fact: Fact): string | null {
  switch (fact.kind) {
    case 'stalled':
      return `stood still for ${fact.lateMs} ms`;
    case 'verdict':
      return `verdict ${fact.from} → ${fact.to}: ${fact.reason}`;
    case 'local':
      return `own HAProxy ${fact.from} → ${fact.to}`;
    case 'peer':
      return `${fact.peer} ${fact.from} → ${fact.to}`;
    case 'decided':
      return `${fact.outcome}: ${fact.reason}`;
    case 'ballot-opened':
      return `ballot opened: ${fact.mode}, epoch ${fact.epoch}`;
    case 'ballot-answered':
      return `${fact.answer.voter}: ${fact.answer.answer} (${fact.answer.reason})`;
    case 'ballot-closed':
      return `ballot ${fact.result}: ${fact.detail}`;
    case 'guard':
      return `guard ${fact.passed ? 'passed' : `refused: ${fact.reason}`}`;
    case 'holder':
      return `held by ${fact.holder}, by ${fact.source}`;
    case 'late-association':
      return 'an association landed late';
    case 'concluded':
      return `concluded: ${fact.entry.kind} ${fact.entry.result} (${fact.entry.reason})`;
    case 'blocked':
      return `blocked: ${fact.reason}`;
    case 'notified':
      return `notification ${fact.result}`;
    case 'storage':
      return fact.ok ? 'the disk takes writes again' : `the disk takes no writes: ${fact.code}`;
    case 'handover':
      return `handover ${fact.state}: ${fact.detail}`;
    default:
      return null;
  }
}
