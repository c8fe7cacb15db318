/**
 * Which number of the documentation is which constant of the code. A sentence stands as in its file, with `{}` for each
 * number, and behind it what the code has in that place.
 */
import { API_LISTEN, type Key } from '../../../packages/agent/src/config/file-keys.ts';
import { LISTS } from '../../../packages/agent/src/config/file-sections.ts';
import { REQUESTS_PER_SECOND, SECURE_KIB_PER_SECOND } from '../../../packages/agent/src/http/senders.ts';
import { ATTEMPT_STARTS } from '../../../packages/ports/src/attempts.ts';
import { MAX_VOTERS, majorityOf } from '../../../packages/protocol/src/index.ts';
import { DEFAULT_BOUNDS, EXPLORED_SETTINGS, QUANTUM_MS } from '../../../packages/sim/src/explore/bounds.ts';
import { constant, numberAt } from './prose.ts';

export type Tie = readonly [file: string, sentence: string, ...values: readonly (string | number)[]];

const protocol = (file: string, name: string): number => constant(`packages/protocol/src/${file}.ts`, name);
const agent = (file: string, name: string): number => constant(`packages/agent/src/${file}.ts`, name);
const sim = (file: string, name: string): number => constant(`packages/sim/src/${file}.ts`, name);
const cloudModel = (file: string, name: string): number =>
  constant(`packages/cloud/src/model/${file}.ts`, name);
const s = (ms: number): string => `${ms / 1_000} s`;
const ms = (value: number): string => `${value} ms`;
const kib = (bytes: number): string => `${bytes / 1_024} KiB`;

const mib = (bytes: number): string => `${bytes / 1_048_576} MiB`;
const thousands = (value: number): string => value.toLocaleString('en');
const SERVER = 'packages/agent/src/http/http-server.ts';
const within = (name: string): string => s(numberAt(SERVER, new RegExp(`^  ${name}: ([\\d_]+),`, 'm')));

const CLUSTER_VIEW = 'packages/agent/src/http/cluster-view.ts';
const stream = (name: string): number =>
  numberAt('packages/agent/src/http/event-streams.ts', new RegExp(`^  ${name}: ([\\d_]+),`, 'm'));

const words = ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const word = (value: number): string => (value === 15 ? 'fifteen' : (words[value] ?? String(value)));

function fallbackOf({ fallback }: Key<unknown>): string {
  return fallback.kind === 'value' ? String(fallback.value) : '';
}

const port = fallbackOf(API_LISTEN).split(':').at(-1) ?? '';
const backoffs = [
  s(protocol('election/campaign', 'FIRST_BACKOFF_MS')),
  s(protocol('election/campaign', 'MAX_BACKOFF_MS')),
] as const;
const longestDuty = s(protocol('calls', 'MAX_DUTY_MS'));
/** Of the first three rests each lasts half of its longest on average, and half of the least. */
const threeThrottles = s(
  Math.round(
    ([1, 2, 4].reduce((sum, times) => sum + times * protocol('calls', 'FIRST_THROTTLE_MS'), 0) +
      3 * protocol('calls', 'LEAST_REST_MS')) /
      200,
  ) * 100,
);
const VIEW = 'packages/protocol/src/takeover/view.ts';
const maxCall = numberAt(VIEW, /Math\.min\(([\d_]+), Math\.max\([\d_]+,/);
const minCall = numberAt(VIEW, /Math\.min\([\d_]+, Math\.max\(([\d_]+),/);
const oldest = numberAt('packages/protocol/src/wire/freshness.ts', /Math\.max\(2 \* deadMs, ([\d_]+)\)/);
const FAULTS = 'packages/sim/src/explore/faults.ts';
const restarts = [
  numberAt(FAULTS, /RESTARTS_MS = \[([\d_]+),/),
  numberAt(FAULTS, /RESTARTS_MS = \[[\d_]+, ([\d_]+)\]/),
] as const;
const pauses = [
  numberAt(FAULTS, /PAUSES_MS = \[([\d_]+),/),
  numberAt(FAULTS, /PAUSES_MS = \[[\d_]+, ([\d_]+)\]/),
] as const;
const addresses = LISTS.find(({ path }) => path === 'addresses')?.max ?? 0;
const violations = numberAt(
  'packages/sim/src/commands/swarm-command.ts',
  /'--max-violations <n>'[^\n]*, (\d+)\)/,
);

const firstWait = `${protocol('takeover/episode-state', 'FIRST_WAIT_MS') / 60_000} min`;
const secondWait = `${(2 * protocol('takeover/episode-state', 'FIRST_WAIT_MS')) / 60_000} min`;
const longestWait = `${protocol('takeover/episode-state', 'LONGEST_WAIT_MS') / 3_600_000} h`;

const PROTOCOL = 'packages/protocol/PROTOCOL.md';
const CONFIGURATION = 'docs/configuration.md';

const again = [
  s(protocol('reporting/outbox', 'FIRST_RETRY_MS')),
  s(protocol('reporting/outbox', 'MAX_RETRY_MS')),
] as const;
const ports = (file: string, name: string): number => constant(`packages/ports/src/${file}.ts`, name);
const settled = s(protocol('reporting/news', 'SETTLED_MS'));
const refusals = word(protocol('model/limits', 'MAX_REFUSALS'));
const webhooks = LISTS.find(({ path }) => path === 'notify.webhook')?.max ?? 0;

export const ties: readonly Tie[] = [
  [
    PROTOCOL,
    'the newest {} requests and {} answers that its reader',
    ports('relay-item', 'MAX_PARCELS') / 2,
    ports('relay-item', 'MAX_PARCELS') / 2,
  ],
  [
    PROTOCOL,
    'at least `max({}, dead / {})` passes, half of that for {} after a ballot',
    ms(ports('relay-pace', 'LEAST_PACE_MS')),
    ports('relay-pace', 'PACES_IN_DEAD'),
    s(ports('relay-pace', 'HURRY_MS')),
  ],
  [PROTOCOL, 'came or went; {} between writes when', s(ports('relay-pace', 'SLOW_WRITE_MS'))],
  [PROTOCOL, 'the rest doubles, up to {} paces', ports('relay-pace', 'MOST_PACES')],
  [
    PROTOCOL,
    'is made again after {}, doubling to {}; from {} after the ballot',
    ms(protocol('election/arbiter', 'FIRST_REST_MS')),
    s(protocol('election/arbiter', 'LONGEST_REST_MS')),
    s(protocol('election/arbiter', 'ASKED_AGAIN_FOR_MS')),
  ],
  [
    CONFIGURATION,
    'At the start, every {} min, and within',
    agent('adapters/discovery-pace', 'REST_MS') / 60_000,
  ],
  [
    CONFIGURATION,
    'more slowly down to every {};',
    s(numberAt('packages/agent/src/adapters/discovery-pace.ts', /^const SILENT_MS: .*, ([\d_]+)\];/m)),
  ],
  [
    CONFIGURATION,
    'each node reads it every {} min',
    protocol('election/arbiter', 'ARBITER_LOOK_MS') / 60_000,
  ],
  [
    PROTOCOL,
    'reads the item every {} min, every minute',
    protocol('election/arbiter', 'ARBITER_LOOK_MS') / 60_000,
  ],
  [PROTOCOL, 'the one beside it read, every {} min, and', ports('relay-pace', 'PROOF_EVERY_MS') / 60_000],
  [
    'docs/settings-leave-open.md',
    'one proof in {} minutes that',
    ports('relay-pace', 'PROOF_EVERY_MS') / 60_000,
  ],
  [PROTOCOL, 'With more than {} nodes (`MANY_NODES`', protocol('neighbours', 'MANY_NODES')],
  ...[
    'fan-out is used up ({} nodes)',
    'where there are more than {} nodes',
    'In a cluster of up to {} nodes',
    'Above {} nodes nobody',
    'above {} nodes by failtome',
  ].map((sentence): readonly [string, string, string] => [
    'docs/scale.md',
    sentence,
    word(protocol('neighbours', 'MANY_NODES')),
  ]),
  [
    PROTOCOL,
    'Each node has {} at most: those before and after it in {} rings',
    word(2 * protocol('neighbours', 'RINGS')),
    word(protocol('neighbours', 'RINGS')),
  ],
  [PROTOCOL, 'it is tried again after {} doubling to {}, so that', ...again],
  [PROTOCOL, 'refuses for good {} times', refusals],
  [PROTOCOL, 'it has been fit for {}, or another', settled],
  [PROTOCOL, 'it has one for {}, or another', settled],
  [CONFIGURATION, 'a list of up to {}.', word(webhooks)],
  [CONFIGURATION, 'again after {} doubling to {} until it has accepted', ...again],
  [CONFIGURATION, 'At most {} events wait for a receiver', protocol('model/limits', 'MAX_OUTBOX')],
  [CONFIGURATION, 'given up after {} tries', refusals],
  [CONFIGURATION, 'no more than {} of an answer', kib(agent('adapters/webhook', 'MAX_ANSWER_BYTES'))],
  [CONFIGURATION, 'answers or has had {} to', s(protocol('move/calls', 'VERIFY_MS'))],
  ['docs/logging.md', 'it has refused it {} times', refusals],
  [
    'docs/set-up.md',
    'A generated text of {} or more letters',
    agent('auth/keys', 'LEAST_GENERATED_CHARACTERS'),
  ],
  ['docs/set-up.md', 'TCP {} between all nodes', port],
  ['README.md', '`http://NODE:{}/`', port],
  ['SECURITY.md', '({} random bytes;', agent('auth/keys', 'KEY_BYTES')],
  ['SECURITY.md', 'Keep the port ({})', port],
  [
    'SECURITY.md',
    'signed more than {} min ahead of a node',
    protocol('membership/bounded', 'CLOCKS_AGREE_MS') / 60_000,
  ],
  ['SECURITY.md', 'can have {} messages a second', REQUESTS_PER_SECOND],
  ['SECURITY.md', '`max(2 × gossip.dead, {})`', s(oldest)],

  [
    PROTOCOL,
    'again every {} as long as probes fail; it counts for {},',
    s(protocol('observation/way-out', 'ASK_EVERY_MS')),
    s(protocol('observation/way-out', 'PROOF_LASTS_MS')),
  ],
  [PROTOCOL, 'at most `max(2 × dead, {})` old', s(oldest)],
  [PROTOCOL, "For the first {} a ballot isn't won", s(protocol('election/tally', 'SHORT_LEASE_WAITS_MS'))],
  [
    PROTOCOL,
    'at most {} min ahead, and {} min more where clocks differ;',
    protocol('orders/handover', 'HANDOVER_LASTS_MS') / 60_000,
    protocol('membership/bounded', 'CLOCKS_AGREE_MS') / 60_000,
  ],
  [PROTOCOL, 'at most every {}; one that can', s(protocol('observation/idle-reads', 'AGAIN_MS'))],
  [PROTOCOL, 'it is asked again, at most every {}.', s(protocol('observation/idle-reads', 'AGAIN_MS'))],
  [PROTOCOL, 'is read on every {} while', s(protocol('observation/idle-reads', 'AGAIN_MS'))],
  [PROTOCOL, 'as well, at most the last {}.', protocol('model/address-state', 'MAX_HELD_BEFORE')],
  [PROTOCOL, 'by more than {} was this node', ms(protocol('observation/check', 'LATE_TOLERANCE_MS'))],
  [PROTOCOL, 'by dry run every {}.', word(protocol('observation/idle-reads', 'PERMIT_EVERY_MS') / 60_000)],
  [PROTOCOL, 'Failed reads are repeated after {},', s(protocol('observation/idle-reads', 'AGAIN_MS') * 2)],
  [
    PROTOCOL,
    'at most {} rumours, at most {} peers about which',
    protocol('model/limits', 'MAX_RUMOURS'),
    protocol('model/limits', 'MAX_RUMOURS'),
  ],
  [PROTOCOL, 'The id gets no lease for {},', s(protocol('election/campaign', 'DUPLICATE_MS'))],
  [PROTOCOL, 'a window of {}, below which', protocol('wire/freshness', 'WINDOW')],
  [PROTOCOL, '{} at most. Ballots carry its digest', word(MAX_VOTERS)],
  [PROTOCOL, 'or open for longer than {}.', s(protocol('election/campaign', 'BALLOT_LASTS_MS'))],
  [PROTOCOL, 'else {} doubling to {}, and at once on', ...backoffs],
  [
    PROTOCOL,
    'min(guard.timeout, {} × lease) − {}) / 3, {}, {})`',
    protocol('takeover/view', 'GUARD_SHARE'),
    ms(protocol('takeover/view', 'VOTE_SHARE_MS')),
    ms(minCall),
    s(maxCall),
  ],
  [PROTOCOL, 'for which no lease waits, {}.', s(protocol('observation/idle-reads', 'IDLE_CALL_TIMEOUT_MS'))],
  [PROTOCOL, 'is tried again soon (see _Rests_), doubling to {}.', longestDuty],
  [PROTOCOL, 'The longest rest is {} at first and doubles', ms(protocol('calls', 'FIRST_THROTTLE_MS'))],
  [
    PROTOCOL,
    'each rest is drawn from {} to the longest (full jitter)',
    ms(protocol('calls', 'LEAST_REST_MS')),
  ],
  [PROTOCOL, 'three throttles in a row cost {} on average', threeThrottles],
  [PROTOCOL, 'two reads a second apart agree, {} at most', s(protocol('settle', 'SETTLE_MS'))],
  [
    PROTOCOL,
    'A throttle is a definite no: rest (see _Rests_), doubling to {}, and make the same call',
    s(protocol('calls', 'MAX_THROTTLE_MS')),
  ],
  [PROTOCOL, 'After {} without an answer the move stands', s(protocol('move', 'VERIFY_MS'))],
  [
    PROTOCOL,
    'tried again after {} doubling to {} until it is accepted',
    s(protocol('reporting/outbox', 'FIRST_RETRY_MS')),
    s(protocol('reporting/outbox', 'MAX_RETRY_MS')),
  ],
  [PROTOCOL, 'less than {} apart count as one', s(protocol('observation/holder', 'SAME_CHANGE_MS'))],
  [PROTOCOL, 'counts only {} after the change', s(protocol('takeover/damping', 'SERVES_WITHIN_MS'))],
  [PROTOCOL, 'only peers have told of are at most {}, and push', protocol('membership/hearsay', 'MAX_TOLD')],
  [
    PROTOCOL,
    'its own reads still show {} after it was said',
    s(protocol('observation/holder', 'READS_LAG_MS')),
  ],
  [
    PROTOCOL,
    'is older than reads lag ({}) and than reads are apart ({} for each address)',
    s(protocol('observation/holder', 'READS_LAG_MS')),
    s(protocol('observation/idle-reads', 'READ_EVERY_MS')),
  ],
  [
    PROTOCOL,
    'it asks the cloud, at most every {}, and keeps',
    s(protocol('membership/hearsay', 'SELF_READ_MS')),
  ],
  [
    PROTOCOL,
    "doesn't count for {} min,\n  doubling to {} h each time",
    protocol('membership/hearsay', 'FIRST_DISTRUST_MS') / 60_000,
    protocol('membership/hearsay', 'MAX_DISTRUST_MS') / 3_600_000,
  ],
  [
    PROTOCOL,
    'ask at once for {} messages, and one a second more',
    protocol('membership/budget', 'MOST_NEWS'),
  ],
  [
    'docs/operations.md',
    'has had more than {} pieces of news, and more than one a second since',
    protocol('membership/budget', 'MOST_NEWS'),
  ],
  [PROTOCOL, 'its time ({} min at most;', protocol('orders/handover', 'HANDOVER_LASTS_MS') / 60_000],
  [PROTOCOL, '(`2 × max(2 × dead, {})`)', s(oldest)],
  [PROTOCOL, '**Which are remembered**: {}, each', protocol('model/limits', 'MAX_HANDOVERS')],
  [PROTOCOL, 'a {}th open one', protocol('model/limits', 'MAX_HANDOVERS') + 1],
  [
    PROTOCOL,
    'detect + lease + {} + rank × gossip.timeout + {} + guard.timeout + 3 × call time-out + {}',
    backoffs[1],
    s(protocol('election/campaign', 'BALLOT_LASTS_MS')),
    s(protocol('takeover/damping', 'SERVES_WITHIN_MS')),
  ],
  [PROTOCOL, 'compared with {} for drifting clocks', ms(sim('invariants/calls', 'TOLERANCE_MS'))],
  [PROTOCOL, 'an attempt every {} ', s(sim('invariants/duty', 'MAX_REST_MS'))],
  [PROTOCOL, 'no more than {} ballots in the last minute', sim('world/convergence', 'MAX_BALLOTS')],
  [PROTOCOL, 'While an id runs twice, and {} longer', s(sim('invariants/duplicate-ids', 'TWICE_MS'))],

  [
    CONFIGURATION,
    'At most {} candidates and witnesses in a cluster, this node included, and at least 2.',
    MAX_VOTERS,
  ],
  [CONFIGURATION, 'so {} voters stand the loss of {}, and {} of no more', 3, 3 - majorityOf(3), 4],
  [CONFIGURATION, 'base64 of {} bytes, one a line', agent('auth/keys', 'KEY_BYTES')],
  [CONFIGURATION, 'The cluster shares at most {}, and every address', addresses],
  [
    CONFIGURATION,
    'for up to {} attempts on fresh connections at {}, {} and {} of it',
    word(ATTEMPT_STARTS.length),
    ...ATTEMPT_STARTS.slice(0, 2).map((part) => part * 100),
    `${(ATTEMPT_STARTS[2] ?? 0) * 100} %`,
  ],
  [
    CONFIGURATION,
    '`min({}s, max({}ms, (lease - min(guard.timeout, {} × lease) - {}ms) / 3))`',
    maxCall / 1_000,
    minCall,
    protocol('takeover/view', 'GUARD_SHARE'),
    protocol('takeover/view', 'VOTE_SHARE_MS'),
  ],
  [CONFIGURATION, 'or with more than {} voters, fewer than 2,', MAX_VOTERS],

  [PROTOCOL, 'its taker and its epoch, at most {}.', protocol('takeover/episode-state', 'MAX_TRIES')],
  [
    PROTOCOL,
    'left alone for {}, after the second for {}, doubling to {} (',
    firstWait,
    secondWait,
    longestWait,
  ],
  [PROTOCOL, 'The {} and the limit of an hour stay', firstWait],
  [PROTOCOL, 'A record names the newest {} moves', protocol('takeover/episode-state', 'MAX_TOLD_TRIES')],
  [
    PROTOCOL,
    'and {} at least (`failover-time.ts`)',
    s(protocol('takeover/failover-time', 'LEAST_BLOCKED_AFTER_MS')),
  ],
  [PROTOCOL, 'wait for one another, by id, {} each', s(protocol('takeover/blocked', 'VOICE_STEP_MS'))],
  [PROTOCOL, 'what is left of that wait ({} after', firstWait],
  [PROTOCOL, 'no move within {} of the last', firstWait],
  [
    'docs/operations.md',
    'left alone for {}, after the next move for {}, and so on up to {},',
    firstWait,
    secondWait,
    longestWait,
  ],
  ['docs/settings-leave-open.md', 'left alone for {}, and longer', firstWait],

  [PROTOCOL, 'as many changes as its budget has, {} at least;', protocol('model/state', 'MAX_CHANGES')],
  [PROTOCOL, 'tells its peers of the newest {},', protocol('membership/membership', 'MAX_TOLD_CHANGES')],
  [
    PROTOCOL,
    'and the last read began {} ago or longer, and beside the guard,',
    s(protocol('observation/early-reads', 'EARLY_READS_APART_MS')),
  ],
  [
    PROTOCOL,
    "and but for the guard's {} apart; so an",
    s(protocol('observation/early-reads', 'EARLY_READS_APART_MS')),
  ],
  [
    PROTOCOL,
    'if that began at most {} ago, or waits',
    s(protocol('observation/early-reads', 'EARLY_READ_LASTS_MS')),
  ],
  [
    PROTOCOL,
    'began at most {} before the move, and after',
    s(protocol('observation/early-reads', 'EARLY_READ_LASTS_MS')),
  ],
  [PROTOCOL, 'is one that lags, for {}, unless', s(protocol('observation/holder', 'READS_LAG_MS'))],
  [PROTOCOL, 'on disk too, for {} min:', protocol('late', 'LATE_LASTS_MS') / 60_000],
  [PROTOCOL, 'but not within {} of a change', s(protocol('takeover/damping', 'SERVES_WITHIN_MS'))],
  [PROTOCOL, '`telling.ts` | {} after', s(sim('invariants/telling', 'TOLD_WITHIN_MS'))],
  [
    'docs/operations.md',
    'is written once in {} minutes',
    word(agent('observe/history', 'SAME_ANSWER_MS') / 60_000),
  ],
  [
    'docs/cloud.md',
    'public one of its own after {} seconds',
    cloudModel('state', 'autoAddressDelayMs') / 1_000,
  ],

  [
    'docs/exploration.md',
    '`--faults N` | faults in one history, the reason to move not counted | {} |',
    DEFAULT_BOUNDS.faults,
  ],
  ['docs/exploration.md', 'the reason may come | {} |', DEFAULT_BOUNDS.phases],
  [
    'docs/exploration.md',
    '| `--horizon 3s` | how long every choice is followed | {} |',
    s(DEFAULT_BOUNDS.horizonMs),
  ],
  [
    'docs/exploration.md',
    '| {}, {}, {} | | `--depth N`',
    DEFAULT_BOUNDS.addresses,
    DEFAULT_BOUNDS.epochs,
    DEFAULT_BOUNDS.inFlight,
  ],
  [
    'docs/exploration.md',
    'none, {} million, none',
    sim('commands/explore-command', 'MAX_STATES') / 1_000_000,
  ],
  ['docs/exploration.md', 'in quanta of {}.', ms(sim('explore/bounds', 'QUANTUM_MS'))],
  ['docs/exploration.md', 'What happens within {}:', ms(sim('explore/bounds', 'QUANTUM_MS'))],
  [
    'docs/exploration.md',
    'comes {} or {} late',
    2 * QUANTUM_MS,
    ms(EXPLORED_SETTINGS.gossip.timeoutMs + QUANTUM_MS),
  ],
  ['docs/exploration.md', 'is back after {} or {};', ms(restarts[0]), s(restarts[1])],
  [
    'docs/exploration.md',
    'stands still for {} (less than `gossip.dead`) or {} (more',
    ms(pauses[0]),
    s(pauses[1]),
  ],
  ['docs/exploration.md', 'so late that {} later ones', sim('explore/canonical', 'WINDOW')],
  ['docs/exploration.md', 'cut for {}, or for good', s(sim('explore/faults', 'CUT_MS'))],
  [
    'docs/exploration.md',
    'is dead for {} or for good; a node has no way out for {} or for good',
    ms(sim('explore/faults', 'FLAP_MS')),
    s(sim('explore/faults', 'BLIND_MS')),
  ],

  ['docs/http.md', 'on `api.listen`, port {} by default', port],
  [
    CONFIGURATION,
    'each of {} to {} visible ASCII',
    numberAt('packages/agent/src/auth/tokens.ts', /\{(\d+),\d+\}/),
    numberAt('packages/agent/src/auth/tokens.ts', /\{\d+,(\d+)\}/),
  ],
  [CONFIGURATION, 'and has at most {} operators', agent('auth/operators', 'MAX_OPERATORS')],
  [CONFIGURATION, 'All of at most {} count', agent('auth/tokens', 'MAX_TOKENS')],
  ['docs/http.md', 'at most {} min off', agent('http/readers', 'READ_CLOCK_TOLERANCE_MS') / 60_000],
  [
    'docs/http.md',
    'entries, {} by default and at most {}, which',
    agent('http/history-body', 'DEFAULT_HISTORY_LIMIT'),
    thousands(agent('http/history-body', 'MAX_HISTORY_LIMIT')),
  ],
  [
    'docs/http.md',
    'for {} and {} each, at most {} nodes, voters',
    s(numberAt(CLUSTER_VIEW, /timeoutMs: ([\d_]+)/)),
    kib(numberAt(CLUSTER_VIEW, /maxBytes: ([\d_]+)/)),
    agent('http/cluster-view', 'MAX_ASKED'),
  ],
  ['docs/http.md', 'A reader waits {} at most', ms(agent('http/cluster-view', 'WAIT_MS'))],
  ['docs/http.md', 'It ends after {} min', stream('lastsMs') / 60_000],
  [
    'docs/http.md',
    'There are {} streams of events at most, {} of one address',
    stream('maxStreams'),
    stream('maxStreamsPerAddress'),
  ],
  ['docs/http.md', 'One with more than {} unsent', kib(stream('maxUnsentBytes'))],
  ['docs/http.md', 'takes nothing for {} (', s(stream('stuckMs'))],
  ['docs/http.md', 'of more than {} the oldest', mib(agent('http/history-body', 'MAX_HISTORY_BYTES'))],
  ['docs/http.md', 'no number from 1 to {} |', agent('http/history-body', 'MAX_HISTORY_LIMIT')],
  [
    'docs/http.md',
    'budget of {} pieces of {} a second',
    agent('http/intake', 'PIECES_PER_SECOND'),
    kib(agent('http/intake', 'PIECE_BYTES')),
  ],
  [
    'docs/http.md',
    'no more than {} requests a second served, on all its connections ({} at once after a rest; over TLS {} a second)',
    REQUESTS_PER_SECOND,
    REQUESTS_PER_SECOND,
    `${SECURE_KIB_PER_SECOND} KiB`,
  ],
  [
    'docs/http.md',
    'of one sender {} a second ({} at once',
    agent('auth/order-proofs', 'PROOFS_PER_SECOND'),
    agent('auth/order-proofs', 'MAX_PROOFS_AT_ONCE'),
  ],
  ['docs/http.md', 'waits unread, and after {} is', within('headersMs')],
  [
    'docs/http.md',
    "Of one stranger's address {} new connections a second are taken in, and of all of them {} ({} at once",
    agent('http/arrivals', 'ARRIVALS_PER_SECOND'),
    agent('http/arrivals', 'ALL_ARRIVALS_PER_SECOND'),
    agent('http/connections', 'MAX_CONNECTIONS'),
  ],
  [
    PROTOCOL,
    'of up to {} sessions that have ordered something, beyond which an order is challenged again, and apart from these of {} that',
    protocol('orders/operator-sessions', 'MAX_OPERATORS'),
    protocol('orders/operator-sessions', 'MAX_OPERATORS'),
  ],
  [CONFIGURATION, '`failtome run` waits up to {} for one', s(agent('cli/run', 'ADDRESS_WITHIN_MS'))],
  [
    'docs/http.md',
    'at most {} times a second ({} at once after a rest)',
    agent('http/rationed', 'VIEWS_PER_SECOND'),
    agent('http/rationed', 'VIEWS_AT_ONCE'),
  ],
  [
    'docs/http.md',
    'Headers have {} and {}, a request {} and {}.',
    kib(agent('http/http-server', 'MAX_HEADER_BYTES')),
    within('headersMs'),
    kib(protocol('model/limits', 'MAX_MESSAGE_BYTES')),
    within('requestMs'),
  ],
  ['docs/http.md', "isn't taken within {} is cut off", within('answerMs')],
  ['docs/http.md', 'There are {} connections;', thousands(agent('http/connections', 'MAX_CONNECTIONS'))],
  [
    'docs/http.md',
    'a connection has {} to become secure, {} at once are on the way to that, and {} handshakes',
    within('handshakeMs'),
    agent('http/handshakes', 'MAX_HANDSHAKES'),
    agent('http/handshakes', 'HANDSHAKES_PER_SECOND'),
  ],
  ['docs/certificates.md', 'A connection has {} from its', within('handshakeMs')],
  ['docs/certificates.md', 'of one who has shown a key {} a second', `${SECURE_KIB_PER_SECOND} KiB`],
  [
    'docs/certificates.md',
    'the HTTP parser, {} pieces of {} a second',
    agent('http/intake', 'PIECES_PER_SECOND'),
    kib(agent('http/tls-taps', 'PIECE_BYTES')),
  ],
  [
    'docs/certificates.md',
    'At most {} are under way at once, beyond the {} of',
    agent('http/handshakes', 'MAX_HANDSHAKES'),
    agent('http/connections', 'MAX_CONNECTIONS'),
  ],
  [
    'docs/certificates.md',
    '{} handshakes a second are begun ({} at once',
    agent('http/handshakes', 'HANDSHAKES_PER_SECOND'),
    agent('http/handshakes', 'HANDSHAKES_PER_SECOND'),
  ],
  ['docs/http.md', 'of strangers are {} at most;', mib(agent('http/intake', 'MAX_HELD_BYTES'))],
  ['docs/http.md', 'more than {} of body', kib(protocol('model/limits', 'MAX_MESSAGE_BYTES'))],
  ['docs/logging.md', 'at most {} MiB is kept', agent('observe/output', 'MAX_BACKLOG_BYTES') / 1_048_576],
  ['docs/logging.md', 'reason in {},', s(agent('observe/log', 'REJECTION_QUIET_MS'))],

  ['docs/mutants.md', 'seeds of the swarm, from 1 on | {} |', mutantDefault('seeds')],
  ['docs/mutants.md', 'seeds of each focus | {} |', mutantDefault('focus')],
  ['docs/mutants.md', 'after which nothing new is begun | {} |', mutantDefault('limit')],
  ['docs/mutants.md', '0 leaves it out | {} |', mutantDefault('explore')],
  ['docs/mutants.md', 'so many mutants at a time | {} |', mutantDefault('jobs')],

  ['docs/operations.md', 'Between the witness and each node: TCP {}, both ways', port],
  ['docs/operations.md', 'a quarter of the lease or so, {} at most', s(maxCall)],
  [
    'docs/operations.md',
    'it is tried again at most {} later',
    s(protocol('observation/idle-reads', 'AGAIN_MS') * 2),
  ],
  ['docs/operations.md', 'wider than `COLUMNS`, or {} columns', agent('cli/text', 'USUAL_WIDTH')],
  ['docs/operations.md', 'Larger than {}.', kib(protocol('model/limits', 'MAX_MESSAGE_BYTES'))],
  ['docs/operations.md', '{} voters at most; others are `member`', word(MAX_VOTERS).replace('s', 'S')],
  ['docs/report.md', 'Up to {} records are told', sim('record/causes', 'MAX_CAUSES')],
  [
    'docs/report.md',
    'A trace is kept to {} million characters',
    sim('record/files', 'MAX_CHARS') / 1_000_000,
  ],
  [
    'docs/settings-leave-open.md',
    'by dry run every {} minutes and believed for {}:',
    word(protocol('observation/idle-reads', 'PERMIT_EVERY_MS') / 60_000),
    word(protocol('takeover/view', 'PERMISSION_LASTS_MS') / 60_000),
  ],
  ['docs/settings-leave-open.md', 'until it is held, {} apart at most', longestDuty],
  ['docs/swarm.md', 'stop after so many; default {} |', violations],
  ['docs/swarm.md', 'A swarm of fewer than {} seeds', sim('swarm/coverage', 'JUDGED_FROM_SEEDS')],
  ['docs/swarm.md', 'costs {} seconds', word(sim('commands/swarm-command', 'LEDGER_EVERY_MS') / 1_000)],

  [
    'packages/sim/src/commands/swarm-command.ts',
    'default {}s',
    sim('commands/swarm-command', 'DEFAULT_FOR_MS') / 1_000,
  ],
  [
    'packages/agent/deploy/systemd/failtome.service',
    'A goodbye takes up to {}',
    s(
      agent('run', 'GOODBYE_WITHIN_MS') +
        agent('run', 'CLOSE_WITHIN_MS') +
        agent('observe/log', 'END_WITHIN_MS'),
    ),
  ],
  [
    'packages/agent/deploy/systemd/failtome.service',
    'it is handed over before, within {}',
    s(agent('hand-over', 'HAND_OVER_WITHIN_MS')),
  ],
  [
    'docs/configuration.md',
    'while this node holds an address, every {}, and what is scheduled every {},',
    s(agent('watch-notices', 'ASK_EVERY_MS')),
    `${agent('adapters/reclaim-notices', 'MAINTENANCE_AGAIN_MS') / 60_000} min`,
  ],
  [
    'docs/configuration.md',
    'begins in {} or less',
    `${agent('adapters/reclaim-notices', 'AHEAD_MS') / 60_000} min`,
  ],
  [
    'docs/operations.md',
    'within the next {},',
    `${agent('adapters/reclaim-notices', 'AHEAD_MS') / 60_000} min`,
  ],
  ['docs/configuration.md', 'it takes up to {} more', s(agent('hand-over', 'HAND_OVER_WITHIN_MS'))],
  [
    'docs/operations.md',
    'as `failtome handover`, in {} at most',
    s(agent('hand-over', 'HAND_OVER_WITHIN_MS')),
  ],
];

/** `(default N)` of an option in the mutants' help. */
function mutantDefault(option: string): number {
  return numberAt('test/mutants/main.ts', new RegExp(`${option}: \\{ type: 'string', default: '(\\d+)'`));
}
