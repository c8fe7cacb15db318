/** What the driver `ec2-private-ip` makes of answers that the model of AWS never gives. */
import type { DriverOperation } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import {
  type AwsCall,
  actionOf,
  type CallOutcome,
  createPrivateIpCalls,
  interfaceFilter,
  type NetworkCard,
  type PrivateIpCalls,
  refused,
  unknown,
} from '../src/index.ts';

const IP = '10.0.1.100';

function card(id: string, more: Partial<NetworkCard> = {}): NetworkCard {
  const place = { subnetId: 'subnet-1', vpcId: 'vpc-1', instanceId: `i-${id}` };
  const usual = { networkInterfaceId: `eni-${id}`, primary: '10.0.1.1', privateIps: ['10.0.1.1'] };
  return { ...place, ...usual, primaryIpv6: null, sourceDestCheck: true, ...more };
}

const ours = card('us');
const withIp = (id: string, more: Partial<NetworkCard> = {}) =>
  card(id, { privateIps: ['10.0.1.1', IP], ...more });

const shown = (...interfaces: readonly NetworkCard[]): CallOutcome => ({
  kind: 'ok',
  output: { kind: 'interfaces', interfaces },
});

function calls(networkInterfaceId: string | null = null): PrivateIpCalls {
  return createPrivateIpCalls({ instanceId: 'i-us', networkInterfaceId, addresses: [{ ip: IP }] });
}

/** Runs a read: the address is as `found`, and this node's interfaces are `own`. */
function readOf(driver: PrivateIpCalls, found: CallOutcome, own: CallOutcome = shown(ours)) {
  const running = driver.run(IP, { op: 'read' });
  running.next([]);
  const { value } = running.next([found, own]);
  return value;
}

test('another network may have the same address: only the one in this network counts', () => {
  const elsewhere = withIp('far', { vpcId: 'vpc-2', subnetId: 'subnet-9' });
  expect(readOf(calls(), shown(elsewhere))).toMatchObject({ association: { kind: 'none' } });
  expect(readOf(calls(), shown(elsewhere, withIp('them')))).toMatchObject({
    association: { kind: 'associated', associationId: null, instanceId: 'i-them', self: false },
  });
});

test('an address that two interfaces are shown to have proves nothing', () => {
  expect(readOf(calls(), shown(withIp('them'), withIp('others')))).toMatchObject({
    kind: 'unknown',
    code: 'SeveralHolders',
  });
});

test.each([
  ['of another subnet', withIp('them', { subnetId: 'subnet-2' }), 'OtherSubnet'],
  ['that is primary', withIp('them', { primary: IP }), 'PrimaryPrivateIp'],
])('an address %s is none that can be moved here', (_, found, code) => {
  expect(readOf(calls(), shown(found))).toMatchObject({ kind: 'refused', throttled: false, code });
});

test('an interface that belongs to no instance holds the address under its own id, and is released by it', () => {
  const driver = calls();
  const answer = readOf(driver, shown(withIp('free', { instanceId: null })));
  expect(answer).toMatchObject({ association: { instanceId: 'eni-free', self: false } });
  const running = driver.run(IP, { op: 'release', associationId: null, instanceId: 'eni-free', node: null });
  expect(running.next([]).value).toEqual([{ kind: 'unassign-ip', ip: IP, networkInterfaceId: 'eni-free' }]);
});

test('of several interfaces of this instance the one that is named takes the address, and without a name none does', () => {
  const second = card('second', { instanceId: 'i-us' });
  const several = calls();
  const permit = several.run(IP, { op: 'permit' });
  permit.next([]);
  expect(permit.next([shown(), shown(ours, second)]).value).toMatchObject({ code: 'SeveralInterfaces' });
  const named = calls('eni-second').run(IP, { op: 'take', reassociate: false });
  expect(named.next([]).value).toEqual([{ kind: 'interfaces', of: { networkInterfaceId: 'eni-second' } }]);
  expect(named.next([shown(second)]).value).toEqual([
    { kind: 'assign-ip', ip: IP, networkInterfaceId: 'eni-second' },
  ]);
});

test('this node by another of its interfaces is not as it would have it', () => {
  const other = withIp('other', { instanceId: 'i-us' });
  expect(readOf(calls('eni-us'), shown(other))).toMatchObject({
    association: { instanceId: 'i-us', self: false },
  });
});

/** EC2 says "assigned" also of the interface itself, or doesn't: nobody promises either. */
test.each([
  ['this node', shown(withIp('us')), { kind: 'taken', associationId: null }],
  ['another', shown(withIp('them')), { kind: 'held' }],
  ['nobody, as reads lag', shown(), { kind: 'held' }],
  ['nobody knows whom', { kind: 'failed', failure: unknown('X', '') } as const, { kind: 'held' }],
])('an address that is assigned already, to %s', (_, found, answer) => {
  const running = calls().run(IP, { op: 'take', reassociate: false });
  running.next([]);
  running.next([shown(ours)]);
  const failure = refused('InvalidParameterValue', `[${IP}] assigned, but move is not allowed.`);
  expect(running.next([{ kind: 'failed', failure }]).value).toEqual([
    { kind: 'interfaces', of: { privateIp: IP } },
  ] satisfies readonly AwsCall[]);
  expect(running.next([found]).value).toEqual(answer);
});

test.each([
  ['InvalidNetworkInterfaceID.NotFound', "The networkInterface ID 'eni-them' does not exist", 'stale'],
  [
    'InvalidParameterValue',
    'Some of the specified addresses are not assigned to interface eni-them',
    'stale',
  ],
  ['InvalidParameterValue', 'The primary IP address of an interface cannot be unassigned.', 'refused'],
  ['UnauthorizedOperation', 'You are not authorized to perform this operation.', 'refused'],
])('a release that answers %s: %s', (code, message, kind) => {
  const driver = calls();
  readOf(driver, shown(withIp('them')));
  const running = driver.run(IP, {
    op: 'release',
    associationId: null,
    instanceId: 'i-them',
    node: 'neptune',
  });
  running.next([]);
  expect(running.next([{ kind: 'failed', failure: refused(code, message) }]).value).toMatchObject({ kind });
});

test('while EC2 does not show this node its interface, nothing is assigned', () => {
  const running = calls().run(IP, { op: 'take', reassociate: false });
  running.next([]);
  expect(running.next([shown()]).value).toMatchObject({ kind: 'refused', code: 'NoInterface' });
});

/** A duty must not take a read of long ago for a race that it has lost. */
test('after a release a read that shows anybody else is believed only once EC2 has answered a claim', () => {
  const driver = calls();
  readOf(driver, shown(withIp('them')));
  const release = driver.run(IP, { op: 'release', associationId: null, instanceId: 'i-them', node: null });
  release.next([]);
  expect(release.next([{ kind: 'ok', output: { kind: 'done' } }]).value).toEqual({ kind: 'released' });
  expect(readOf(driver, shown(withIp('other')))).toMatchObject({ kind: 'unknown', code: 'ReadLags' });
  const take = driver.run(IP, { op: 'take', reassociate: false });
  take.next([]);
  const failure = refused('InvalidParameterValue', `[${IP}] assigned, but move is not allowed.`);
  take.next([{ kind: 'failed', failure }]);
  expect(take.next([shown(withIp('other'))]).value).toEqual({ kind: 'held' });
  expect(readOf(driver, shown(withIp('them')))).toMatchObject({ kind: 'unknown', code: 'ReadLags' });
  expect(readOf(driver, shown(withIp('other')))).toMatchObject({ association: { instanceId: 'i-other' } });
});

describe('an IPv6 address', () => {
  const IPV6 = '2001:db8::100';
  const withIpv6 = (id: string, more: Partial<NetworkCard> = {}) =>
    card(id, { privateIps: ['10.0.1.1', IPV6], ...more });
  const driverOf = () =>
    createPrivateIpCalls({ instanceId: 'i-us', networkInterfaceId: null, addresses: [{ ip: IPV6 }] });
  const inUse = refused('InvalidParameterValue', 'some sentence');
  const done: CallOutcome = { kind: 'ok', output: { kind: 'done' } };
  const unassigned = (...ips: readonly string[]): CallOutcome => ({
    kind: 'ok',
    output: { kind: 'unassigned', ips },
  });

  function ran(driver: PrivateIpCalls, operation: DriverOperation, ...outcomes: readonly CallOutcome[][]) {
    const running = driver.run(IPV6, operation);
    let step = running.next([]);
    for (const each of outcomes) step = running.next(each);
    return step.value;
  }
  const read = (driver: PrivateIpCalls, found: CallOutcome) =>
    ran(driver, { op: 'read' }, [found, shown(ours)]);
  const take = { op: 'take', reassociate: false } as const;
  const releaseFrom = (instanceId: string) =>
    ({ op: 'release', associationId: null, instanceId, node: null }) as const;

  test('is asked for, assigned and unassigned by calls of its own', () => {
    const calls: readonly AwsCall[] = [
      { kind: 'assign-ip', ip: IPV6, networkInterfaceId: 'eni-us' },
      { kind: 'unassign-ip', ip: IPV6, networkInterfaceId: 'eni-us' },
    ];
    expect(calls.map(actionOf)).toEqual(['AssignIpv6Addresses', 'UnassignIpv6Addresses']);
    expect(interfaceFilter({ privateIp: IPV6 })).toEqual({
      name: 'ipv6-addresses.ipv6-address',
      values: [IPV6],
    });
  });

  test('that is primary is none that can be moved', () => {
    expect(read(driverOf(), shown(withIpv6('them', { primaryIpv6: IPV6 })))).toMatchObject({
      kind: 'refused',
      code: 'PrimaryPrivateIp',
    });
  });

  test('may be on an interface that has no address of IPv4', () => {
    const alone = withIpv6('them', { primary: null, privateIps: [IPV6] });
    expect(read(driverOf(), shown(alone))).toMatchObject({ association: { instanceId: 'i-them' } });
  });

  /** EC2 names no error for it, so a read has to tell. */
  test.each([
    ['this node has it', shown(withIpv6('us')), { kind: 'taken', associationId: null }],
    ['another has it', shown(withIpv6('them')), { kind: 'held' }],
    ['nobody has it', shown(), inUse],
    ['one of another network has it', shown(withIpv6('far', { vpcId: 'vpc-2' })), inUse],
    [
      'nobody knows who has it',
      { kind: 'failed', failure: refused('UnauthorizedOperation', '') } as const,
      { kind: 'unknown', code: 'HolderUnknown' },
    ],
  ])('whose assignment is refused, where %s', (_, found, answer) => {
    const refusal: CallOutcome = { kind: 'failed', failure: inUse };
    expect(ran(driverOf(), take, [shown(ours)], [refusal], [found])).toMatchObject(answer);
  });

  test('whose assignment is refused after it was taken from another is held, while EC2 counts it there', () => {
    const driver = driverOf();
    read(driver, shown(withIpv6('them')));
    expect(ran(driver, releaseFrom('i-them'), [unassigned(IPV6)])).toEqual({ kind: 'released' });
    const refusal: CallOutcome = { kind: 'failed', failure: refused('InvalidIPAddress.InUse', '') };
    expect(ran(driver, take, [refusal], [shown()])).toEqual({ kind: 'held' });
    expect(ran(driver, take, [done])).toEqual({ kind: 'taken', associationId: null });
  });

  test.each([
    ['a missing permission', refused('UnauthorizedOperation', '')],
    ['no room', refused('PrivateIpAddressLimitExceeded', '')],
    ['the rate of calls', { ...inUse, throttled: true }],
    ['an error within EC2', unknown('InvalidParameterValue', '')],
  ])('whose assignment fails for %s is not asked for again', (_, failure) => {
    expect(ran(driverOf(), take, [shown(ours)], [{ kind: 'failed', failure }])).toEqual(failure);
  });

  /** A success may be one that found nothing to take away. */
  test.each([
    ['lists it', [unassigned(IPV6)], { kind: 'released' }],
    ['lists others', [unassigned('2001:db8::101')], { kind: 'stale' }],
    ['lists nothing', [done], { kind: 'unknown', code: 'MalformedResponse' }],
  ])('is released where the answer %s', (_, outcomes, answer) => {
    const driver = driverOf();
    read(driver, shown(withIpv6('them')));
    expect(ran(driver, releaseFrom('i-them'), outcomes)).toMatchObject(answer);
  });

  test.each([
    ['it is still there', shown(withIpv6('them')), inUse],
    ['another has it', shown(withIpv6('us')), { kind: 'stale' }],
    ['nobody has it', shown(), { kind: 'stale' }],
    [
      'nobody knows who has it',
      { kind: 'failed', failure: unknown('Timeout', '') } as const,
      { kind: 'unknown', code: 'HolderUnknown' },
    ],
  ])('whose release is refused, where %s', (_, found, answer) => {
    const driver = driverOf();
    read(driver, shown(withIpv6('them')));
    const refusal: CallOutcome = { kind: 'failed', failure: inUse };
    expect(ran(driver, releaseFrom('i-them'), [refusal], [found])).toMatchObject(answer);
  });
});
