/** What `tune` takes the network, the machines and the cloud to be like. */
import type { PacketSpec } from '../world/index.ts';

/** A network, its machines and its cloud, without any fault that a failover is for. */
export interface NetworkModel {
  readonly packets: PacketSpec;
  /** A machine stands still, so many times an hour, for so long. */
  readonly standstills: { readonly perHour: number; readonly ms: number };
  /** From a call to the cloud until it is applied, and from there to its answer. */
  readonly cloud: {
    readonly applyMs: readonly [number, number];
    readonly answerMs: readonly [number, number];
  };
  /** From an association to the first packet that follows it. */
  readonly associationSettleMs: number;
}

/** A network within one region, as such networks usually are. */
export const USUAL_NETWORK: NetworkModel = {
  packets: {
    loss: 0.01,
    bursts: { perHour: 0, ms: 400 },
    peerRttMs: [0.3, 2],
    outsideRttMs: [1, 6],
    externalIpMs: [20, 120],
  },
  standstills: { perHour: 0, ms: 400 },
  cloud: { applyMs: [60, 140], answerMs: [40, 60] },
  associationSettleMs: 300,
};
