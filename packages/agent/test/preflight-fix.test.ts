/** A remedy names the cause: a fault of the configuration is not blamed on the network, nor the other way round. */
import type { DriverFailure } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { fixFor } from '../src/adapters/preflight-fix.ts';

const PERMISSION = { action: 'ec2:DescribeInstances', resources: ['*'] } as const;

function refused(code: string): DriverFailure {
  return { kind: 'refused', throttled: false, code, message: '' };
}

test.each<readonly [DriverFailure, string]>([
  [refused('ENOTFOUND'), 'See driver.region and AWS_ENDPOINT_URL'],
  [refused('InvalidInstanceID.NotFound'), 'Set driver.instanceId'],
  [refused('InvalidInstanceID.Malformed'), 'Set driver.instanceId'],
  [refused('RegionMissing'), 'Set driver.region'],
  [refused('UnauthorizedOperation'), 'Allow ec2:DescribeInstances'],
  [refused('EAI_AGAIN'), 'See that this node reaches the AWS endpoint: its way out, DNS'],
  [refused('ECONNREFUSED'), 'See that this node reaches the AWS endpoint'],
  [{ kind: 'unknown', code: 'Timeout', message: '' }, 'See that this node reaches the AWS endpoint'],
])('%j', (failure, fix) => {
  expect(fixFor(failure, PERMISSION)).toContain(fix);
});
