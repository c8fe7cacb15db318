/**
 * One quantum of one history in words: what was chosen, what the cloud did, and what each node took in, in its order.
 */
import { type Effect, type Fact, factText, type Event as HostEvent } from '@failtome/protocol';
import type { Successor } from './advance.ts';
import type { Global } from './explored-world.ts';
import type { Outcome, Story } from './run-node.ts';

/** @param zeroMs what counts as the beginning */
export function describeQuantum(before: Global, next: Successor, zeroMs: number): readonly string[] {
  const at = `${String(before.t - zeroMs).padStart(6)} ms  `;
  const lines: string[] = [];
  for (const planned of before.planned)
    if (planned.at <= before.t)
      lines.push(`world  ${planned.kind}${planned.kind === 'reason' ? `: ${planned.reason}` : ''}`);
  for (const label of next.labels) lines.push(`fault  ${label}`);
  for (const call of next.calls) lines.push(`cloud  ${call}`);
  for (const [index, outcome] of next.outcomes.entries()) {
    if (outcome === null) continue;
    const id = before.nodes[index]?.id ?? '';
    for (const line of describeOutcome(outcome)) lines.push(`${id.padEnd(5)}  ${line}`);
  }
  if (next.broken !== null) lines.push(`BROKEN ${next.broken.invariant}: ${next.broken.detail}`);
  return lines.map((line) => `${at}${line}`);
}

function describeOutcome({ story, struck }: Outcome): readonly string[] {
  const lines: string[] = [];
  for (let one: Story | null = story; one !== null; one = one.before) lines.unshift(describeStep(one));
  if (struck !== '') lines.push(`is struck ${struck}`);
  return lines;
}

/** What one step of a node did, in a line. */
export function describeStep({ event, facts, effects }: Story): string {
  const did = effects.map(describeEffect).filter((text) => text !== '');
  const told = facts.filter(({ kind }) => TOLD.has(kind)).map(factText);
  return [
    describeEvent(event),
    ...told.map((text) => `  ${text}`),
    ...did.map((text) => `  -> ${text}`),
  ].join(';');
}

function describeEvent(event: HostEvent): string {
  switch (event.kind) {
    case 'received':
    case 'answered':
      return `${event.kind} ${event.message.from}: ${describePayload(event.message.payload)}`;
    case 'probed':
    case 'local-checked':
    case 'external-ip':
      return `${event.kind} ${event.result.kind}`;
    case 'arbiter':
      return `${event.kind} ${event.result.kind}`;
    case 'driven':
      return `${event.kind} ${event.result.answer.kind}`;
    case 'published':
      return `${event.kind} ${event.result.kind}`;
    case 'send-failed':
      return `${event.kind} ${event.reason}`;
    case 'started':
      return `${event.kind} (${event.storage.kind})`;
    case 'tick':
    case 'persisted':
    case 'persist-failed':
    case 'configured':
    case 'stop':
      return event.kind;
  }
}

type Payload = Extract<HostEvent, { kind: 'received' }>['message']['payload'];

function describePayload({ ballots, answers, releases, refused, node }: Payload): string {
  const parts = [
    ...(ballots ?? []).map(({ epoch, ask }) => `ballot ${epoch}.${ask}`),
    ...(answers ?? []).map(({ epoch, answer, reason }) => `answer ${epoch} ${answer} ${reason}`),
    ...(releases ?? []).map(({ epoch }) => `release ${epoch}`),
    ...(refused === undefined ? [] : [`refused: ${refused}`]),
    ...(node === undefined ? [] : ['record']),
  ];
  return parts.length === 0 ? 'heartbeat' : parts.join(', ');
}

function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
    case 'reply':
      return `${effect.kind} ${effect.message.to}: ${describePayload(effect.message.payload)}`;
    case 'drive':
      return `${effect.operation.op}`;
    case 'arbiter':
      return `${effect.kind} ${effect.operation.op}`;
    case 'persist':
    case 'publish':
    case 'stopped':
    case 'probe':
    case 'check-local':
    case 'ask-external-ip':
      return effect.kind;
  }
}

/** What a history turns on; the rest is told by the events themselves. */
const TOLD: ReadonlySet<Fact['kind']> = new Set<Fact['kind']>([
  'verdict',
  'local',
  'peer',
  'decided',
  'ballot-opened',
  'ballot-closed',
  'voted',
  'guard',
  'step',
  'holder',
  'concluded',
  'stalled',
  'late-association',
  'rejected',
]);
