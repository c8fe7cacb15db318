/**
 * Every list of codes, once: the types, the codec, metrics, the documentation's tests and the simulator's catalogues
 * derive from these. Reasons of the takeover rule are in `reasons.ts`.
 */

/** What the probes of an address amount to. */
export const VERDICTS = ['up', 'down', 'unknown'] as const;
/** A node's judgement of one address, from its own probes alone; `unknown` until it can prove its own way out. */
export type Verdict = (typeof VERDICTS)[number];

/** Whether a node's own HAProxy serves. */
export const FITNESSES = ['fit', 'unfit', 'unknown'] as const;
/** A node's judgement of its own HAProxy; `unknown` until a check has finished since the start or a stall. */
export type Fitness = (typeof FITNESSES)[number];

/** What people and programs may be told of, in the order of the reference. */
export const NOTICE_KINDS = [
  'taken',
  'lost',
  'blocked',
  'served',
  'unfit-holder',
  'holder-fit',
  'no-standby',
  'standby',
  'paused',
  'resumed',
  'handover-asked',
  'handover-ended',
] as const;
/** An event that a receiver may be told of. */
export type NoticeKind = (typeof NOTICE_KINDS)[number];
/** Something that begins and ends, each with an event of its own. */
export type Trouble = 'outage' | 'unfit' | 'no-standby';

/** Which trouble an event begins or ends; null: it is an event by itself. */
export const TROUBLE_OF: Readonly<Record<NoticeKind, Trouble | null>> = {
  taken: null,
  lost: null,
  blocked: 'outage',
  served: 'outage',
  'unfit-holder': 'unfit',
  'holder-fit': 'unfit',
  'no-standby': 'no-standby',
  standby: 'no-standby',
  paused: null,
  resumed: null,
  'handover-asked': null,
  'handover-ended': null,
};

/** `unknown`: not heard since the start. */
export const PEER_STATES = ['alive', 'suspect', 'dead', 'unknown'] as const;
/** A node's judgement of a peer, from its own messages and those of others; for display and gossip, never for ballots. */
export type PeerState = (typeof PEER_STATES)[number];

/** Why a ballot is held: a failure, or an operator's wish. */
export const BALLOT_MODES = ['takeover', 'handover'] as const;
/** A handover's ballot needs no failure, and its voters answer by another set of rules than for a takeover. */
export type BallotMode = (typeof BALLOT_MODES)[number];

/** `pending` promises nothing: the voter is still looking, and will answer again. */
export const BALLOT_ANSWERS = ['grant', 'blind', 'refuse', 'pending'] as const;
/**
 * A voter's answer without its reason. `grant` and `blind` lend the voter's lease, and only `grant` counts as having
 * seen the address down.
 */
export type BallotAnswerKind = (typeof BALLOT_ANSWERS)[number];

/** Each code of PROTOCOL.md, "Answers", with the answer that it explains. */
export const BALLOT_ANSWER_OF = {
  down: 'grant',
  consent: 'grant',
  'no-way-out': 'blind',
  arbiter: 'blind',
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
/** A voter's reason, as it stands in messages, metrics and the history. A later version may send one that isn't listed here. */
export type BallotReason = keyof typeof BALLOT_ANSWER_OF;
/** All of them as a list, for metrics and checks that need each once. */
export const BALLOT_REASONS: readonly BallotReason[] = Object.keys(BALLOT_ANSWER_OF) as BallotReason[]; // its own keys

/** How a ballot ends. */
export const BALLOT_RESULTS = ['won', 'lost', 'dropped'] as const;
/** `dropped`: given up by the candidate itself, before it was won or could no longer be. */
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
/** The code by which a message that was refused, or a part of one that was left out, is counted and answered. */
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
/** Why a request to a peer brought no answer, as the transport saw it. Whether the peer got it isn't known after `timeout`. */
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
/** Each is a conclusive failure of the target; a check that couldn't run is `inconclusive` instead, and has no code. */
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
/**
 * Why an ask of the external-IP service proves nothing; of several services `disagree` means that they named
 * different addresses.
 */
export type ExternalIpFailure = (typeof EXTERNAL_IP_FAILURES)[number];

/** How a request to the cloud ended. */
export const CLOUD_REQUEST_RESULTS = ['ok', 'throttled', 'refused', 'unknown'] as const;
/** `refused`: a definite no. `unknown`: no answer, or one after which the request may still have been applied. */
export type CloudRequestResult = (typeof CLOUD_REQUEST_RESULTS)[number];

/** How a handover stands by its record. */
export const HANDOVER_STATES = ['open', 'done', 'failed', 'expired'] as const;
/** As records carry it between nodes. It only advances: of two copies the one that has ended counts. */
export type HandoverState = (typeof HANDOVER_STATES)[number];

/** How it stands for people: a failed one that was taken back is `withdrawn`. */
export const HANDOVER_STANDINGS = ['open', 'done', 'failed', 'expired', 'withdrawn'] as const;
/** As status and history show it to people. */
export type HandoverStanding = (typeof HANDOVER_STANDINGS)[number];

/** How a node learned who holds an address. */
export const HOLDER_SOURCES = ['read', 'taken', 'external-ip', 'gossip'] as const;
/**
 * `read`: the cloud was asked. `taken`: the cloud's answer to this node's own call. `external-ip`: the outside saw
 * this node come from the address. `gossip`: a peer said so.
 */
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
/** The label under which a part's duration is recorded in metrics and in the history. */
export type MoveStep = (typeof MOVE_STEPS)[number];

/** `served`: moved and answering. `moved`: moved, not seen to answer. `lost-race`, `refused`, `abandoned`: not moved. */
export const MOVE_RESULTS = ['served', 'moved', 'lost-race', 'refused', 'abandoned'] as const;
/** How a history entry of a takeover or a handover ended. */
export type MoveResult = (typeof MOVE_RESULTS)[number];
