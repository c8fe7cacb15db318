/**
 * The failover protocol: a deterministic state machine, the loop that hosts it, and the ports it wants.
 * PROTOCOL.md says what it guarantees and what a host owes it.
 */
export { ballotElectorate } from './ballot.ts';
export type { DecodedDocument, DecodedMessage } from './codec.ts';
export {
  decodeDocument,
  decodeMessage,
  encodeDocument,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  PAYLOAD_FORM,
} from './codec.ts';
export * from './codes.ts';
export type {
  AddressConfig,
  CheckConfig,
  DriverConfig,
  MoveStyle,
  OrderRule,
  PeerConfig,
  ProtocolConfig,
  Role,
} from './config.ts';
export { MAX_ADDRESSES, MAX_FLAP_MOVES, MAX_PEERS, MAX_VOTERS } from './config.ts';
export { nextDeadline } from './deadline.ts';
export { foreignTo } from './document.ts';
export type {
  DurableAddress,
  DurableDocument,
  DurableLease,
  MoveIntent,
  OutboxEntry,
} from './durable.ts';
export { DOCUMENT_VERSION } from './durable.ts';
export type * from './effects.ts';
export { factText, requestText } from './fact-text.ts';
export type * from './facts.ts';
export { blockedAfterMs, defaultBlockedAfterMs } from './failover-time.ts';
export { HANDOVER_LASTS_MS } from './handover.ts';
export type { Event, Host, HostCore, HostTurn, Ports } from './host.ts';
export { createHost, hostStep, MAX_QUEUE, newHostCore } from './host.ts';
export { initialState } from './initial.ts';
export type * from './inputs.ts';
export type { GateNotAsked, Rung } from './ladder.ts';
export { ladder } from './ladder.ts';
export type * from './messages.ts';
export { WIRE_VERSION } from './messages.ts';
export { isOperator, OPERATOR_PREFIX } from './operator.ts';
export type { HandoverTerms, HandoverWish, PauseWish, ShownOrders } from './order-terms.ts';
export { handoverTerms, pauseTerms, resumeTerms } from './order-terms.ts';
export type { IsProven, Signable } from './orders.ts';
export { disprovedIn, orderText, withProvenOrders, withProvenState, wordingFault } from './orders.ts';
export { BLOCKED_SUBJECT, isoTime, TAKEOVER_SUBJECT } from './outbox.ts';
export { escapedJson, escapedText, plainText, UNSHOWN } from './plain-text.ts';
export { electorateDigest, electorateFaults, majorityOf, votersOf } from './quorum.ts';
export type { ReadinessView, ReadinessWord } from './readiness.ts';
export { ownReadiness } from './readiness.ts';
export type { GateName, Outcome, Reason } from './reasons.ts';
export { GATES, REASONS } from './reasons.ts';
export type { Form } from './shape.ts';
export type { State } from './state.ts';
export type {
  AddressView,
  GateState,
  GateView,
  HandoverView,
  HolderView,
  PauseView,
  PeerView,
  StatusView,
  WhyView,
} from './status.ts';
export { isFinishingMove, isHolder, readyView, statusOf, takeoverReady, whyOf } from './status.ts';
export type { StepResult } from './step.ts';
export { step } from './step.ts';
export type {
  GateAnswer,
  GateClosed,
  GateOpen,
  TakeoverDecision,
  TakeoverView,
  UnfinishedMove,
} from './takeover.ts';
export { decide, RULE } from './takeover.ts';
export type { TakeoverPhase } from './takeover-phase.ts';
export { MOVE_PHASES, TAKEOVER_PHASES, takeoverPhase } from './takeover-phase.ts';
export type * from './units.ts';
export { NEVER } from './units.ts';
export { callTimeoutMs } from './view.ts';
export { counted, nounFor } from './wording.ts';
