import type { EmbeddedCloud } from '@failtome/cloud';
import type { InstanceId } from '@failtome/cloud/model';
import type { AgentProcess } from './agent-process.ts';
import type { Link } from './link.ts';
import type { WebServer } from './web-server.ts';

/** What a node of a cluster consists of. */
export interface NodeDependencies {
  readonly cloud: EmbeddedCloud;
  readonly agent: AgentProcess;
  readonly web: WebServer;
  /** The ways from the others to it. */
  readonly inbound: readonly Link[];
  /** The ways from it to the others. */
  readonly outbound: readonly Link[];
}

/** Who a node of a cluster is. */
export interface NodeOptions {
  readonly id: string;
  readonly instanceId: InstanceId;
  /** Its configuration, state and logs. */
  readonly folder: string;
}

/** One node: a machine with an agent and a web server on it. */
export class ClusterNode {
  readonly id: string;
  readonly instanceId: InstanceId;
  readonly folder: string;
  readonly agent: AgentProcess;
  readonly web: WebServer;
  readonly #dependencies: NodeDependencies;

  constructor({ id, instanceId, folder }: NodeOptions, dependencies: NodeDependencies) {
    this.id = id;
    this.instanceId = instanceId;
    this.folder = folder;
    this.agent = dependencies.agent;
    this.web = dependencies.web;
    this.#dependencies = dependencies;
  }

  /** What a driver calls this machine: OpsWorks has ids of its own. */
  nameFor(driver: 'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks'): string {
    const instance = this.#dependencies.cloud.state.instances.get(this.instanceId);
    return driver === 'opsworks' && instance !== undefined ? instance.opsworksId : this.instanceId;
  }

  /** The whole machine is gone from one moment to the next: silence, not refusals. EC2 still calls it running. */
  async vanish(): Promise<void> {
    this.#setMachine('gone');
    await Promise.all([this.agent.kill(), this.web.kill()]);
  }

  /** The machine has booted again. */
  async comeBack(): Promise<void> {
    this.#setMachine('present');
    await this.web.start();
    this.agent.start();
    await this.agent.ready();
  }

  /** Breaks its way to AWS, the external-IP service and the addresses, or mends it; its peers stay reachable. */
  setWayOut(wayOut: 'open' | 'broken'): void {
    this.#dependencies.cloud.setWayOut(this.instanceId, wayOut);
  }

  #setMachine(state: 'present' | 'gone'): void {
    const { cloud, inbound, outbound } = this.#dependencies;
    cloud.setNetwork(this.instanceId, state === 'gone' ? 'gone' : 'attached');
    for (const link of inbound) link.setMachine('to', state);
    for (const link of outbound) link.setMachine('from', state);
  }
}
