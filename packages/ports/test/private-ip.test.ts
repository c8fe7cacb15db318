/** What the driver `ec2-private-ip` makes of answers that the model of AWS never gives. */
import { expect, test } from 'vitest';
import {
  type AwsCall,
  type CallOutcome,
  createPrivateIpCalls,
  type NetworkCard,
  type PrivateIpCalls,
  refused,
  unknown,
} from '../src/index.ts';

const IP = '10.0.1.100';

function card(id: string, more: Partial<NetworkCard> = {}): NetworkCard {
  const place = { subnetId: 'subnet-1', vpcId: 'vpc-1', instanceId: `i-${id}` };
  const usual = { networkInterfaceId: `eni-${id}`, primary: '10.0.1.1', privateIps: ['10.0.1.1'] };
  return { ...place, ...usual, sourceDestCheck: true, ...more };
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
