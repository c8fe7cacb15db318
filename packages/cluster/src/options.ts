import type { CloudOptions } from '@failtome/cloud';
import type { AddressSpec, InstanceSpec } from '@failtome/cloud/model';
import type { WebServerKind } from './web-server.ts';
import type { YamlObject } from './yaml-object.ts';

/** A node of a cluster. */
export interface NodeSpec {
  readonly id: string;
  /** `candidate` by default. */
  readonly role?: 'candidate' | 'witness' | 'member';
  readonly priority?: number;
  /** Its EC2 instance: interfaces, private addresses, NAT. */
  readonly instance?: Omit<InstanceSpec, 'id'>;
  /** Merged over the cluster's settings, for this node alone. */
  readonly settings?: YamlObject;
  /** Added to its agent's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** `later`: neither web server nor agent run until the test starts them. */
  readonly start?: 'now' | 'later';
}

/** An address that the nodes share. Its ip is the cluster's to choose. */
export interface SharedAddress extends Omit<AddressSpec, 'publicIp' | 'holder' | 'privateIp'> {
  /** The node that holds it at the start; absent: nobody. */
  readonly holder?: string;
  /** Of which IP version, 4 by default; 6 needs the driver `ec2-private-ip` and a machine with the address `::1`, and one of a cluster may be so. */
  readonly family?: 4 | 6;
  /** Which private address it lands on, by node; absent: the primary one. */
  readonly landing?: Readonly<Record<string, string>>;
}

/** What a cluster is to be like. */
export interface ClusterOptions {
  /** The path of the built agent, `failtome.js`. */
  readonly agentFile: string;
  readonly nodes: readonly [NodeSpec, ...NodeSpec[]];
  /** One that the first node holds, by default. */
  readonly addresses?: readonly SharedAddress[];
  /**
   * With `ec2-private-ip` every instance is in one subnet, unless it says otherwise; with `ec2-route` there are two route tables, and
   * every interface has its source/destination check off.
   */
  readonly driver?: 'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks';
  /** What instances have for their private addresses: `10.0.1.…` by default, or where their agents listen. */
  readonly privateIps?: 'made-up' | 'loopback';
  /** What the agents' APIs speak; http by default. For https the settings of each node name its certificate. */
  readonly scheme?: 'http' | 'https';
  /** Merged over what the cluster writes into every node's YAML, which leaves the agent's defaults as they are. */
  readonly settings?: YamlObject;
  /** The `probe` section of every address. */
  readonly probe?: YamlObject;
  /** How the cloud behaves. */
  readonly cloud?: Pick<CloudOptions, 'config' | 'latency' | 'moveEffect' | 'unassociated' | 'control'>;
  /** HAProxy where it is installed, by default. */
  readonly webServer?: WebServerKind;
  /** Where its folder is made; the system's place for temporary files by default. */
  readonly parentFolder?: string;
  /** What becomes of the folder at the end; it is removed by default. */
  readonly folder?: 'remove' | 'keep';
}
