/** The keys of what moves the addresses. */
import * as shared from '@failtome/config/keys';
import { ROLE_ARN } from './aws-names.ts';
import type { DriverKindName } from './driver-kinds.ts';
import { type Key, keyTable, none } from './key-table.ts';
import * as kinds from './kinds.ts';

const { declared, key } = keyTable();

/** A move has a call for each, side by side: EC2's rate of those is 50 at once and 5 a second. */
const MAX_ROUTE_TABLES = 16;

/** In the order of the reference. */
export const DRIVER_KEYS: readonly Key<unknown>[] = declared;

const { DRIVER_KIND: kind, DRIVER_DISPLACE: displace } = shared;
/** `driver.kind`. */
export const DRIVER_KIND: Key<DriverKindName> = key(
  kind.path,
  kinds.choice(...kind.range.words),
  kind.fallback,
);
/** `driver.region`. */
export const DRIVER_REGION: Key<string> = key(
  'driver.region',
  kinds.region,
  none('as the AWS SDK finds it: AWS_REGION, then instance metadata'),
);
/** `driver.instanceId`. */
export const DRIVER_INSTANCE_ID: Key<string> = key(
  'driver.instanceId',
  kinds.words('an instance id without spaces', /^[A-Za-z0-9._-]{1,128}$/),
  none('from instance metadata; with `opsworks` looked up from the EC2 id'),
  'FAILTOME_INSTANCE_ID',
);
/** `driver.networkInterfaceId`. */
export const DRIVER_NETWORK_INTERFACE_ID: Key<string> = key(
  'driver.networkInterfaceId',
  kinds.words('the id of a network interface such as eni-0abc', /^eni-[A-Za-z0-9-]{1,124}$/),
  none("the instance's only one, or of Elastic IPs that with their `privateIp`"),
  'FAILTOME_NETWORK_INTERFACE_ID',
);
/** `driver.routeTables`. */
export const DRIVER_ROUTE_TABLES: Key<readonly string[]> = key(
  'driver.routeTables',
  kinds.listOf(
    kinds.words('the id of a route table such as rtb-0abc', /^rtb-[A-Za-z0-9-]{1,124}$/),
    1,
    MAX_ROUTE_TABLES,
  ),
  none('required with `ec2-route`, refused otherwise'),
);
/** `driver.assumeRole`. */
export const DRIVER_ASSUME_ROLE: Key<string> = key(
  'driver.assumeRole',
  kinds.words('the ARN of an IAM role such as arn:aws:iam::123456789012:role/mover', ROLE_ARN),
  none("the node's own role"),
);
/** `driver.command`. */
export const DRIVER_COMMAND: Key<readonly string[]> = key(
  'driver.command',
  kinds.command,
  none('required with `exec`, refused otherwise'),
);
/** `driver.displace`. */
export const DRIVER_DISPLACE: Key<'refuse' | 'allow'> = key(
  displace.path,
  kinds.choice(...displace.range.words),
  displace.fallback,
);
