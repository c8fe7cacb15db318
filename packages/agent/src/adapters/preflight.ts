/**
 * The cloud part of `failtome check`: can this node take every address, and tell people of it?
 *
 * Nothing is changed: reads, and dry runs where AWS has them. OpsWorks and SNS have none; there the
 * permission shows at the first real call, and the row says so.
 */
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { areBadCredentials } from '@failtome/ports';
import type { DriverAnswer, DurationMs, InstanceId, Ip } from '@failtome/protocol';
import { roleAccount, topicRegion } from '../config/aws-names.ts';
import type { AwsDriverKindName } from '../config/driver-kinds.ts';
import type { AddressSettings, AgentConfig, DriverSettings, Identity } from '../config/types.ts';
import { type AwsClients, type CallContext, contextFor, readAws } from './aws-clients.ts';
import { createOpsworksDriver } from './aws-driver.ts';
import { failureOf } from './aws-failure.ts';
import { readCaller } from './caller.ts';
import type { Post } from './driver.ts';
import { createExecDriver } from './exec.ts';
import { preflightEc2 } from './preflight-ec2.ts';
import { type CheckLine, fail, failed, fixFor, foundIn, ok, type Permission, warn } from './preflight-fix.ts';
import { preflightPrivateIp } from './preflight-private-ip.ts';
import { ask, holderIn } from './preflight-read.ts';
import { preflightRoute } from './preflight-route.ts';

export type { CheckLine } from './preflight-fix.ts';

/** Every row is there by then. */
const PREFLIGHT_TIMEOUT_MS: DurationMs = 8000;

/**
 * Check the driver, its permissions and the topic.
 *
 * @param clients null where the configuration needs no AWS: `exec` without a topic
 * @returns nothing for a witness or a member, which never takes an address
 */
export async function preflightCloud(
  config: AgentConfig,
  identity: Identity,
  clients: AwsClients | null,
  timeoutMs: DurationMs = PREFLIGHT_TIMEOUT_MS,
): Promise<readonly CheckLine[]> {
  if (config.node.role !== 'candidate' || config.driver === null) return [];
  const context = contextFor(timeoutMs, () => undefined);
  if (config.driver.kind === 'exec') {
    const [address, topic] = await Promise.all([
      preflightExec(config.driver.command, config.addresses, identity, timeoutMs),
      clients === null ? [noTopic] : preflightTopic(clients, config.notify.sns, context),
    ]);
    return [...address, ...topic];
  }
  if (clients === null) throw new Error(`the ${config.driver.kind} driver needs AWS clients`);
  return preflightAws(config, config.driver, identity.instanceId, clients, timeoutMs, context);
}

async function preflightAws(
  config: AgentConfig,
  driver: Extract<DriverSettings, { readonly kind: AwsDriverKindName }>,
  instanceId: InstanceId,
  clients: AwsClients,
  timeoutMs: DurationMs,
  context: CallContext,
): Promise<readonly CheckLine[]> {
  const caller = await preflightCaller(clients, context);
  const { displace, assumeRole } = driver;
  const role = assumeRole === null ? [] : [await preflightRole(clients, assumeRole)];
  const account = assumeRole === null ? caller.account : roleAccount(assumeRole);
  const { addresses: configured } = config;
  const preflightAddresses = (): Promise<readonly CheckLine[]> => {
    switch (driver.kind) {
      case 'ec2': {
        const { networkInterfaceId } = driver;
        return preflightEc2(
          { clients, instanceId, networkInterfaceId, account, displace },
          configured,
          context,
        );
      }
      case 'ec2-private-ip': {
        const { networkInterfaceId } = driver;
        return preflightPrivateIp(
          { clients, instanceId, networkInterfaceId, account, timeoutMs },
          configured,
        );
      }
      case 'ec2-route': {
        const { networkInterfaceId, routeTables } = driver;
        return preflightRoute(
          { clients, instanceId, networkInterfaceId, routeTables, account, timeoutMs },
          configured,
        );
      }
      case 'opsworks':
        return preflightOpsworks(clients, instanceId, displace, configured, timeoutMs);
    }
  };
  const [addresses, topic] = await Promise.all([
    preflightAddresses(),
    preflightTopic(clients, config.notify.sns, context),
  ]);
  return [regionLine(clients), caller.line, ...role, ...addresses, ...topic];
}

/** The role that the driver's calls are made with: what it may do the rows of the addresses tell. */
async function preflightRole({ driverCredentials }: AwsClients, arn: string): Promise<CheckLine> {
  try {
    await driverCredentials.provider();
    return ok('AWS role', arn);
  } catch (error) {
    const fix = `Allow sts:AssumeRole on ${arn} in the policy of this node's role, and have the trust policy of that role name this node's.`;
    return fail('AWS role', foundIn(failureOf(error, false)), fix);
  }
}

function regionLine({ region }: AwsClients): CheckLine {
  if (region !== null) return ok('AWS region', region);
  return warn('AWS region', 'left to the AWS profile', 'Set driver.region, or AWS_REGION.');
}

/** STS is not needed for a move: only what it says of the credentials counts as a failure. */
async function preflightCaller(
  clients: AwsClients,
  context: CallContext,
): Promise<{ readonly line: CheckLine; readonly account: string | null }> {
  const name = 'AWS identity';
  const outcome = await readCaller(clients, context);
  if (outcome.kind === 'ok') {
    const { Arn, Account } = outcome.output;
    return { line: ok(name, Arn ?? 'known to AWS'), account: Account ?? null };
  }
  const { failure } = outcome;
  const fix = fixFor(failure, {
    action: 'sts:GetCallerIdentity',
    resources: ['*'],
  });
  const tell = areBadCredentials(failure) ? fail : warn;
  return { line: tell(name, foundIn(failure), fix), account: null };
}

async function preflightOpsworks(
  clients: AwsClients,
  instanceId: InstanceId,
  displace: 'refuse' | 'allow',
  addresses: readonly AddressSettings[],
  timeoutMs: DurationMs,
): Promise<readonly CheckLine[]> {
  if (instanceId === '') {
    const fix = "Set driver.instanceId to OpsWorks's own id of this instance.";
    return [fail('OpsWorks instance', 'which one this is could not be found out', fix)];
  }
  const lines = addresses.map(async ({ ip }) => {
    const answer = await ask(
      (post) => createOpsworksDriver({ instanceId }, { clients, post }),
      ip,
      timeoutMs,
    );
    return addressLines(ip, answer, displace, {
      action: 'opsworks:DescribeElasticIps',
      resources: ['arn:aws:opsworks:*:*:stack/STACK_ID/'],
    });
  });
  const unproven = warn(
    'permission opsworks:AssociateElasticIp',
    'not proven: OpsWorks has no dry run',
    'See that the role allows opsworks:AssociateElasticIp on arn:aws:opsworks:*:*:stack/STACK_ID/: `failtome iam` prints the policy.',
  );
  return [...(await Promise.all(lines)).flat(), unproven];
}

async function preflightExec(
  command: readonly string[],
  addresses: readonly AddressSettings[],
  { id: nodeId }: Identity,
  timeoutMs: DurationMs,
): Promise<readonly CheckLine[]> {
  const create = (post: Post) => createExecDriver({ command, nodeId }, { post, logStderr: () => undefined });
  const lines = addresses.map(async ({ ip }): Promise<CheckLine> => {
    const answer = await ask(create, ip, timeoutMs);
    if (answer.kind === 'read') return ok(`address ${ip}`, holderIn(answer));
    const found = answer.kind === 'refused' || answer.kind === 'unknown' ? foundIn(answer) : answer.kind;
    const fix = `See what \`${command.join(' ')} read ${ip}\` prints on this node: {"holder": NODE or null}, and exit 0.`;
    return fail(`address ${ip}`, found, fix);
  });
  return Promise.all(lines);
}

function addressLines(
  ip: Ip,
  answer: DriverAnswer,
  displace: 'refuse' | 'allow',
  permission: Permission,
): readonly CheckLine[] {
  const name = `address ${ip}`;
  if (answer.kind === 'refused' || answer.kind === 'unknown') return [failed(name, answer, permission)];
  if (answer.kind !== 'read') return [];
  const holder = ok(name, holderIn(answer));
  const { displaces } = answer;
  if (displaces === null) return [holder, ok(`displaced by ${ip}`, 'nothing')];
  const found = `taking it would throw off ${displaces}`;
  const fix = `Move ${displaces} elsewhere; driver.displace: allow takes ${ip} regardless.`;
  const tell = displace === 'allow' ? warn : fail;
  return [holder, tell(`displaced by ${ip}`, found, fix)];
}

const noTopic: CheckLine = ok('SNS topic', 'none is configured');

/** Reading a topic is a permission of its own that publishing doesn't need, so its refusal is no failure. */
async function preflightTopic(
  clients: AwsClients,
  sns: { readonly topicArn: string } | null,
  context: CallContext,
): Promise<readonly CheckLine[]> {
  if (sns === null) return [noTopic];
  const { topicArn } = sns;
  const name = 'SNS topic';
  if (topicRegion(topicArn) === null) {
    return [
      fail(
        name,
        `${topicArn} is no topic's ARN`,
        'Set notify.sns.topicArn to arn:aws:sns:REGION:ACCOUNT:NAME.',
      ),
    ];
  }
  const command = new GetTopicAttributesCommand({ TopicArn: topicArn });
  const outcome = await readAws(
    clients,
    {
      service: 'sns',
      operation: 'GetTopicAttributes',
      send: (options) => clients.sns.send(command, options),
    },
    context,
  );
  const publish = `See that the role allows sns:Publish on ${topicArn}: \`failtome iam\` prints the policy.`;
  const unproven = warn('permission sns:Publish', 'not proven: SNS has no dry run', publish);
  if (outcome.kind === 'ok') return [ok(name, topicArn), unproven];
  const { failure } = outcome;
  if (failure.code === 'NotFound' || failure.code === 'NotFoundException') {
    return [fail(name, `${topicArn} does not exist`, 'Set notify.sns.topicArn to an existing topic.')];
  }
  const found = `${topicArn} could not be read (${foundIn(failure)})`;
  const permission = { action: 'sns:Publish', resources: [topicArn] } as const;
  // No permission would help: with these credentials nothing is published either.
  if (areBadCredentials(failure)) return [fail(name, found, fixFor(failure, permission))];
  return [
    warn(name, found, 'None needed for publishing; sns:GetTopicAttributes would let the check see it.'),
    unproven,
  ];
}
