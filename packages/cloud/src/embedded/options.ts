import { networkInterfaces } from 'node:os';
import type { AddressSpec, AwsConfig, CallLatency, InstanceId, InstanceSpec } from '../model/index.ts';
import type { MoveEffect } from './api-sockets.ts';
import type { SavedCloud } from './saved-cloud.ts';
import type { Endpoint } from './togglable-listener.ts';

/** An instance of the embedded cloud. */
export interface CloudInstance extends InstanceSpec {
  /** Its web server; connections to an address that it holds end up there. Absent: they are refused. */
  readonly backend?: Endpoint;
  /** Its metadata service's port; a free one by default. */
  readonly metadataPort?: number;
  /** Source addresses that its traffic comes from, where that tells (network namespaces). */
  readonly sources?: readonly string[];
}

/** An Elastic IP of the embedded cloud. */
export interface CloudAddress extends AddressSpec {
  /**
   * Where it takes connections from the outside world. Absent: on the address itself, at a free port, when that is a
   * loopback address, and else not at all. Viewers' ports are on the same host.
   */
  readonly bind?: { readonly host: string; readonly port?: number };
  /** The ports through which instances see it, by instance; free ones by default. */
  readonly viewPorts?: ReadonlyMap<InstanceId, number>;
}

/** What `startCloud` makes. */
export interface CloudOptions {
  readonly instances: readonly CloudInstance[];
  readonly addresses: readonly CloudAddress[];
  /** ARNs of the SNS topics that exist. */
  readonly topics?: readonly string[];
  /** What Secrets Manager holds, by ARN. */
  readonly secrets?: ReadonlyMap<string, string>;
  readonly config?: Partial<AwsConfig>;
  /** Where the services listen; loopback by default. */
  readonly host?: string;
  /** What an earlier cloud with the same instances and addresses has saved: it goes on from there. */
  readonly restored?: SavedCloud;
  /** The API's port; a free one by default. */
  readonly port?: number;
  /** The external-IP service's port; a free one by default. */
  readonly guardPort?: number;
  /** The external-IP service's port on `::1`, where an address is one of IPv6 and the machine has it; a free one by default. */
  readonly guardIpv6Port?: number;
  /** How long each call takes when nothing is wrong; not at all by default. */
  readonly latency?: CallLatency;
  /** What a move does to the connections of those whose public address it changes; `reset` by default. */
  readonly moveEffect?: MoveEffect;
  /** What becomes of connections to an address that nobody holds; `blackhole`, as on EC2, by default. */
  readonly unassociated?: 'blackhole' | 'refuse';
  /** Whether `/_control` on the API's port steers the cloud; `off` by default. */
  readonly control?: 'on' | 'off';
}

/** How an instance gets its credentials. */
export type CredentialSource = 'metadata' | 'static';

/** The source addresses of every instance, by address. */
export function sourcesOf(instances: readonly CloudInstance[]): ReadonlyMap<string, InstanceId> {
  return new Map(instances.flatMap(({ id, sources = [] }) => sources.map((source) => [source, id] as const)));
}

/** Whether an address is one of this machine's own loopback. */
export function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** Whether this machine has the IPv6 loopback address, on which an address or the external-IP service may be. */
export function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
}

/** Where an address takes connections, or null where it doesn't. */
export function bindOf({ publicIp, bind }: CloudAddress): Endpoint | null {
  if (bind !== undefined) return { host: bind.host, port: bind.port ?? 0 };
  return isLoopback(publicIp) ? { host: publicIp, port: 0 } : null;
}
