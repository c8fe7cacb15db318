/**
 * The failover protocol: a deterministic state machine, the loop that hosts it, and the ports it wants.
 * PROTOCOL.md says what it guarantees and what a host owes it.
 */

export type { Draft } from './copy.ts';
export { copyAddress, copyChannel, copyPeer, copySeries, copyState } from './copy.ts';
export { nextDeadline } from './deadline.ts';
export type { ArbiterItem } from './election/arbiter-item.ts';
export { decodeArbiterItem, encodeArbiterItem, standsStillFor } from './election/arbiter-item.ts';
export {
  ballotElectorate,
  electorateFaults,
  majorityOf,
  votersOf,
} from './election/quorum.ts';
export type { Event, Host, HostCore, HostTurn, Ports, RecorderPort } from './host.ts';
export { createHost, hostStep, newHostCore } from './host.ts';
export { MAX_REQUESTS_PER_SECOND } from './membership/budget.ts';
export * from './model/codes.ts';
export type {
  AddressConfig,
  CheckConfig,
  DriverConfig,
  FailbackConfig,
  MoveStyle,
  OrderRule,
  PeerConfig,
  ProtocolConfig,
  Receiver,
  Role,
} from './model/config.ts';
export {
  ARBITER,
  MAX_ADDRESSES,
  MAX_FLAP_MOVES,
  MAX_PEERS,
  MAX_RECEIVERS,
  MAX_VOTERS,
  TOPIC,
} from './model/config.ts';
export type * from './model/effects.ts';
export { initialState } from './model/initial.ts';
export type * from './model/inputs.ts';
export { MAX_MESSAGE_BYTES } from './model/limits.ts';
export type { GateName, Outcome, Reason } from './model/reasons.ts';
export { GATES, REASONS } from './model/reasons.ts';
export type { State } from './model/state.ts';
export type * from './model/units.ts';
export { NEVER } from './model/units.ts';
export { FAILBACK_OWNER, type HomeView, isSpanOpen, SPAN_OF_DAY, spanOf } from './orders/failback.ts';
export { HANDOVER_LASTS_MS } from './orders/handover.ts';
export { isOperator, OPERATOR_PREFIX } from './orders/operator.ts';
export type { HandoverTerms, HandoverWish, PauseWish, ShownOrders } from './orders/order-terms.ts';
export { handoverTerms, pauseTerms, resumeTerms } from './orders/order-terms.ts';
export type { IsProven, Signable } from './orders/orders.ts';
export { disprovedIn, orderText, withProvenOrders, withProvenState, wordingFault } from './orders/orders.ts';
export { isPaused } from './orders/pause.ts';
export { factText, requestText } from './reporting/fact-text.ts';
export type * from './reporting/facts.ts';
export { isoTime } from './reporting/iso-time.ts';
export { BLOCKED_SUBJECT, TAKEOVER_SUBJECT } from './reporting/notice-text.ts';
export { escapedJson, escapedText, plainText, UNSHOWN } from './reporting/plain-text.ts';
export type { ProtectionState, ProtectionView } from './reporting/standby.ts';
export { isFinishingMove, isHolder, readyView, statusOf, takeoverReady, whyOf } from './reporting/status.ts';
export type {
  AddressView,
  GateState,
  GateView,
  HandoverView,
  HolderView,
  PauseView,
  PeerView,
  StatusView,
  TakeoverProgress,
  WhyView,
} from './reporting/status-views.ts';
export { counted, nounFor } from './reporting/wording.ts';
export type { StepResult } from './step.ts';
export { step } from './step.ts';
export { foreignTo } from './storage/document.ts';
export type {
  DurableAddress,
  DurableDocument,
  DurableLease,
  MoveIntent,
  Notice,
  NoticeDetail,
  OutboxEntry,
  Releases,
} from './storage/durable.ts';
export { DOCUMENT_VERSION } from './storage/durable.ts';
export { blockedAfterMs } from './takeover/failover-time.ts';
export type { GateNotAsked, Rung } from './takeover/ladder.ts';
export { ladder } from './takeover/ladder.ts';
export type { ReadinessView, ReadinessWord } from './takeover/readiness.ts';
export { ownReadiness } from './takeover/readiness.ts';
export type {
  GateAnswer,
  GateClosed,
  GateOpen,
  TakeoverDecision,
  TakeoverView,
  UnfinishedMove,
} from './takeover/takeover.ts';
export { decide, RULE } from './takeover/takeover.ts';
export type { TakeoverPhase } from './takeover/takeover-phase.ts';
export { MOVE_PHASES, TAKEOVER_PHASES, takeoverPhase } from './takeover/takeover-phase.ts';
export { callTimeoutMs } from './takeover/view.ts';
export type { DecodedDocument, DecodedMessage } from './wire/codec.ts';
export {
  decodeDocument,
  decodeMessage,
  ENVELOPE_FORM,
  encodeDocument,
  encodeMessage,
  PAYLOAD_FORM,
} from './wire/codec.ts';
export type * from './wire/messages.ts';
export { WIRE_VERSION } from './wire/messages.ts';
export type { Form } from './wire/shape.ts';
