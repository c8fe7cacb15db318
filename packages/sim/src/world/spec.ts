/**
 * What a world begins with, and what follows from it before anything runs.
 */

import { type AddressSpec, type AwsState, createAws } from '@failtome/cloud/model';
import type { Ip, NodeId, ProtocolConfig } from '@failtome/protocol';
import type { CloudSpec } from './cloud.ts';
import type { Link } from './network.ts';
import type { Machine } from './outside.ts';
import type { PacketSpec } from './packets.ts';
import {
  configFor,
  instanceIdOf,
  landingOf,
  type NodeSpec,
  type Overrides,
  opsworksIdOf,
  type Settings,
  type SimDriverKind,
} from './settings.ts';

/** What a world begins with. */
export interface WorldSpec {
  readonly seed: number;
  readonly nodes: readonly NodeSpec[];
  readonly addresses: readonly Ip[];
  /** Who holds each address at the start, by index of the node; null: nobody. */
  readonly holders: readonly (number | null)[];
  readonly driver: SimDriverKind;
  readonly settings: Settings;
  readonly cloud: CloudSpec;
  /** From an association to the first packet that follows it. */
  readonly associationSettleMs: number;
  /** Until the loser of a move has a public address again; null: never. */
  readonly autoAddressDelayMs: number | null;
  readonly staleDisassociate: 'not-found' | 'success';
  readonly diskMs: readonly [number, number];
  readonly timerLateMs: number;
  /** Nodes whose landing places carry another Elastic IP already. */
  readonly occupied: readonly NodeId[];
  /** What is on the disks at the start. Absent: they are empty. */
  readonly documents?: Readonly<Record<NodeId, string>>;
  /** Absent: no packet is lost, and links lose messages (`network.ts`). */
  readonly packets?: PacketSpec;
  /** What the links between nodes begin as. Absent: they lose nothing. */
  readonly link?: Partial<Link>;
}

/** The topic that every node publishes to. */
export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:failover';

/** A machine in good health. */
export function newMachine(id: NodeId, index: number): Machine {
  return {
    id,
    instanceId: instanceIdOf(index),
    haproxy: 'up',
    slowMs: 0,
    frozen: false,
    blockedPaths: new Set(),
    outsideLossPerMille: 0,
  };
}

/** The protocol's configuration of a node of a world. */
export function configOf(spec: WorldSpec, node: NodeSpec, overrides: Overrides): ProtocolConfig {
  return configFor(node, spec.nodes, spec.addresses, spec.driver, spec.settings, overrides);
}

/** AWS, as a world begins. */
export function initialAws(spec: WorldSpec): AwsState {
  return createAws({
    instances: spec.nodes.map(({ id, nat }, index) => {
      const [first, ...others] = spec.addresses.map((_, i) => landingOf(index, i));
      const primary = first ?? landingOf(index, 0);
      return {
        id: instanceIdOf(index),
        opsworksId: opsworksIdOf(index),
        hostname: id,
        // A private address never leaves its subnet.
        ...(spec.driver === 'ec2-private-ip' ? { availabilityZone: 'us-east-1a' } : {}),
        ...(spec.driver === 'ec2-route' ? { sourceDestCheck: false } : {}),
        privateIps: [[primary, ...others]],
        ...(nat === undefined ? {} : { ...(nat === null ? {} : { nat }), autoAddress: null }),
      };
    }),
    addresses: [...contested(spec), ...occupants(spec)],
    topics: [TOPIC],
    config: {
      associationSettleMs: spec.associationSettleMs,
      autoAddressDelayMs: spec.autoAddressDelayMs ?? Number.POSITIVE_INFINITY,
      staleDisassociate: spec.staleDisassociate,
      // As long as it takes until traffic follows: until then EC2 counts a private address as where it was.
      unassignSettleMs: spec.associationSettleMs,
    },
  });
}

/** The tables that routes are in. */
const ROUTE_TABLES: readonly string[] = ['rtb-a', 'rtb-b'];

function kindOf(driver: SimDriverKind): Pick<AddressSpec, 'kind' | 'routeTables'> {
  switch (driver) {
    case 'ec2-private-ip':
      return { kind: 'private' };
    case 'ec2-route':
      return { kind: 'route', routeTables: ROUTE_TABLES };
    case 'ec2':
    case 'opsworks':
      return {};
  }
}

function contested(spec: WorldSpec): readonly AddressSpec[] {
  return spec.addresses.map((publicIp, index) => {
    const holder = spec.holders[index] ?? null;
    const address = { ...kindOf(spec.driver), publicIp };
    return holder === null
      ? address
      : { ...address, holder: instanceIdOf(holder), privateIp: landingOf(holder, index) };
  });
}

function occupants(spec: WorldSpec): readonly AddressSpec[] {
  return spec.occupied.map((id, index) => {
    const place = spec.nodes.findIndex((node) => node.id === id);
    return { publicIp: `192.0.2.${index + 1}`, holder: instanceIdOf(place), privateIp: landingOf(place, 0) };
  });
}
