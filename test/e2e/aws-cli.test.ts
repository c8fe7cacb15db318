import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedCloud, startCloud } from '../../packages/cloud/src/embedded/index.ts';

/** Every `aws` on the path that answers; version managers put others of that name there. */
function workingAws(): readonly string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return [...new Set(folders)]
    .map((folder) => join(folder, 'aws'))
    .filter((path) => spawnSync(path, ['--version']).status === 0);
}

const found = workingAws();
const withOpsworks = found.find((path) => spawnSync(path, ['opsworks', 'help']).status === 0);
// OpsWorks is gone from newer releases; an older one that still has it shows more.
const aws = withOpsworks ?? found[0];
const missing = aws === undefined ? ' (skipped: there is no aws command; apt-get install awscli)' : '';
const missingOpsworks =
  withOpsworks === undefined ? ' (skipped: this aws command has no opsworks; apt-get install awscli)' : '';

const elasticIp = '54.173.141.243';
const topic = 'arn:aws:sns:us-east-1:123456789012:failover';
let home: string;
let cloud: EmbeddedCloud;

interface Answer {
  readonly status: number;
  readonly output: string;
  readonly error: string;
}

/** Runs the command line as one instance, or as the operator, with nothing of this machine's own configuration. */
function run(who: string | null, ...args: readonly string[]): Promise<Answer> {
  const own = who === null ? cloud.operatorEnvironment() : cloud.environmentFor(who);
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
    ...own,
  };
  const all = ['--endpoint-url', cloud.endpointUrl, '--output', 'json', ...args];
  return new Promise((resolve) => {
    execFile(aws ?? 'aws', all, { env }, (failure, output, error) => {
      const status = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : -1;
      resolve({ status, output, error });
    });
  });
}

async function json(who: string | null, ...args: readonly string[]): Promise<unknown> {
  const answer = await run(who, ...args);
  expect(answer).toMatchObject({ status: 0, error: '' });
  return answer.output === '' ? null : JSON.parse(answer.output);
}

const associationId = () => cloud.state.addresses.get(elasticIp)?.association?.id ?? 'none';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'aws-cli-'));
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(async () => {
  cloud = await startCloud({
    instances: [
      { id: 'i-neptune', hostname: 'neptune' },
      { id: 'i-saturn', hostname: 'saturn', tags: { role: 'lb' } },
    ],
    addresses: [{ publicIp: elasticIp, allocationId: 'eipalloc-0abc', holder: 'i-neptune' }],
    topics: [topic],
  });
});
afterEach(() => cloud.close());

describe.skipIf(aws === undefined)(`the real AWS command line${missing}`, () => {
  it('describes the address, by ip and by filter', async () => {
    const expected = {
      Addresses: [
        {
          PublicIp: elasticIp,
          AllocationId: 'eipalloc-0abc',
          AssociationId: associationId(),
          InstanceId: 'i-neptune',
          Domain: 'vpc',
        },
      ],
    };
    expect(await json(null, 'ec2', 'describe-addresses', '--public-ips', elasticIp)).toMatchObject(expected);
    const filter = `Name=instance-id,Values=i-neptune,i-saturn`;
    expect(await json(null, 'ec2', 'describe-addresses', '--filters', filter)).toMatchObject(expected);
    const lost = await run(null, 'ec2', 'describe-addresses', '--public-ips', '192.0.2.1');
    expect(lost.error).toContain('(InvalidAddress.NotFound)');
  });

  it('proves the permission by dry run', async () => {
    const move = ['--allocation-id', 'eipalloc-0abc', '--instance-id', 'i-saturn', '--dry-run'];
    const allowed = await run('i-saturn', 'ec2', 'associate-address', ...move);
    expect(allowed.error).toContain('(DryRunOperation)');
    cloud.setPermission('i-saturn', 'ec2:AssociateAddress', 'revoked');
    const denied = await run('i-saturn', 'ec2', 'associate-address', ...move);
    expect(denied.error).toContain('(UnauthorizedOperation)');
    expect(cloud.holderOf(elasticIp)).toBe('i-neptune');
  });

  it('makes the fenced move with credentials from instance metadata', async () => {
    const stale = associationId();
    const move = [
      '--allocation-id',
      'eipalloc-0abc',
      '--instance-id',
      'i-saturn',
      '--no-allow-reassociation',
    ];
    const held = await run('i-saturn', 'ec2', 'associate-address', ...move);
    expect(held.error).toContain('(Resource.AlreadyAssociated)');
    await json('i-saturn', 'ec2', 'disassociate-address', '--association-id', stale);
    const associated = await json('i-saturn', 'ec2', 'associate-address', ...move);
    expect(associated).toMatchObject({ AssociationId: associationId() });
    expect(cloud.holderOf(elasticIp)).toBe('i-saturn');
    const late = await run('i-saturn', 'ec2', 'disassociate-address', '--association-id', stale);
    expect(late.error).toContain('(InvalidAssociationID.NotFound)');
    expect(cloud.calls.every(({ caller }) => caller.kind === 'instance')).toBe(true);
  });

  it('finds instances that run by their tags', async () => {
    const filters = ['Name=tag-key,Values=role', 'Name=instance-state-name,Values=running'];
    const query = 'Reservations[].Instances[].[InstanceId, PrivateIpAddress, Tags[?Key==`role`].Value | [0]]';
    const find = () => json(null, 'ec2', 'describe-instances', '--filters', ...filters, '--query', query);
    expect(await find()).toEqual([['i-saturn', '10.0.1.12', 'lb']]);
    cloud.setInstanceState('i-saturn', 'terminated');
    expect(await find()).toEqual([]);
  });

  it('describes instances and their status', async () => {
    const described = await json(null, 'ec2', 'describe-instances', '--instance-ids', 'i-neptune');
    expect(described).toMatchObject({
      Reservations: [
        {
          Instances: [
            {
              InstanceId: 'i-neptune',
              State: { Name: 'running' },
              PublicIpAddress: elasticIp,
              NetworkInterfaces: [
                { Association: { PublicIp: elasticIp }, PrivateIpAddresses: [{ Primary: true }] },
              ],
            },
          ],
        },
      ],
    });
    expect(await json(null, 'ec2', 'describe-instance-status')).toMatchObject({
      InstanceStatuses: [
        { InstanceId: 'i-neptune', InstanceStatus: { Status: 'ok' } },
        { InstanceId: 'i-saturn' },
      ],
    });
  });

  it('publishes a notification, and says who calls', async () => {
    const subject = 'HAProxy failover notification';
    const message = `Instance i-saturn took over ${elasticIp}`;
    const args = ['--topic-arn', topic, '--subject', subject, '--message', message];
    expect(await json('i-saturn', 'sns', 'publish', ...args)).toMatchObject({
      MessageId: cloud.published[0]?.messageId,
    });
    expect(cloud.published).toMatchObject([{ topicArn: topic, subject, message }]);
    expect(await json('i-saturn', 'sts', 'get-caller-identity')).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:sts::123456789012:assumed-role/failtome-i-saturn/i-saturn',
    });
  });

  it('is told when a call is throttled', async () => {
    cloud.fault.arm({ action: 'ec2:DescribeAddresses', effect: { kind: 'throttle' } });
    const throttled = await run(null, 'ec2', 'describe-addresses');
    expect(throttled.error).toContain('(RequestLimitExceeded)');
  });
});

describe.skipIf(withOpsworks === undefined)(`its opsworks command${missingOpsworks}`, () => {
  const opsworksId = (instanceId: string) => cloud.state.instances.get(instanceId)?.opsworksId ?? 'none';

  it('moves the address as the seed script did', async () => {
    const answer = await run(
      'i-saturn',
      '--region',
      'us-east-1',
      'opsworks',
      'associate-elastic-ip',
      '--elastic-ip',
      elasticIp,
      '--instance-id',
      opsworksId('i-saturn'),
    );
    expect(answer).toEqual({ status: 0, output: '', error: '' });
    expect(cloud.holderOf(elasticIp)).toBe('i-saturn');
    expect(await json(null, 'opsworks', 'describe-elastic-ips', '--ips', elasticIp)).toMatchObject({
      ElasticIps: [{ Ip: elasticIp, InstanceId: opsworksId('i-saturn') }],
    });
  });

  it('finds an instance by its EC2 id through the stack', async () => {
    const stack = ['--stack-id', cloud.state.config.stackId];
    expect(await json(null, 'opsworks', 'describe-instances', ...stack)).toMatchObject({
      Instances: [{ Ec2InstanceId: 'i-neptune', Status: 'online' }, { Ec2InstanceId: 'i-saturn' }],
    });
  });

  it('is told when it may not, and when it is throttled', async () => {
    const move = ['--elastic-ip', elasticIp, '--instance-id', opsworksId('i-saturn')];
    cloud.setPermission('i-saturn', 'opsworks:AssociateElasticIp', 'revoked');
    const denied = await run('i-saturn', 'opsworks', 'associate-elastic-ip', ...move);
    expect(denied.error).toContain('(AccessDeniedException)');
    cloud.setPermission('i-saturn', 'opsworks:*', 'granted');
    cloud.fault.arm({ action: 'opsworks:*', effect: { kind: 'throttle' } });
    const throttled = await run('i-saturn', 'opsworks', 'associate-elastic-ip', ...move);
    expect(throttled.error).toContain('(ThrottlingException)');
  });
});
