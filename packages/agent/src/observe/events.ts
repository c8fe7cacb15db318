/**
 * What the log says of each fact: a stable event name, a level by importance, the protocol's sentence, and fields.
 *
 * Every name is listed in docs/logging.md; a test compares the two.
 */
import { type CloudRequest, type Fact, factText, type HistoryEntry, requestText } from '@failtome/protocol';

/** How much a log event matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** A line of the log. */
export interface LogEvent {
  readonly event: string;
  readonly level: LogLevel;
  /** One sentence, for people. */
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What the agent itself tells, beside the protocol's facts. */
export const AGENT_EVENTS = [
  'agent-starting',
  'configuration',
  'key',
  'certificate',
  'api-listening',
  'api-fault',
  'identity',
  'identity-missing',
  'identities',
  'state-directory',
  'history',
  'recorder',
  'store',
  'relay',
  'warmed',
  'credentials',
  'discovery',
  'agent-ready',
  'driver-output',
  'notifier-output',
  'signal',
  'reload-refused',
  'service-manager',
  'log-lost',
  'going-down',
  'stop-overdue',
  'agent-stopped',
  'crashed',
] as const;

/** The events that no fact of the protocol stands for. */
export type AgentEventName = (typeof AGENT_EVENTS)[number];

/** The events that tell one fact: one, but for a fact that stands for several requests. */
export function eventsOf(fact: Fact): readonly LogEvent[] {
  if (fact.kind === 'cloud-requests')
    return fact.requests.map((request) => requestEvent(fact.address, request));
  const { kind } = fact;
  return [{ event: EVENT_NAMES[kind], level: levelOf(fact), text: factText(fact), fields: fieldsOf(fact) }];
}

/** The names of all events that tell facts. */
export function factEventNames(): readonly string[] {
  return Object.values(EVENT_NAMES);
}

const EVENT_NAMES: Readonly<Record<Fact['kind'], string>> = {
  started: 'started',
  stopping: 'stopping',
  configured: 'configured',
  stalled: 'stalled',
  probe: 'probe',
  verdict: 'verdict',
  local: 'local',
  'way-out': 'way-out',
  heartbeat: 'heartbeat',
  peer: 'peer',
  rejected: 'message-rejected',
  'duplicate-id': 'duplicate-id',
  decided: 'decided',
  'ballot-opened': 'ballot-opened',
  voted: 'voted',
  'ballot-answered': 'ballot-answered',
  'ballot-closed': 'ballot-closed',
  guard: 'guard',
  step: 'move-step',
  'cloud-requests': 'cloud-request',
  holder: 'holder',
  'late-association': 'late-association',
  readiness: 'readiness',
  concluded: 'concluded',
  blocked: 'blocked',
  notified: 'notified',
  'notification-dropped': 'notification-dropped',
  pause: 'pause',
  handover: 'handover',
  arbiter: 'arbiter',
  storage: 'storage',
};

/** Part of every handshake after a restart of either side, and of answers that come late. */
const EXPECTED_REJECTIONS: ReadonlySet<string> = new Set(['session', 'stale', 'unasked']);

function levelOf(fact: Fact): LogLevel {
  switch (fact.kind) {
    case 'started':
      return fact.storage === 'unreadable' || fact.storage === 'foreign' ? 'error' : 'info';
    case 'probe':
    case 'way-out':
    case 'heartbeat':
    case 'cloud-requests':
      return 'debug';
    case 'verdict':
      return fact.to === 'down' ? 'warn' : 'info';
    case 'local':
      return fact.to === 'unfit' ? 'warn' : 'info';
    case 'peer':
      return fact.to === 'dead' ? 'warn' : 'info';
    case 'rejected':
      return EXPECTED_REJECTIONS.has(fact.reason) ? 'debug' : 'warn';
    case 'guard':
      return fact.passed ? 'info' : 'warn';
    case 'readiness':
      // What a witness is isn't a fault of it.
      return fact.ready || fact.problems.includes('not-a-candidate') ? 'info' : 'warn';
    case 'concluded':
      return conclusionLevel(fact.entry);
    case 'notified':
      return fact.result === 'accepted' ? 'info' : 'error';
    case 'pause':
      return fact.paused ? 'warn' : 'info';
    case 'handover':
      return fact.state === 'open' || fact.state === 'done' ? 'info' : 'warn';
    case 'storage':
      return fact.ok ? 'info' : 'error';
    case 'arbiter':
      return fact.problem === '' ? 'info' : 'warn';
    case 'stalled':
    case 'late-association':
      return 'warn';
    case 'duplicate-id':
    case 'blocked':
    case 'notification-dropped':
      return 'error';
    case 'stopping':
    case 'configured':
    case 'decided':
    case 'ballot-opened':
    case 'voted':
    case 'ballot-answered':
    case 'ballot-closed':
    case 'step':
    case 'holder':
      return 'info';
  }
}

function conclusionLevel({ kind, result }: HistoryEntry): LogLevel {
  if (result === 'moved') return 'error';
  if (result === 'lost-race') return 'info';
  return kind === 'handover' && result === 'served' ? 'info' : 'warn';
}

/** All that the fact says, apart from its kind; what it is about stands in the record itself. */
function fieldsOf(fact: Fact): Readonly<Record<string, unknown>> {
  if (fact.kind === 'ballot-answered') return { ...fact.answer };
  if (fact.kind === 'concluded') {
    const { kind, ...entry } = fact.entry;
    return { ...entry, entry: kind };
  }
  const { kind: _, ...fields } = fact;
  return fields;
}

function requestEvent(address: string | null, request: CloudRequest): LogEvent {
  return {
    event: EVENT_NAMES['cloud-requests'],
    level: request.result === 'ok' ? 'debug' : 'warn',
    text: requestText(request),
    fields: { address, ...request },
  };
}
