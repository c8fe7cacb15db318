import {
  type AwsActionPattern,
  awsActions,
  type ExternalIp,
  FAULT_KINDS,
  type FaultEffect,
  type FaultSpec,
  type Instance,
  type InstanceId,
  type InstanceState,
} from '../model/index.ts';
import type { PathState } from './address.ts';
import { type Control, type ControlAnswer, createControl } from './control.ts';
import type { GuardBehaviour, GuardScope } from './external-ip.ts';
import type { MetadataState } from './metadata.ts';
import type { Endpoint } from './togglable-listener.ts';

/** What the control listener may do to a cloud. */
export interface Steerable {
  readonly fault: { arm(spec: FaultSpec): number; clear(id?: number): void };
  readonly state: { readonly addresses: ReadonlyMap<string, { readonly association: unknown }> };
  readonly calls: readonly unknown[];
  readonly published: readonly unknown[];
  readonly associationLog: readonly unknown[];
  nowMs(): number;
  externalIpOf(instanceId: InstanceId): ExternalIp;
  setGuard(behaviour: GuardBehaviour, scope?: GuardScope): void;
  clearGuard(): void;
  setMetadata(instanceId: InstanceId, state: MetadataState): void;
  setMetadataPage(instanceId: InstanceId, path: string, page: string | null): void;
  expireCredentials(instanceId: InstanceId): void;
  replaceAccessKey(instanceId: InstanceId): {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  setPermission(instanceId: InstanceId, action: AwsActionPattern, permission: 'revoked' | 'granted'): void;
  operatorAssociate(publicIp: string, instanceId: InstanceId, privateIp?: string): void;
  operatorDisassociate(publicIp: string): void;
  setInstanceState(instanceId: InstanceId, state: InstanceState): void;
  setNetwork(instanceId: InstanceId, network: Instance['network']): void;
  setWayOut(instanceId: InstanceId, wayOut: Instance['wayOut']): void;
  setBackend(instanceId: InstanceId, backend: Endpoint): void;
  setPath(instanceId: InstanceId | null, publicIp: string, path: PathState): void;
}

type Fields = ReadonlyMap<string, unknown>;

/** A command that can't be carried out as it stands. */
class CommandError extends Error {}

/** Commands by their `do`; each reads its own fields. */
const commands: ReadonlyMap<string, (cloud: Steerable, fields: Fields) => unknown> = new Map<
  string,
  (cloud: Steerable, fields: Fields) => unknown
>([
  ['arm', (cloud, fields) => ({ id: cloud.fault.arm(faultSpec(record(fields, 'fault'))) })],
  ['clear', (cloud, fields) => cloud.fault.clear(fields.has('id') ? number(fields, 'id') : undefined)],
  ['guard', (cloud, fields) => cloud.setGuard(guardBehaviour(fields), guardScope(fields))],
  ['clear-guard', (cloud) => cloud.clearGuard()],
  [
    'metadata',
    (cloud, fields) =>
      cloud.setMetadata(text(fields, 'instanceId'), oneOf(fields, 'state', ['up', 'down', 'hang', 'error'])),
  ],
  [
    'metadata-page',
    (cloud, fields) =>
      cloud.setMetadataPage(
        text(fields, 'instanceId'),
        text(fields, 'path'),
        fields.has('page') ? text(fields, 'page') : null,
      ),
  ],
  ['expire-credentials', (cloud, fields) => cloud.expireCredentials(text(fields, 'instanceId'))],
  [
    'replace-access-key',
    (cloud, fields) => {
      const { accessKeyId, secretAccessKey } = cloud.replaceAccessKey(text(fields, 'instanceId'));
      return { accessKeyId, secretAccessKey };
    },
  ],
  [
    'permission',
    (cloud, fields) =>
      cloud.setPermission(
        text(fields, 'instanceId'),
        actionPattern(text(fields, 'action')),
        oneOf(fields, 'permission', ['revoked', 'granted']),
      ),
  ],
  [
    'associate',
    (cloud, fields) =>
      cloud.operatorAssociate(
        text(fields, 'publicIp'),
        text(fields, 'instanceId'),
        fields.has('privateIp') ? text(fields, 'privateIp') : undefined,
      ),
  ],
  ['disassociate', (cloud, fields) => cloud.operatorDisassociate(text(fields, 'publicIp'))],
  [
    'instance-state',
    (cloud, fields) =>
      cloud.setInstanceState(text(fields, 'instanceId'), oneOf(fields, 'state', instanceStates)),
  ],
  [
    'network',
    (cloud, fields) =>
      cloud.setNetwork(text(fields, 'instanceId'), oneOf(fields, 'network', ['attached', 'gone'])),
  ],
  [
    'way-out',
    (cloud, fields) =>
      cloud.setWayOut(text(fields, 'instanceId'), oneOf(fields, 'wayOut', ['open', 'broken'])),
  ],
  [
    'backend',
    (cloud, fields) =>
      cloud.setBackend(text(fields, 'instanceId'), {
        host: text(fields, 'host'),
        port: number(fields, 'port'),
      }),
  ],
  [
    'path',
    (cloud, fields) =>
      cloud.setPath(
        fields.has('instanceId') ? text(fields, 'instanceId') : null,
        text(fields, 'publicIp'),
        oneOf(fields, 'path', ['clear', 'blackhole', 'refuse']),
      ),
  ],
]);

const instanceStates = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const;

/** The control listener of a cloud: `{"do": …}` for each command, named fields beside it. */
export function cloudControl(cloud: Steerable): Control {
  return createControl(
    () => ({
      nowMs: cloud.nowMs(),
      addresses: [...cloud.state.addresses.values()],
      associationLog: cloud.associationLog,
      published: cloud.published,
      calls: cloud.calls,
    }),
    (fields) => execute(cloud, fields),
  );
}

function execute(cloud: Steerable, fields: Fields): ControlAnswer {
  const name = fields.get('do');
  const command = typeof name === 'string' ? commands.get(name) : undefined;
  if (command === undefined) {
    return { kind: 'refused', reason: `"do" must be one of ${[...commands.keys()].join(', ')}.` };
  }
  try {
    return { kind: 'done', value: command(cloud, fields) };
  } catch (cause) {
    if (cause instanceof Error) return { kind: 'refused', reason: cause.message };
    throw cause;
  }
}

/** Reads a fault from JSON; an unknown action or effect is refused. */
function faultSpec(fields: Fields): FaultSpec {
  return {
    action: actionPattern(text(fields, 'action')),
    effect: faultEffect(record(fields, 'effect')),
    ...(fields.has('caller') ? { caller: text(fields, 'caller') } : {}),
    ...(fields.has('times') ? { times: number(fields, 'times') } : {}),
    ...(fields.has('skip') ? { skip: number(fields, 'skip') } : {}),
    ...(fields.has('dryRun') ? { dryRun: oneOf(fields, 'dryRun', ['include', 'exclude']) } : {}),
  };
}

function faultEffect(fields: Fields): FaultEffect {
  const kind = oneOf(fields, 'kind', FAULT_KINDS);
  switch (kind) {
    case 'throttle':
    case 'hang':
    case 'reset':
    case 'apply-then-hang':
    case 'apply-then-reset':
    case 'unauthorized':
    case 'expired':
      return { kind };
    case 'server-error':
    case 'apply-then-error':
      return { kind, status: fields.get('status') === 503 ? 503 : 500 };
    case 'apply-late':
      return { kind, applyAfterMs: number(fields, 'applyAfterMs') };
    case 'slow':
      return {
        kind,
        applyAfterMs: number(fields, 'applyAfterMs'),
        answerAfterMs: number(fields, 'answerAfterMs'),
      };
    case 'stale':
    case 'non-monotonic':
      return { kind, lagMs: number(fields, 'lagMs') };
    case 'refuse':
      return {
        kind,
        code: text(fields, 'code'),
        message: text(fields, 'message'),
        status: number(fields, 'status'),
      };
  }
}

function guardBehaviour(fields: Fields): GuardBehaviour {
  const kinds = ['truth', 'down', 'hang', 'html', 'redirect', 'garbage', 'error', 'wrong'] as const;
  const kind = oneOf(fields, 'behaviour', kinds);
  return kind === 'wrong' ? { kind, ip: text(fields, 'ip') } : { kind };
}

function guardScope(fields: Fields): GuardScope {
  return {
    ...(fields.has('instanceId') ? { instanceId: text(fields, 'instanceId') } : {}),
    ...(fields.has('service') ? { service: text(fields, 'service') } : {}),
  };
}

function actionPattern(name: string): AwsActionPattern {
  const patterns: readonly AwsActionPattern[] = [
    ...awsActions,
    'ec2:*',
    'opsworks:*',
    'secretsmanager:*',
    'sns:*',
    'sts:*',
    '*',
  ];
  const pattern = patterns.find((each) => each === name);
  if (pattern === undefined) throw new CommandError(`There is no action ${name}.`);
  return pattern;
}

function text(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (typeof value !== 'string') throw new CommandError(`"${name}" must be a string.`);
  return value;
}

function number(fields: Fields, name: string): number {
  const value = fields.get(name);
  if (typeof value !== 'number' || value < 0) throw new CommandError(`"${name}" must be a number from 0.`);
  return value;
}

function oneOf<const T extends string>(fields: Fields, name: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === fields.get(name));
  if (choice === undefined) throw new CommandError(`"${name}" must be one of ${choices.join(', ')}.`);
  return choice;
}

function record(fields: Fields, name: string): Fields {
  const value = fields.get(name);
  if (typeof value !== 'object' || value === null) throw new CommandError(`"${name}" must be an object.`);
  return new Map(Object.entries(value));
}
