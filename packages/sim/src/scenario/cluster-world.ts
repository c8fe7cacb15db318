import {
  type NodeSpec,
  type Overrides,
  type PacketSpec,
  QUIET_PACKETS,
  SIM_DRIVERS,
  type WorldSpec,
} from '../world/index.ts';
import {
  type CloudPart,
  type ClusterPart,
  DEFAULT_ADDRESSES,
  type DiskPart,
  type NetworkPart,
  type NodePart,
  roleOf,
  type TimersPart,
} from './cluster-shape.ts';
import { type Given, merge, overridesOf, settingsOf } from './setting-table.ts';

const PER_MILLE = 1_000;

/** What a scenario says of its world. */
export interface WorldParts {
  readonly cluster: ClusterPart;
  readonly settings: Given;
  readonly cloud: CloudPart | undefined;
  readonly disk: DiskPart | undefined;
  readonly timers: TimersPart | undefined;
  /** Absent: links lose whole messages, and paths whole connections. */
  readonly network?: NetworkPart | undefined;
}

/** The world that these parts describe. */
export function worldOf(
  { cluster, settings: given, cloud, disk, timers, network }: WorldParts,
  seed: number,
): WorldSpec {
  const { nodes } = cluster;
  const addresses = cluster.addresses ?? DEFAULT_ADDRESSES;
  const first = nodes.findIndex((node) => roleOf(node) === 'candidate');
  const probes = addresses.flatMap(({ ip, probe }) =>
    probe === undefined ? [] : [[ip, settingsOf(merge(given, probe)).probe] as const],
  );
  const homes = addresses.flatMap(({ ip, home }) => (home === undefined ? [] : [[ip, home] as const]));
  const settings = settingsOf(given);
  return {
    seed,
    nodes: nodes.map((node, index) => nodeOf(node, index, given)),
    addresses: addresses.map(({ ip }) => ip),
    holders: addresses.map(({ holder }) =>
      holder === undefined ? first : holder === 'nobody' ? null : nodes.findIndex(({ id }) => id === holder),
    ),
    driver: SIM_DRIVERS.find((kind) => kind === given.get('driver.kind')) ?? 'ec2',
    settings: {
      ...settings,
      ...(probes.length === 0 ? {} : { probes: Object.fromEntries(probes) }),
      ...(homes.length === 0 ? {} : { homes: Object.fromEntries(homes) }),
    },
    cloud: {
      applyMs: pair(cloud?.apply, DEFAULTS.applyMs),
      answerMs: pair(cloud?.answer, DEFAULTS.answerMs),
      lostAnswerPerMille: cloud?.lostAnswers ?? 0,
    },
    associationSettleMs: cloud?.associationSettles ?? 0,
    autoAddressDelayMs:
      cloud?.newPublicAddress === undefined ? DEFAULTS.autoAddressDelayMs : cloud.newPublicAddress,
    staleDisassociate: cloud?.staleRelease ?? 'not-found',
    diskMs: pair(disk?.write, DEFAULTS.diskMs),
    timerLateMs: timers?.late ?? DEFAULTS.timerLateMs,
    occupied: nodes.flatMap(({ id, occupied }) => (occupied === true ? [id] : [])),
    ...(network === undefined ? {} : { packets: packetsOf(network) }),
  };
}

/** Round trips are those of a world that loses no packet. */
function packetsOf({ loss = 0 }: NetworkPart): PacketSpec {
  return { ...QUIET_PACKETS, loss: loss / PER_MILLE };
}

type Pair = readonly [number, number];

/** What a scenario's world is like unless it says otherwise. */
export const DEFAULTS: {
  readonly applyMs: Pair;
  readonly answerMs: Pair;
  readonly autoAddressDelayMs: number;
  readonly diskMs: Pair;
  readonly timerLateMs: number;
} = { applyMs: [10, 60], answerMs: [5, 30], autoAddressDelayMs: 60_000, diskMs: [0.5, 4], timerLateMs: 1 };

/** What the clock of a node shows at first, unless it is said; never the same on two. */
export const defaultOffsetMs = (index: number): number => 1_000 * (index + 1);

function pair(given: readonly number[] | undefined, otherwise: Pair): Pair {
  const [least, most] = given ?? [];
  return least === undefined || most === undefined
    ? otherwise
    : [Math.min(least, most), Math.max(least, most)];
}

function nodeOf(node: NodePart, index: number, cluster: Given): NodeSpec {
  const { id, priority = 100, boot, clock, nat, settings, peers, wire } = node;
  const overrides: Overrides = {
    ...(settings === undefined ? {} : { settings: overridesOf(settings, cluster) }),
    ...(peers === undefined ? {} : { peers }),
    ...(wire === undefined ? {} : { wire }),
  };
  return {
    id,
    role: roleOf(node),
    priority,
    clock: {
      offsetMs: clock?.offset ?? defaultOffsetMs(index),
      driftPpm: clock?.drift ?? 0,
      wallErrorMs: clock?.wallError ?? 0,
    },
    bootMs: boot === undefined ? 0 : boot,
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
    ...(nat === undefined ? {} : { nat }),
  };
}
