/**
 * Which adapter carries out which kind of driver. What is known of a kind beforehand is in `config/driver-kinds.ts`.
 */
import type { AddressSettings, DriverSettings, Identity } from '../config/types.ts';
import type { AwsClients } from './aws-clients.ts';
import {
  createEc2Driver,
  createOpsworksDriver,
  createPrivateIpDriver,
  createRouteDriver,
} from './aws-driver.ts';
import type { Driver, Post } from './driver.ts';
import { createExecDriver, type ExecDriverDependencies } from './exec.ts';

/** What a driver is made for: the settings, the addresses, and who this node is. */
export interface DriverPlace {
  readonly driver: DriverSettings;
  readonly addresses: readonly AddressSettings[];
  readonly identity: Identity;
}

/** What any driver may need. */
export interface DriverDependencies {
  readonly post: Post;
  readonly logStderr: ExecDriverDependencies['logStderr'];
  /** Asked by a driver that calls AWS. */
  readonly clients: () => AwsClients;
}

/** The driver that the configuration names. It sends nothing until it is asked to. */
export function openDriver(
  { driver, addresses, identity: { id, instanceId } }: DriverPlace,
  { post, logStderr, clients }: DriverDependencies,
): Driver {
  switch (driver.kind) {
    case 'ec2': {
      const { networkInterfaceId } = driver;
      return createEc2Driver({ instanceId, networkInterfaceId, addresses }, { clients: clients(), post });
    }
    case 'ec2-private-ip': {
      const { networkInterfaceId } = driver;
      return createPrivateIpDriver(
        { instanceId, networkInterfaceId, addresses },
        { clients: clients(), post },
      );
    }
    case 'ec2-route': {
      const { networkInterfaceId, routeTables } = driver;
      return createRouteDriver(
        { instanceId, networkInterfaceId, addresses, routeTables },
        { clients: clients(), post },
      );
    }
    case 'opsworks':
      return createOpsworksDriver({ instanceId }, { clients: clients(), post });
    case 'exec':
      return createExecDriver({ command: driver.command, nodeId: id }, { post, logStderr });
  }
}
