/** Policies of the embedded cloud: every resource of a call has to be allowed, and a condition without its key is none fulfilled. */
import { expect, test } from 'vitest';
import {
  type AssociateAddress,
  checkPolicy,
  createAws,
  isAllowed,
  type PolicyStatement,
  subnetIdOf,
} from '../src/model/index.ts';

const state = createAws({
  instances: [{ id: 'i-1', tags: { failtome: 'web' } }, { id: 'i-2' }],
  addresses: [{ publicIp: '198.51.100.7', holder: 'i-2' }],
});

const claim: AssociateAddress = {
  action: 'ec2:AssociateAddress',
  dryRun: false,
  allocationId: state.addresses.get('198.51.100.7')?.allocationId ?? '',
  publicIp: null,
  instanceId: 'i-1',
  networkInterfaceId: null,
  privateIpAddress: null,
  allowReassociation: false,
};

const EC2 = 'arn:aws:ec2:us-east-1:123456789012';

function allow(Resource: string | readonly string[], more: Partial<PolicyStatement> = {}): PolicyStatement {
  return { Effect: 'Allow', Action: 'ec2:*', Resource, ...more };
}

function allowed(...Statement: readonly PolicyStatement[]): boolean {
  return isAllowed({ Version: '2012-10-17', Statement }, state, claim);
}

test('each resource that a call touches has to be allowed by some statement', () => {
  const [address, instance, card] = ['elastic-ip', 'instance', 'network-interface'].map(
    (kind) => `${EC2}:${kind}/*`,
  );
  if (address === undefined || instance === undefined || card === undefined) throw new Error('never');
  expect(allowed(allow([address, instance, card]))).toBe(true);
  expect(allowed(allow(address), allow(instance), allow(card))).toBe(true);
  expect(allowed(allow(address), allow(instance))).toBe(false);
  expect(allowed(allow('*', { Action: 'ec2:DisassociateAddress' }))).toBe(false);
});

test('conditions look at the resource: address, tag, profile, subnet', () => {
  const zone = state.instances.get('i-1')?.availabilityZone ?? '';
  const rows: readonly [condition: PolicyStatement['Condition'], kind: string][] = [
    [{ StringEquals: { 'ec2:PublicIpAddress': '198.51.100.7' } }, 'elastic-ip'],
    [{ StringEquals: { 'aws:ResourceTag/failtome': ['web'] } }, 'instance'],
    [{ ArnEquals: { 'ec2:InstanceProfile': 'arn:aws:iam::*:instance-profile/failtome' } }, 'instance'],
    [
      { ArnLike: { 'ec2:Subnet': `${EC2}:subnet/${subnetIdOf({ availabilityZone: zone })}` } },
      'network-interface',
    ],
  ];
  for (const [Condition = {}, kind] of rows) {
    const others = ['elastic-ip', 'instance', 'network-interface'].filter((each) => each !== kind);
    const rest = allow(others.map((each) => `${EC2}:${each}/*`));
    expect(allowed(rest, allow(`${EC2}:${kind}/*`, { Condition })), kind).toBe(true);
    const [operator = '', keys = {}] = Object.entries(Condition)[0] ?? [];
    const wrong = { [operator]: Object.fromEntries(Object.keys(keys).map((key) => [key, 'another'])) };
    expect(allowed(rest, allow(`${EC2}:${kind}/*`, { Condition: wrong })), kind).toBe(false);
  }
});

test('a key that the resource lacks fulfils no condition', () => {
  expect(allowed(allow('*', { Condition: { StringEquals: { 'aws:ResourceTag/failtome': 'web' } } }))).toBe(
    false,
  );
});

test('what is not understood is an error', () => {
  const check = (statement: PolicyStatement) => () =>
    checkPolicy({ Version: '2012-10-17', Statement: [statement] });
  expect(check(allow('*'))).not.toThrow();
  expect(check(allow('*', { Effect: 'Deny' }))).toThrow(/only Allow/);
  expect(check(allow('*', { Condition: { DateLessThan: { 'aws:CurrentTime': 'x' } } }))).toThrow(
    /DateLessThan/,
  );
  expect(() => checkPolicy({ Version: '2008-10-17', Statement: [] })).toThrow(/2008/);
});
