import { describe, expect, it } from 'vitest';
import {
  type AssociateAddress,
  type AwsConfig,
  type AwsOutcome,
  type AwsRequest,
  type AwsState,
  applyCall,
  beginCall,
  type Caller,
  createAws,
  type DescribeAddresses,
  holderOf,
  setInstanceState,
  setPermission,
} from '../src/model/index.ts';

const ip = '54.173.141.243';
const other = '54.173.141.244';
const saturn: Caller = { kind: 'instance', instanceId: 'i-saturn' };
const console_: Caller = { kind: 'operator', name: 'console' };

function account(config: Partial<AwsConfig> = {}): AwsState {
  return createAws({
    instances: [
      { id: 'i-neptune' },
      { id: 'i-saturn' },
      { id: 'i-wide', privateIps: [['10.0.1.30', '10.0.1.31'], ['10.0.2.30']] },
    ],
    addresses: [
      { publicIp: ip, allocationId: 'eipalloc-a', holder: 'i-neptune' },
      { publicIp: other, allocationId: 'eipalloc-b' },
    ],
    topics: ['arn:topic'],
    config,
  });
}

/** One call from arrival to answer, with nothing wrong. */
function call(state: AwsState, request: AwsRequest, caller: Caller = saturn, atMs = 1_000) {
  const begun = beginCall(state, request, caller, atMs, { applyAfterMs: 0, answerAfterMs: 0 });
  const { plan } = begun;
  if (plan.reply.kind === 'error') {
    const outcome: AwsOutcome = { kind: 'error', error: plan.reply.error };
    return { state: begun.state, outcome, events: [], plan };
  }
  return { ...applyCall(begun.state, plan, atMs), plan };
}

const codeOf = (outcome: AwsOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.error.code);

const bare: AssociateAddress = {
  action: 'ec2:AssociateAddress',
  dryRun: false,
  allocationId: null,
  publicIp: null,
  instanceId: null,
  networkInterfaceId: null,
  privateIpAddress: null,
  allowReassociation: false,
};
const everything: DescribeAddresses = {
  action: 'ec2:DescribeAddresses',
  dryRun: false,
  publicIps: [],
  allocationIds: [],
  filters: [],
};

function interfaceOf(state: AwsState, instanceId: string, index = 0): string {
  return state.instances.get(instanceId)?.interfaces[index]?.id ?? 'none';
}

describe('AssociateAddress', () => {
  const rows: readonly (readonly [string, Partial<AssociateAddress>, string])[] = [
    ['a free address by allocation id', { allocationId: 'eipalloc-b', instanceId: 'i-saturn' }, 'ok'],
    ['a free address by its public ip', { publicIp: other, instanceId: 'i-saturn' }, 'ok'],
    [
      'a held one, without reassociation',
      { allocationId: 'eipalloc-a', instanceId: 'i-saturn' },
      'Resource.AlreadyAssociated',
    ],
    [
      'a held one, with reassociation',
      { allocationId: 'eipalloc-a', instanceId: 'i-saturn', allowReassociation: true },
      'ok',
    ],
    [
      'a held one, unsaid, in an account of today',
      { allocationId: 'eipalloc-a', instanceId: 'i-saturn', allowReassociation: null },
      'ok',
    ],
    ['a held one to where it is', { allocationId: 'eipalloc-a', instanceId: 'i-neptune' }, 'ok'],
    [
      'an unknown allocation',
      { allocationId: 'eipalloc-x', instanceId: 'i-saturn' },
      'InvalidAllocationID.NotFound',
    ],
    ['an unknown address', { publicIp: '192.0.2.9', instanceId: 'i-saturn' }, 'InvalidAddress.NotFound'],
    ['an unknown instance', { publicIp: other, instanceId: 'i-x' }, 'InvalidInstanceID.NotFound'],
    [
      'an unknown interface',
      { publicIp: other, networkInterfaceId: 'eni-x' },
      'InvalidNetworkInterfaceID.NotFound',
    ],
    ['an instance with two interfaces', { publicIp: other, instanceId: 'i-wide' }, 'InvalidInstanceID'],
    ['no address', { instanceId: 'i-saturn' }, 'MissingParameter'],
    ['no target', { publicIp: other }, 'MissingParameter'],
    [
      'an address named twice',
      { publicIp: other, allocationId: 'eipalloc-b', instanceId: 'i-saturn' },
      'InvalidParameterCombination',
    ],
    [
      'a target named twice',
      { publicIp: other, networkInterfaceId: 'eni-x', instanceId: 'i-saturn' },
      'InvalidParameterCombination',
    ],
    [
      'a private address that is not there',
      { publicIp: other, instanceId: 'i-saturn', privateIpAddress: '10.9.9.9' },
      'InvalidParameterValue',
    ],
  ];
  it.each(rows)('%s: %#', (_what, fields, code) => {
    expect(codeOf(call(account(), { ...bare, ...fields }).outcome)).toBe(code);
  });

  it('names the association that is in the way', () => {
    const { outcome } = call(account(), { ...bare, allocationId: 'eipalloc-a', instanceId: 'i-saturn' });
    expect(outcome).toMatchObject({
      error: {
        message: /^resource eipalloc-a is already associated with associate-id eipassoc-[0-9a-f]{17}$/,
      },
    });
  });

  it('lands on a named private address of a named interface', () => {
    const state = account();
    const networkInterfaceId = interfaceOf(state, 'i-wide');
    const { events } = call(state, {
      ...bare,
      publicIp: other,
      networkInterfaceId,
      privateIpAddress: '10.0.1.31',
    });
    expect(events).toMatchObject([{ kind: 'associated', association: { privateIp: '10.0.1.31' } }]);
  });

  it('ends the association that it replaces, and the new one has a new id', () => {
    const state = account();
    const moved = call(state, { ...bare, publicIp: ip, instanceId: 'i-saturn', allowReassociation: true });
    expect(moved.events).toMatchObject([
      { kind: 'ended', association: { cause: 'moved', instanceId: 'i-neptune' } },
      { kind: 'associated', association: { instanceId: 'i-saturn' } },
    ]);
    const ids = moved.events.map((event) => (event.kind === 'published' ? '' : event.association.id));
    expect(new Set(ids).size).toBe(2);
    expect(moved.state.addresses.get(ip)?.history).toHaveLength(1);
  });

  it('repeated onto the same target keeps its association', () => {
    const once = call(account(), { ...bare, publicIp: other, instanceId: 'i-saturn' });
    const twice = call(once.state, { ...bare, publicIp: other, instanceId: 'i-saturn' });
    expect(twice.outcome).toEqual(once.outcome);
    expect(twice.events).toEqual([]);
  });

  it('throws another address off its target, as documented, or refuses, as reported', () => {
    const request: AssociateAddress = { ...bare, publicIp: other, instanceId: 'i-neptune' };
    const displaced = call(account(), request);
    expect(displaced.events).toMatchObject([
      { kind: 'ended', publicIp: ip, association: { cause: 'displaced' } },
      { kind: 'associated', publicIp: other },
    ]);
    const refusing = account({ occupiedTarget: 'refuse' });
    expect(call(refusing, request).outcome).toMatchObject({
      error: { code: 'Resource.AlreadyAssociated', message: /is already associated with public address 54/ },
    });
    expect(codeOf(call(refusing, { ...request, allowReassociation: true }).outcome)).toBe('ok');
  });

  it('refuses an instance that is coming up or gone', () => {
    const pending = setInstanceState(account(), 'i-saturn', 'pending', console_, 10).state;
    expect(
      codeOf(call(pending, { ...bare, publicIp: other, instanceId: 'i-saturn' }, console_).outcome),
    ).toBe('InvalidInstanceID');
    const networkInterfaceId = interfaceOf(pending, 'i-saturn');
    expect(codeOf(call(pending, { ...bare, publicIp: other, networkInterfaceId }, console_).outcome)).toBe(
      'IncorrectInstanceState',
    );
  });
});

describe('DisassociateAddress', () => {
  const request = { action: 'ec2:DisassociateAddress', dryRun: false, publicIp: null } as const;

  it('ends the association that it names, and answers a stale id with an error', () => {
    const state = account();
    const associationId = state.addresses.get(ip)?.association?.id ?? '';
    const ended = call(state, { ...request, associationId });
    expect(ended.outcome.kind).toBe('ok');
    expect(holderOf(ended.state, ip)).toBeNull();
    const again = call(ended.state, { ...request, associationId });
    expect(codeOf(again.outcome)).toBe('InvalidAssociationID.NotFound');
  });

  it('leaves a newer association alone', () => {
    const state = account();
    const stale = state.addresses.get(ip)?.association?.id ?? '';
    const moved = call(state, {
      ...bare,
      publicIp: ip,
      instanceId: 'i-saturn',
      allowReassociation: true,
    }).state;
    expect(holderOf(call(moved, { ...request, associationId: stale }).state, ip)).toBe('i-saturn');
  });

  it('calls a stale id a success where the account is like that', () => {
    const state = account({ staleDisassociate: 'success' });
    expect(codeOf(call(state, { ...request, associationId: 'eipassoc-0' }).outcome)).toBe('ok');
  });

  it('wants the association id, not the address', () => {
    expect(codeOf(call(account(), { ...request, associationId: null }).outcome)).toBe('MissingParameter');
    const byIp = { ...request, associationId: null, publicIp: ip };
    expect(codeOf(call(account(), byIp).outcome)).toBe('InvalidParameterValue');
  });
});

describe('DescribeAddresses', () => {
  const state = account();
  const association = state.addresses.get(ip)?.association;
  const rows: readonly (readonly [string, Partial<DescribeAddresses>, readonly string[] | string])[] = [
    ['everything', {}, [ip, other]],
    ['one by public ip', { publicIps: [other] }, [other]],
    ['one by allocation id', { allocationIds: ['eipalloc-a'] }, [ip]],
    ['an unknown public ip', { publicIps: ['192.0.2.9'] }, 'InvalidAddress.NotFound'],
    ['an unknown allocation id', { allocationIds: ['eipalloc-x'] }, 'InvalidAllocationID.NotFound'],
    ['by instance', { filters: [{ name: 'instance-id', values: ['i-neptune', 'i-saturn'] }] }, [ip]],
    ['by association', { filters: [{ name: 'association-id', values: [association?.id ?? ''] }] }, [ip]],
    [
      'by interface',
      { filters: [{ name: 'network-interface-id', values: [association?.interfaceId ?? ''] }] },
      [ip],
    ],
    ['by private address', { filters: [{ name: 'private-ip-address', values: ['10.0.1.11'] }] }, [ip]],
    ['by public ip', { filters: [{ name: 'public-ip', values: [other] }] }, [other]],
    ['by nothing that is there', { filters: [{ name: 'instance-id', values: ['i-saturn'] }] }, []],
    ['by an unknown filter', { filters: [{ name: 'colour', values: ['red'] }] }, 'InvalidParameterValue'],
  ];
  it.each(rows)('%s', (_what, fields, expected) => {
    const { outcome } = call(state, { ...everything, ...fields });
    if (typeof expected === 'string') expect(codeOf(outcome)).toBe(expected);
    else expect(addressesOf(outcome)).toEqual(expected);
  });
});

function addressesOf(outcome: AwsOutcome): readonly string[] {
  if (outcome.kind !== 'ok' || outcome.result.action !== 'ec2:DescribeAddresses') return ['not an answer'];
  return outcome.result.addresses.map(({ publicIp }) => publicIp);
}

describe('permissions and dry runs', () => {
  it('a dry run is never carried out, and says whether it could be', () => {
    const dryRun = { ...bare, dryRun: true, publicIp: other, instanceId: 'i-saturn' };
    const allowed = call(account(), dryRun);
    expect(allowed.outcome).toMatchObject({ error: { code: 'DryRunOperation', status: 412 } });
    expect(allowed.plan.apply.kind).toBe('never');
    const revoked = setPermission(account(), 'i-saturn', 'ec2:AssociateAddress', 'revoked');
    expect(call(revoked, dryRun).outcome).toMatchObject({
      error: { code: 'UnauthorizedOperation', status: 403 },
    });
  });

  it('a revoked permission concerns one role and comes back', () => {
    const request: AwsRequest = { action: 'sns:Publish', topicArn: 'arn:topic', subject: null, message: 'm' };
    const revoked = setPermission(account(), 'i-saturn', 'sns:*', 'revoked');
    expect(codeOf(call(revoked, request).outcome)).toBe('AuthorizationError');
    expect(codeOf(call(revoked, request, { kind: 'instance', instanceId: 'i-wide' }).outcome)).toBe('ok');
    expect(codeOf(call(setPermission(revoked, 'i-saturn', '*', 'granted'), request).outcome)).toBe('ok');
  });

  it('asking who one is needs none', () => {
    const revoked = setPermission(account(), 'i-saturn', '*', 'revoked');
    expect(codeOf(call(revoked, { action: 'sts:GetCallerIdentity' }).outcome)).toBe('ok');
  });
});

describe('OpsWorks', () => {
  const saturnId = account().instances.get('i-saturn')?.opsworksId ?? '';

  it('moves without a condition, onto the primary private address', () => {
    const moved = call(account(), {
      action: 'opsworks:AssociateElasticIp',
      elasticIp: ip,
      instanceId: saturnId,
    });
    expect(moved.outcome.kind).toBe('ok');
    expect(holderOf(moved.state, ip)).toBe('i-saturn');
  });

  const refusals: readonly (readonly [string, AwsRequest, string])[] = [
    [
      'an address that it does not know',
      { action: 'opsworks:AssociateElasticIp', elasticIp: '192.0.2.9', instanceId: saturnId },
      'ResourceNotFoundException',
    ],
    [
      'an instance that it does not know',
      { action: 'opsworks:AssociateElasticIp', elasticIp: ip, instanceId: 'i-saturn' },
      'ResourceNotFoundException',
    ],
    [
      'two ways to choose instances',
      { action: 'opsworks:DescribeInstances', stackId: 'x', layerId: null, instanceIds: ['y'] },
      'ValidationException',
    ],
    [
      'no way to choose instances',
      { action: 'opsworks:DescribeInstances', stackId: null, layerId: null, instanceIds: [] },
      'ValidationException',
    ],
    [
      'another stack',
      { action: 'opsworks:DescribeElasticIps', stackId: 'x', instanceId: null, ips: [] },
      'ResourceNotFoundException',
    ],
  ];
  it.each(refusals)('refuses %s', (_what, request, code) => {
    expect(codeOf(call(account(), request).outcome)).toBe(code);
  });
});

describe('an account', () => {
  it.each([
    ['a holder that is not there', { instances: [], addresses: [{ publicIp: ip, holder: 'i-x' }] }],
    ['two instances of one name', { instances: [{ id: 'i-a' }, { id: 'i-a' }], addresses: [] }],
    [
      'two addresses on one private address',
      {
        instances: [{ id: 'i-a' }],
        addresses: [
          { publicIp: ip, holder: 'i-a' },
          { publicIp: other, holder: 'i-a' },
        ],
      },
    ],
  ])('refuses %s', (_what, spec) => {
    expect(() => createAws(spec)).toThrow();
  });

  it('gives the same answers to the same calls', () => {
    const run = () =>
      call(account(), { ...bare, publicIp: ip, instanceId: 'i-saturn', allowReassociation: true });
    expect(run()).toEqual(run());
  });
});
