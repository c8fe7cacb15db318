/**
 * What the gauges show, taken from the state at the moment of a scrape.
 */
import type { DurationMs, Fitness, Ip, NodeId, PeerState, Verdict } from '@failtome/protocol';

/** One gate of the takeover rule, as it stood when it was last asked. */
export interface GateGauge {
  readonly name: string;
  readonly passed: boolean;
}

export interface AddressGauge {
  readonly ip: Ip;
  readonly verdict: Verdict;
  /** This node holds it. */
  readonly holder: boolean;
  readonly holdDownMs: DurationMs;
  readonly gates: readonly GateGauge[];
}

/** A snapshot of everything that a gauge shows. */
export interface GaugeView {
  readonly addresses: readonly AddressGauge[];
  readonly peers: readonly { readonly id: NodeId; readonly state: PeerState }[];
  readonly fit: Fitness;
  readonly paused: boolean;
  readonly takeoverReady: boolean;
  readonly notificationsPending: number;
}
