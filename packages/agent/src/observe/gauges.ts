/**
 * What the gauges show, taken from the state at the moment of a scrape.
 */
import {
  type DurationMs,
  type Fitness,
  type Instant,
  type Ip,
  isHolder,
  type NodeId,
  type PeerState,
  type State,
  statusOf,
  type Verdict,
  whyOf,
} from '@failtome/protocol';

import type { AuthMode } from '../auth/identities.ts';

/** One gate of the takeover rule, as it stands now. */
export interface GateGauge {
  readonly name: string;
  /** Null: an earlier gate is closed, and this one isn't asked. */
  readonly passed: boolean | null;
}

/** What the gauges show of one address. */
export interface AddressGauge {
  readonly ip: Ip;
  readonly verdict: Verdict;
  /** This node holds it. */
  readonly holder: boolean;
  readonly holdDownMs: DurationMs;
  /** The arbiter would lend its lease of it, as far as is known; null: there is none, or this node asks none. */
  readonly arbiterLends: boolean | null;
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
  /** What waits for each receiver. */
  readonly receivers: readonly { readonly name: string; readonly pending: number }[];
  readonly storageWritable: boolean;
  /** Every peer's messages need its own signature. */
  readonly identities: boolean;
}

/** Take the snapshot. The ladders are climbed anew for it, so it is for scrapes, not for every step. */
export function gaugeView(state: State, now: Instant, mode: AuthMode): GaugeView {
  const { addresses, peers, node, pause, notificationsPending } = statusOf(state, now);
  return {
    addresses: addresses.map(({ ip, verdict, holdDownMs, arbiter }) => ({
      ip,
      verdict,
      holder: isHolder(state, ip),
      holdDownMs,
      arbiterLends: arbiter === undefined ? null : arbiter === '',
      gates: whyOf(state, ip, now)?.gates ?? [],
    })),
    peers,
    fit: node.fit,
    paused: pause.paused,
    takeoverReady: node.ready,
    notificationsPending,
    receivers: state.config.notify.receivers.map(({ name }) => ({
      name,
      pending: state.outbox.filter(({ receiver }) => receiver === name).length,
    })),
    storageWritable: state.storage.failing === null,
    identities: mode === 'identities',
  };
}
