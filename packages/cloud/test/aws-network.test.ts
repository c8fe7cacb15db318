import { describe, expect, it } from 'vitest';
import {
  type AwsConfig,
  type AwsState,
  associate,
  type Caller,
  createAws,
  disassociate,
  type ExternalIp,
  externalIp,
  holderOf,
  nextChangeMs,
  routeOf,
  setInstance,
  setInstanceState,
} from '../src/model/index.ts';

const ip = '54.173.141.243';
const other = '54.173.141.244';
const console_: Caller = { kind: 'operator', name: 'console' };

function account(config: Partial<AwsConfig> = {}): AwsState {
  return createAws({
    instances: [{ id: 'i-neptune' }, { id: 'i-saturn' }],
    addresses: [{ publicIp: ip, holder: 'i-neptune' }, { publicIp: other }],
    config,
  });
}

/** The address moves to saturn at a moment. */
function moveToSaturn(state: AwsState, atMs: number): AwsState {
  const interfaceId = state.instances.get('i-saturn')?.interfaces[0].id ?? 'none';
  const target = { instanceId: 'i-saturn', interfaceId, privateIp: '10.0.1.12' };
  return associate(state, ip, target, console_, atMs).state;
}

describe('the external IP', () => {
  const kindOf = (state: AwsState, instanceId: string, atMs: number): ExternalIp =>
    externalIp(state, instanceId, atMs);

  it('is the Elastic IP for the holder, and its own public address for another', () => {
    expect(kindOf(account(), 'i-neptune', 1)).toEqual({ kind: 'elastic', ip });
    expect(kindOf(account(), 'i-saturn', 1)).toEqual({ kind: 'auto', ip: '203.0.113.2' });
  });

  it('of the loser is none until a new address arrives, and that is another', () => {
    const state = account({ autoAddressDelayMs: 60_000 });
    const moved = moveToSaturn(state, 1_000);
    expect(kindOf(moved, 'i-neptune', 60_999)).toEqual({ kind: 'none', why: 'no-public-address' });
    expect(nextChangeMs(moved, 1_000)).toBe(61_000);
    expect(kindOf(moved, 'i-neptune', 61_000)).toMatchObject({ kind: 'auto', ip: /^198\.51\.100\./ });
    expect(kindOf(moved, 'i-saturn', 1_001)).toEqual({ kind: 'elastic', ip });
  });

  it('never returns where none was assigned at launch, or with two interfaces', () => {
    const state = createAws({
      instances: [
        { id: 'i-private', autoAddress: null },
        { id: 'i-wide', privateIps: [['10.0.1.30'], ['10.0.2.30']] },
      ],
      addresses: [
        { publicIp: ip, holder: 'i-private' },
        { publicIp: other, holder: 'i-wide' },
      ],
      config: { autoAddressDelayMs: 0 },
    });
    const freed = [ip, other].reduce(
      (now, each) => disassociate(now, each, 'disassociated', console_, 5).state,
      state,
    );
    expect(kindOf(freed, 'i-private', 1e9)).toMatchObject({ kind: 'none' });
    expect(kindOf(freed, 'i-wide', 1e9)).toMatchObject({ kind: 'none' });
  });

  it('behind NAT is never the Elastic IP', () => {
    const state = createAws({
      instances: [{ id: 'i-nat', nat: '203.0.113.200' }],
      addresses: [{ publicIp: ip, holder: 'i-nat' }],
    });
    expect(kindOf(state, 'i-nat', 1)).toEqual({ kind: 'nat', ip: '203.0.113.200' });
  });

  it('is none without a way out, off the network, or not running', () => {
    const state = account();
    expect(kindOf(setInstance(state, 'i-saturn', { wayOut: 'broken' }, 1), 'i-saturn', 2)).toMatchObject({
      why: 'broken',
    });
    expect(kindOf(setInstance(state, 'i-saturn', { network: 'gone' }, 1), 'i-saturn', 2)).toMatchObject({
      why: 'gone',
    });
    const stopped = setInstanceState(state, 'i-saturn', 'stopped', console_, 1).state;
    expect(kindOf(stopped, 'i-saturn', 2)).toMatchObject({ why: 'not-running' });
  });
});

describe('the route to an address', () => {
  it('leads to the holder once the association has settled', () => {
    const state = account({ associationSettleMs: 3_000 });
    expect(routeOf(state, ip, 0)).toMatchObject({ kind: 'instance', instance: { id: 'i-neptune' } });
    const moved = moveToSaturn(state, 1_000);
    expect(routeOf(moved, ip, 3_999)).toEqual({ kind: 'nowhere', why: 'settling' });
    expect(externalIp(moved, 'i-saturn', 3_999)).toEqual({ kind: 'none', why: 'settling' });
    expect(routeOf(moved, ip, 4_000)).toMatchObject({ kind: 'instance', instance: { id: 'i-saturn' } });
  });

  it('leads nowhere when nobody holds it, or the holder is off the network', () => {
    expect(routeOf(account(), other, 1)).toEqual({ kind: 'nowhere', why: 'unassociated' });
    const gone = setInstance(account(), 'i-neptune', { network: 'gone' }, 1);
    expect(routeOf(gone, ip, 2)).toEqual({ kind: 'nowhere', why: 'gone' });
  });

  it('ends when its holder is terminated, not when it is stopped', () => {
    expect(holderOf(setInstanceState(account(), 'i-neptune', 'stopped', console_, 1).state, ip)).toBe(
      'i-neptune',
    );
    const terminated = setInstanceState(account(), 'i-neptune', 'terminated', console_, 1);
    expect(holderOf(terminated.state, ip)).toBeNull();
    expect(terminated.events).toMatchObject([{ kind: 'ended', association: { cause: 'terminated' } }]);
  });
});
