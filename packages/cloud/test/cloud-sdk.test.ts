import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedCloud, startCloud } from '../src/embedded/index.ts';
import { ec2Sdk, opsworksSdk, type SentRequest, snsSdk, stsSdk } from './aws-sdk.ts';

const topic = 'arn:aws:sns:us-east-1:123456789012:failover';
let cloud: EmbeddedCloud;

beforeEach(async () => {
  cloud = await startCloud({
    instances: [{ id: 'i-neptune' }, { id: 'i-saturn' }],
    addresses: [{ publicIp: '54.173.141.243', allocationId: 'eipalloc-1', holder: 'i-neptune' }],
    topics: [topic],
  });
});
afterEach(() => cloud.close());

/** The settings of any client: one attempt, and the given instance's static key unless told otherwise. */
function settings(instanceId = 'i-saturn', secret?: string): object {
  const key = cloud.accessKeyFor(instanceId);
  return {
    endpoint: cloud.endpointUrl,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: secret ?? key.secretAccessKey },
  };
}

const ec2 = (...args: Parameters<typeof settings>) => new ec2Sdk.EC2Client(settings(...args));
const opsworks = (...args: Parameters<typeof settings>) => new opsworksSdk.OpsWorksClient(settings(...args));
const sns = (...args: Parameters<typeof settings>) => new snsSdk.SNSClient(settings(...args));
const sts = (...args: Parameters<typeof settings>) => new stsSdk.STSClient(settings(...args));

const describeIt = () => new ec2Sdk.DescribeAddressesCommand({ PublicIps: ['54.173.141.243'] });

describe('EC2 through the SDK', () => {
  it('reads the association with everything that a fenced move needs', async () => {
    const { Addresses } = await ec2().send(describeIt());
    const association = cloud.state.addresses.get('54.173.141.243')?.association;
    expect(Addresses).toMatchObject([
      {
        PublicIp: '54.173.141.243',
        AllocationId: 'eipalloc-1',
        Domain: 'vpc',
        InstanceId: 'i-neptune',
        AssociationId: association?.id,
        NetworkInterfaceId: association?.interfaceId,
        PrivateIpAddress: '10.0.1.11',
      },
    ]);
  });

  it('carries a fenced move: disassociate by id, associate without reassociation', async () => {
    const client = ec2();
    const AssociationId = cloud.state.addresses.get('54.173.141.243')?.association?.id;
    await client.send(new ec2Sdk.DisassociateAddressCommand({ AssociationId }));
    expect(cloud.holderOf('54.173.141.243')).toBeNull();
    const answer = await client.send(
      new ec2Sdk.AssociateAddressCommand({
        AllocationId: 'eipalloc-1',
        InstanceId: 'i-saturn',
        AllowReassociation: false,
      }),
    );
    expect(answer.AssociationId).toBe(cloud.state.addresses.get('54.173.141.243')?.association?.id);
    expect(answer.AssociationId).not.toBe(AssociationId);
    expect(cloud.holderOf('54.173.141.243')).toBe('i-saturn');
    expect(cloud.calls.map(({ action }) => action)).toEqual([
      'ec2:DisassociateAddress',
      'ec2:AssociateAddress',
    ]);
    expect(cloud.calls[1]?.request).toMatchObject({ allowReassociation: false, dryRun: false });
    expect(cloud.calls[1]?.caller).toEqual({ kind: 'instance', instanceId: 'i-saturn' });
    await expect(client.send(new ec2Sdk.DisassociateAddressCommand({ AssociationId }))).rejects.toMatchObject(
      {
        name: 'InvalidAssociationID.NotFound',
        $metadata: { httpStatusCode: 400 },
      },
    );
  });

  it('answers a dry run with DryRunOperation, and UnauthorizedOperation once the permission is gone', async () => {
    const dryRun = new ec2Sdk.AssociateAddressCommand({
      DryRun: true,
      AllocationId: 'eipalloc-1',
      InstanceId: 'i-saturn',
      AllowReassociation: false,
    });
    await expect(ec2().send(dryRun)).rejects.toMatchObject({
      name: 'DryRunOperation',
      $metadata: { httpStatusCode: 412 },
    });
    cloud.setPermission('i-saturn', 'ec2:AssociateAddress', 'revoked');
    const denied = { name: 'UnauthorizedOperation', $metadata: { httpStatusCode: 403 } };
    await expect(ec2().send(dryRun)).rejects.toMatchObject(denied);
    cloud.setPermission('i-saturn', 'ec2:AssociateAddress', 'granted');
    await expect(ec2().send(dryRun)).rejects.toMatchObject({ name: 'DryRunOperation' });
    expect(cloud.holderOf('54.173.141.243')).toBe('i-neptune');
  });

  it('describes instances with interfaces, private addresses and what maps to them', async () => {
    const { Reservations } = await ec2().send(
      new ec2Sdk.DescribeInstancesCommand({ InstanceIds: ['i-neptune'] }),
    );
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: 'i-neptune',
      State: { Name: 'running', Code: 16 },
      PublicIpAddress: '54.173.141.243',
      PrivateIpAddress: '10.0.1.11',
      NetworkInterfaces: [
        {
          Association: { PublicIp: '54.173.141.243' },
          Attachment: { DeviceIndex: 0 },
          PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: '10.0.1.11' }],
        },
      ],
    });
  });

  it('describes the status of running instances', async () => {
    cloud.setInstanceState('i-neptune', 'stopped');
    const status = new ec2Sdk.DescribeInstanceStatusCommand({});
    expect((await ec2().send(status)).InstanceStatuses).toMatchObject([
      { InstanceId: 'i-saturn', InstanceStatus: { Status: 'ok' }, SystemStatus: { Status: 'ok' } },
    ]);
  });

  it('refuses a parameter that EC2 does not know', async () => {
    const odd = new ec2Sdk.DescribeAddressesCommand({ Filters: [{ Name: 'colour', Values: ['red'] }] });
    await expect(ec2().send(odd)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });
});

describe('OpsWorks, SNS and STS through the SDK', () => {
  it('moves the address by OpsWorks, by its own instance id, whoever holds it', async () => {
    const client = opsworks();
    const stack = new opsworksSdk.DescribeInstancesCommand({ StackId: cloud.state.config.stackId });
    const { Instances } = await client.send(stack);
    const saturn = Instances?.find(({ Ec2InstanceId }) => Ec2InstanceId === 'i-saturn');
    expect(saturn).toMatchObject({ Status: 'online', Hostname: 'i-saturn' });
    await client.send(
      new opsworksSdk.AssociateElasticIpCommand({
        ElasticIp: '54.173.141.243',
        InstanceId: saturn?.InstanceId,
      }),
    );
    expect(cloud.holderOf('54.173.141.243')).toBe('i-saturn');
    const { ElasticIps } = await client.send(
      new opsworksSdk.DescribeElasticIpsCommand({ Ips: ['54.173.141.243'] }),
    );
    expect(ElasticIps).toMatchObject([{ Ip: '54.173.141.243', InstanceId: saturn?.InstanceId }]);
    await client.send(new opsworksSdk.DisassociateElasticIpCommand({ ElasticIp: '54.173.141.243' }));
    expect(cloud.holderOf('54.173.141.243')).toBeNull();
  });

  it('answers OpsWorks errors as JSON that the SDK knows', async () => {
    const lost = new opsworksSdk.AssociateElasticIpCommand({ ElasticIp: '192.0.2.1', InstanceId: 'x' });
    await expect(opsworks().send(lost)).rejects.toBeInstanceOf(opsworksSdk.ResourceNotFoundException);
    await expect(opsworks().send(new opsworksSdk.DescribeInstancesCommand({}))).rejects.toBeInstanceOf(
      opsworksSdk.ValidationException,
    );
  });

  it('records what SNS accepts, and refuses what it must', async () => {
    const message = {
      TopicArn: topic,
      Subject: 'HAProxy failover notification',
      Message: 'Instance <a> & b\nnode: ü',
    };
    const { MessageId } = await sns().send(new snsSdk.PublishCommand(message));
    expect(cloud.published).toMatchObject([
      { messageId: MessageId, topicArn: topic, subject: message.Subject, message: message.Message },
    ]);
    const lost = new snsSdk.PublishCommand({ ...message, TopicArn: `${topic}x` });
    await expect(sns().send(lost)).rejects.toMatchObject({ name: 'NotFoundException' });
    const bad = new snsSdk.PublishCommand({ ...message, Subject: 'two\nlines' });
    await expect(sns().send(bad)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('says who calls', async () => {
    const identity = await sts().send(new stsSdk.GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:sts::123456789012:assumed-role/failtome-i-saturn/i-saturn',
    });
  });

  it('has a role assumed, whose keys are good for as long as was asked, and for what that role may do', async () => {
    const RoleArn = 'arn:aws:iam::123456789012:role/failover/mover';
    const assume = (change: object = {}) =>
      sts().send(new stsSdk.AssumeRoleCommand({ RoleArn, RoleSessionName: 'failtome-saturn', ...change }));
    const { Credentials, AssumedRoleUser } = await assume({ DurationSeconds: 900 });
    const arn = 'arn:aws:sts::123456789012:assumed-role/mover/failtome-saturn';
    expect(AssumedRoleUser?.Arn).toBe(arn);
    const leftMs = (Credentials?.Expiration?.getTime() ?? 0) - Date.now();
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(900_000);
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
    const assumed = new stsSdk.STSClient({ ...settings(), credentials });
    expect((await assumed.send(new stsSdk.GetCallerIdentityCommand({}))).Arn).toBe(arn);
    await expect(assume({ RoleArn: RoleArn.replace('123', '999') })).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(assume({ DurationSeconds: 60 })).rejects.toMatchObject({ name: 'ValidationError' });
  });
});

describe('throttling, as the SDK tells it from other errors', () => {
  // The adaptive retry strategy counts throttles; here the standard one's second attempt shows that it retried.
  const retrying = () => ({ ...settings(), maxAttempts: 2 });
  const cases = [
    ['ec2', () => new ec2Sdk.EC2Client(retrying()).send(describeIt()), 'ec2:DescribeAddresses'],
    [
      'opsworks',
      () => new opsworksSdk.OpsWorksClient(retrying()).send(new opsworksSdk.DescribeElasticIpsCommand({})),
      'opsworks:DescribeElasticIps',
    ],
    [
      'sns',
      () =>
        new snsSdk.SNSClient(retrying()).send(new snsSdk.PublishCommand({ TopicArn: topic, Message: 'm' })),
      'sns:Publish',
    ],
    [
      'sts',
      () => new stsSdk.STSClient(retrying()).send(new stsSdk.GetCallerIdentityCommand({})),
      'sts:GetCallerIdentity',
    ],
  ] as const;

  it.each(cases)('%s: a throttled call is tried again', async (_service, call, action) => {
    cloud.fault.arm({ action, effect: { kind: 'throttle' }, times: 1 });
    await call();
    expect(cloud.calls.map(({ answer }) => answer.kind)).toEqual(['error', 'ok']);
  });

  it('a call that is refused for its permission is not', async () => {
    cloud.setPermission('i-saturn', 'opsworks:*', 'revoked');
    const call = new opsworksSdk.OpsWorksClient(retrying()).send(
      new opsworksSdk.DescribeElasticIpsCommand({}),
    );
    await expect(call).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(cloud.calls).toHaveLength(1);
  });
});

describe('signatures', () => {
  const wrong = 'x'.repeat(40);
  const refusals = [
    ['ec2', () => ec2('i-saturn', wrong).send(describeIt()), 'SignatureDoesNotMatch', 403],
    [
      'opsworks',
      () => opsworks('i-saturn', wrong).send(new opsworksSdk.DescribeElasticIpsCommand({})),
      'InvalidSignatureException',
      400,
    ],
    [
      'sns',
      () => sns('i-saturn', wrong).send(new snsSdk.PublishCommand({ TopicArn: topic, Message: 'm' })),
      'SignatureDoesNotMatch',
      403,
    ],
    [
      'sts',
      () => sts('i-saturn', wrong).send(new stsSdk.GetCallerIdentityCommand({})),
      'SignatureDoesNotMatch',
      403,
    ],
  ] as const;

  it.each(refusals)('%s: a wrong secret is refused', async (_service, call, name, httpStatusCode) => {
    await expect(call()).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
    expect(cloud.calls).toHaveLength(0);
  });

  it('an unknown key, a missing signature and a foreign region are refused', async () => {
    const stranger = { accessKeyId: 'AKIASTRANGER', secretAccessKey: wrong };
    const unknown = new ec2Sdk.EC2Client({ ...settings(), credentials: stranger });
    await expect(unknown.send(describeIt())).rejects.toMatchObject({ name: 'AuthFailure' });
    const foreign = new ec2Sdk.EC2Client({ ...settings(), region: 'eu-west-1' });
    await expect(foreign.send(describeIt())).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    const body = 'Action=DescribeAddresses&Version=2016-11-15';
    const unsigned = await fetch(cloud.endpointUrl, { method: 'POST', body });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('<Code>MissingAuthenticationToken</Code>');
  });

  it('a body that was changed on its way, and an old request, are refused', async () => {
    const recorded: SentRequest[] = [];
    const client = ec2();
    client.middlewareStack.add(
      (next) => (args) => {
        recorded.push(args.request);
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await client.send(describeIt());
    const [first] = recorded;
    if (first === undefined) throw new Error('Nothing was sent.');
    const post = async (headers: SentRequest['headers'], body: string): Promise<string> => {
      const { host: _host, 'content-length': _length, ...rest } = headers;
      return (await fetch(cloud.endpointUrl, { method: 'POST', headers: rest, body })).text();
    };
    expect(await post(first.headers, first.body)).toContain('<DescribeAddressesResponse');
    expect(await post(first.headers, `${first.body}&DryRun=true`)).toContain('SignatureDoesNotMatch');
    const hourAgo = new ec2Sdk.EC2Client({ ...settings(), systemClockOffset: -3_600_000 });
    await expect(hourAgo.send(describeIt())).rejects.toMatchObject({ name: 'RequestExpired' });
  });
});

describe('credentials from instance metadata', () => {
  const names = ['AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_EC2_METADATA_SERVICE_ENDPOINT'] as const;
  const hidden = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'] as const;
  const before = new Map<string, string | undefined>();

  beforeEach(() => {
    for (const name of [...names, ...hidden]) before.set(name, process.env[name]);
    for (const name of hidden) delete process.env[name];
    Object.assign(process.env, cloud.environmentFor('i-saturn'));
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it('carries the SDK from nothing but the environment to a signed call with a session token', async () => {
    const client = new ec2Sdk.EC2Client({ maxAttempts: 1 });
    const { Addresses } = await client.send(describeIt());
    expect(Addresses).toHaveLength(1);
    expect(cloud.calls[0]?.caller).toEqual({ kind: 'instance', instanceId: 'i-saturn' });
  });

  it('expired session keys are refused by each service in its own words', async () => {
    const ec2Client = new ec2Sdk.EC2Client({ maxAttempts: 1 });
    const credentials = ec2Client.config.credentials;
    const opsworksClient = new opsworksSdk.OpsWorksClient({ maxAttempts: 1, credentials });
    await ec2Client.send(describeIt());
    cloud.expireCredentials('i-saturn');
    await expect(ec2Client.send(describeIt())).rejects.toMatchObject({ name: 'RequestExpired' });
    await expect(opsworksClient.send(new opsworksSdk.DescribeElasticIpsCommand({}))).rejects.toMatchObject({
      name: 'ExpiredTokenException',
    });
    await expect(new ec2Sdk.EC2Client({ maxAttempts: 1 }).send(describeIt())).resolves.toBeDefined();
  });
});
