/**
 * Every list of codes, once: the types, the codec, metrics, the documentation's tests and the simulator's catalogues
 * derive from these. Reasons of the takeover rule are in `reasons.ts`.
 */

/** What the probes of an address amount to. */
export const VERDICTS = ['up', 'down', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Whether a node's own HAProxy serves. */
export const FITNESSES = ['fit', 'unfit', 'unknown'] as const;
export type Fitness = (typeof FITNESSES)[number];

/** `unknown`: not heard since the start. */
export const PEER_STATES = ['alive', 'suspect', 'dead', 'unknown'] as const;
export type PeerState = (typeof PEER_STATES)[number];

/** Why a ballot is held: a failure, or an operator's wish. */
export const BALLOT_MODES = ['takeover', 'handover'] as const;
export type BallotMode = (typeof BALLOT_MODES)[number];

/** `pending` promises nothing: the voter is still looking, and will answer again. */
export const BALLOT_ANSWERS = ['grant', 'blind', 'refuse', 'pending'] as const;
export type BallotAnswerKind = (typeof BALLOT_ANSWERS)[number];

/** Each code of PROTOCOL.md, "Answers", with the answer that it explains. */
export const BALLOT_ANSWER_OF = {
  down: 'grant',
  consent: 'grant',
  'no-way-out': 'blind',
  undecided: 'pending',
  up: 'refuse',
  paused: 'refuse',
  'held-down': 'refuse',
  'move-did-not-help': 'refuse',
  'never-answered': 'refuse',
  lent: 'refuse',
  'lease-unknown': 'refuse',
  'stale-epoch': 'refuse',
  'unfit-candidate': 'refuse',
  starting: 'refuse',
  electorate: 'refuse',
  'no-vote': 'refuse',
  'unknown-address': 'refuse',
  storage: 'refuse',
  stopping: 'refuse',
  'duplicate-id': 'refuse',
  'no-handover': 'refuse',
  'unknown-candidate': 'refuse',
} as const;
export type BallotReason = keyof typeof BALLOT_ANSWER_OF;
export const BALLOT_REASONS: readonly BallotReason[] = Object.keys(BALLOT_ANSWER_OF) as BallotReason[]; // its own keys

/** How a ballot ends. */
export const BALLOT_RESULTS = ['won', 'lost', 'dropped'] as const;
export type BallotResult = (typeof BALLOT_RESULTS)[number];

/**
 * Why a message was not admitted; `implausible`: it was, without a part that no honest node could have said;
 * `unproven`: it was, without an order that no operator has signed; `over-budget`: it was, but isn't hurried on. 401: `unsigned`, `signature`. 403: `cluster`, `not-for-me`, `reflected`,
 * `unknown-sender`. 409: `session`, `stale`, `replayed`.
 */
export const REJECT_REASONS = [
  'unsigned',
  'signature',
  'cluster',
  'not-for-me',
  'reflected',
  'unknown-sender',
  'session',
  'stale',
  'replayed',
  'malformed',
  'too-large',
  'too-slow',
  'tls',
  'unasked',
  'implausible',
  'unproven',
  'over-budget',
  'overloaded',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** `refused`: nobody listens. `status`: an answer that was not 200 and carried no authentic message. */
export const SEND_FAILURES = [
  'timeout',
  'refused',
  'unreachable',
  'status',
  'unauthentic',
  'malformed',
] as const;
export type SendFailure = (typeof SEND_FAILURES)[number];

/** What went wrong with a probe or a local check. */
export const CHECK_FAILURES = [
  'refused',
  'timeout',
  'reset',
  'unreachable',
  'status',
  'tls',
  'protocol',
  'name',
] as const;
export type CheckFailure = (typeof CHECK_FAILURES)[number];

/** Why no external IP is known. */
export const EXTERNAL_IP_FAILURES = [
  'timeout',
  'unreachable',
  'refused',
  'redirect',
  'status',
  'not-an-address',
  'wrong-family',
  'not-public',
  'disagree',
] as const;
export type ExternalIpFailure = (typeof EXTERNAL_IP_FAILURES)[number];

/** How a request to the cloud ended. */
export const CLOUD_REQUEST_RESULTS = ['ok', 'throttled', 'refused', 'unknown'] as const;
export type CloudRequestResult = (typeof CLOUD_REQUEST_RESULTS)[number];

/** How a handover stands by its record. */
export const HANDOVER_STATES = ['open', 'done', 'failed', 'expired'] as const;
export type HandoverState = (typeof HANDOVER_STATES)[number];

/** How it stands for people: a failed one that was taken back is `withdrawn`. */
export const HANDOVER_STANDINGS = ['open', 'done', 'failed', 'expired', 'withdrawn'] as const;
export type HandoverStanding = (typeof HANDOVER_STANDINGS)[number];

/** How a node learned who holds an address. */
export const HOLDER_SOURCES = ['read', 'taken', 'external-ip', 'gossip'] as const;
export type HolderSource = (typeof HOLDER_SOURCES)[number];

/** The parts of a takeover that are timed. `total` runs from the first failed probe to the end of verification. */
export const MOVE_STEPS = [
  'detect',
  'agree',
  'guard',
  'read',
  'release',
  'take',
  'settle',
  'verify',
  'total',
] as const;
export type MoveStep = (typeof MOVE_STEPS)[number];

/** `served`: moved and answering. `moved`: moved, not seen to answer. `lost-race`, `refused`, `abandoned`: not moved. */
export const MOVE_RESULTS = ['served', 'moved', 'lost-race', 'refused', 'abandoned'] as const;
export type MoveResult = (typeof MOVE_RESULTS)[number];
