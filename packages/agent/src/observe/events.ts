/**
 * What the log says of each fact: a stable event name, a level by importance, a sentence, and fields.
 *
 * Every name is listed in docs/logging.md; a test compares the two.
 */
import type { CheckResult, CloudRequest, ExternalIpResult, Fact, HistoryEntry } from '@failtome/protocol';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

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
  'warmed',
  'credentials',
  'agent-ready',
  'driver-output',
  'signal',
  'reload-refused',
  'service-manager',
  'log-lost',
  'stop-overdue',
  'agent-stopped',
  'crashed',
] as const;

export type AgentEventName = (typeof AGENT_EVENTS)[number];

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;
type Teller<K extends Fact['kind']> = (fact: FactOf<K>) => readonly LogEvent[];

/** The events that tell one fact: one, but for a fact that stands for several requests. */
export function eventsOf(fact: Fact): readonly LogEvent[] {
  const teller = TELLERS[fact.kind] as Teller<typeof fact.kind>; // chosen by the fact's own kind
  return teller(fact);
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
  pause: 'pause',
  handover: 'handover',
  storage: 'storage',
};

const TELLERS: { readonly [K in Fact['kind']]: Teller<K> } = {
  started: (fact) =>
    tell(
      fact,
      fact.storage === 'unreadable' || fact.storage === 'foreign' ? 'error' : 'info',
      startedText(fact),
    ),
  stopping: (fact) => tell(fact, 'info', 'stopping: saying goodbye to the peers'),
  configured: (fact) => tell(fact, 'info', `configuration in force: ${fact.detail}`),
  stalled: (fact) =>
    tell(fact, 'warn', `stood still for ${Math.round(fact.lateMs)} ms: observing everything afresh`),
  probe: (fact) => tell(fact, 'debug', `probe of ${fact.address}: ${checkText(fact.result)}`),
  verdict: (fact) =>
    tell(fact, fact.to === 'down' ? 'warn' : 'info', `${fact.address} is ${fact.to}: ${fact.reason}`),
  local: (fact) =>
    tell(fact, fact.to === 'unfit' ? 'warn' : 'info', `own HAProxy is ${fact.to}: ${fact.reason}`),
  'way-out': (fact) => tell(fact, 'debug', `way out: ${externalIpText(fact.result)}`),
  heartbeat: (fact) => tell(fact, 'debug', `heartbeat to ${fact.peer}: ${fact.result}`),
  peer: (fact) =>
    tell(fact, fact.to === 'dead' ? 'warn' : 'info', `peer ${fact.peer} is ${fact.to}: ${fact.reason}`),
  rejected: (fact) =>
    tell(
      fact,
      EXPECTED_REJECTIONS.has(fact.reason) ? 'debug' : 'warn',
      `message${fact.from === '' ? '' : ` from ${fact.from}`} turned away: ${fact.reason}`,
    ),
  'duplicate-id': (fact) => tell(fact, 'error', `two agents run with the id ${fact.peer}`),
  decided: (fact) =>
    tell(fact, 'info', `${fact.address}: ${fact.outcome}, ${fact.reason}${after(fact.detail)}`),
  'ballot-opened': (fact) =>
    tell(fact, 'info', `asking the voters about ${fact.address} (${fact.mode}, epoch ${fact.epoch})`),
  voted: (fact) =>
    tell(fact, 'info', `answered ${fact.candidate} about ${fact.address}: ${fact.answer}, ${fact.reason}`),
  'ballot-answered': ({ kind, answer }) =>
    tell(
      { kind, ...answer },
      'info',
      `${answer.voter} answered about ${answer.address}: ${answer.answer}, ${answer.reason}`,
    ),
  'ballot-closed': (fact) =>
    tell(fact, 'info', `ballot ${fact.epoch} about ${fact.address} was ${fact.result}${after(fact.detail)}`),
  guard: (fact) =>
    tell(fact, fact.passed ? 'info' : 'warn', `guard ${fact.passed ? 'passed' : 'refused'}: ${fact.reason}`),
  step: (fact) =>
    tell(
      fact,
      'info',
      `move of ${fact.address}: ${fact.step} took ${Math.round(fact.durationMs)} ms: ${fact.result}`,
    ),
  'cloud-requests': (fact) => fact.requests.map((request) => requestEvent(fact.address, request)),
  holder: (fact) => tell(fact, 'info', `${fact.address} is held by ${fact.holder} (${fact.source})`),
  'late-association': (fact) =>
    tell(fact, 'warn', `the cloud applied a move of ${fact.address} to this node that had been given up`),
  readiness: (fact) => {
    if (fact.ready) return tell(fact, 'info', 'ready to take over');
    // What a witness is isn't a fault of it.
    if (fact.problems.includes('not-a-candidate'))
      return tell(fact, 'info', 'this node takes no address: it is no candidate');
    return tell(fact, 'warn', `not ready to take over: ${fact.problems.join('; ')}`);
  },
  concluded: ({ kind, entry }) =>
    tell({ ...entry, kind, entry: entry.kind }, conclusionLevel(entry), conclusionText(entry)),
  blocked: (fact) =>
    tell(
      fact,
      'error',
      `${fact.address} has been down for ${Math.round(fact.downMs / 1000)} s and no node may take it: ${fact.reason}`,
    ),
  notified: (fact) =>
    fact.result === 'accepted'
      ? tell(fact, 'info', `notification ${fact.id} was accepted`)
      : tell(fact, 'error', `notification ${fact.id} failed and will be tried again: ${fact.detail}`),
  pause: (fact) =>
    fact.paused
      ? tell(fact, 'warn', `automatic takeovers are paused by ${fact.owner}${after(fact.reason)}`)
      : tell(fact, 'info', `automatic takeovers are on again, by ${fact.owner}${after(fact.reason)}`),
  handover: (fact) =>
    tell(
      fact,
      fact.state === 'open' || fact.state === 'done' ? 'info' : 'warn',
      `handover of ${fact.address} to ${fact.to}, ordered by ${fact.by}${after(fact.reason)}; ${fact.state}${after(fact.detail)}`,
    ),
  storage: (fact) =>
    fact.ok
      ? tell(fact, 'info', 'the state directory takes writes again')
      : tell(
          fact,
          'error',
          `the state could not be written (${fact.code}): this node lends and takes nothing`,
        ),
};

/** Part of every handshake after a restart of either side, and of answers that come late. */
const EXPECTED_REJECTIONS: ReadonlySet<string> = new Set(['session', 'stale', 'unasked']);

function tell(
  { kind, ...fields }: { readonly kind: Fact['kind'] } & Readonly<Record<string, unknown>>,
  level: LogLevel,
  text: string,
): readonly LogEvent[] {
  return [{ event: EVENT_NAMES[kind], level, text, fields }];
}

function requestEvent(address: string | null, request: CloudRequest): LogEvent {
  const { service, operation, result, code, durationMs } = request;
  return {
    event: EVENT_NAMES['cloud-requests'],
    level: result === 'ok' ? 'debug' : 'warn',
    text: `${service} ${operation}: ${result}${code === null ? '' : ` (${code})`} after ${Math.round(durationMs)} ms`,
    fields: { address, ...request },
  };
}

function startedText({ incarnation, storage, detail }: FactOf<'started'>): string {
  const known = {
    loaded: 'state loaded',
    empty: 'no state yet',
    unreadable: 'the state is unreadable',
    foreign: 'the state of another cluster or node was found, and none of it counts',
  };
  return `started, incarnation ${incarnation}: ${known[storage]}${after(detail)}`;
}

function checkText(result: CheckResult): string {
  const took = `${Math.round(result.durationMs)} ms`;
  switch (result.kind) {
    case 'ok':
      return `${result.status} after ${took}`;
    case 'failed':
      return `${result.reason} after ${took}${after(result.detail)}`;
    case 'inconclusive':
      return `could not run${after(result.detail)}`;
  }
}

function externalIpText(result: ExternalIpResult): string {
  return result.kind === 'address' ? `seen as ${result.ip}` : `${result.reason}${after(result.detail)}`;
}

function conclusionLevel({ kind, result }: HistoryEntry): LogLevel {
  if (result === 'moved') return 'error';
  if (result === 'lost-race') return 'info';
  return kind === 'handover' && result === 'served' ? 'info' : 'warn';
}

function conclusionText({ kind, address, from, to, result, reason, steps }: HistoryEntry): string {
  const total = steps.find(({ step }) => step === 'total');
  const took = total === undefined ? '' : ` in ${Math.round(total.durationMs)} ms`;
  // A refusal moves nothing.
  if (kind === 'refusal' || kind === 'blocked')
    return `${kind} of ${address}, held by ${from}, at ${to}: ${reason}`;
  return `${kind} of ${address} from ${from} to ${to}: ${result}${took}, ${reason}`;
}

function after(detail: string): string {
  return detail === '' ? '' : ` (${detail})`;
}
