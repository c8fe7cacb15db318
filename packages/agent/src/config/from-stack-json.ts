/**
 * A configuration for an OpsWorks stack that runs the script this agent replaces: its custom JSON,
 * `{"stack":{"primary_ip":"…","failover_topic":"…"}}`, with what OpsWorks adds to it on an instance
 * (`opsworks-agent-cli get_json`).
 *
 * Source: "Stack Configuration and Deployment Attributes: Linux", AWS OpsWorks User Guide, which names
 * `opsworks.instance` {id, hostname, region, private_ip, layers}, `opsworks.layers.NAME.instances.HOSTNAME`
 * {private_ip} and `opsworks.stack.name`.
 */

import { scalarNode } from '@failtome/config';
import type { InstanceId, Ip } from '@failtome/protocol';
import {
  ADDRESS_IP,
  CLUSTER,
  DRIVER_INSTANCE_ID,
  DRIVER_REGION,
  type Key,
  NODE_ID,
  PEER_URL,
} from './file-keys.ts';
import { NOTIFY_TOPIC_ARN } from './notify-keys.ts';

/** A configuration that was made from a stack's JSON. */
export type StackConfig =
  | {
      readonly kind: 'config';
      readonly yaml: string;
      /** What to fill in, one line each; empty when the file can be used as it is. */
      readonly missing: readonly string[];
      /** The shared addresses. */
      readonly ips: readonly Ip[];
    }
  | { readonly kind: 'fault'; readonly detail: string };

/** The port that the agents of this configuration listen on. */
const PORT = 8741;

/** The most peers that are taken over; a stack of load balancers has two. */
const MAX_STACK_PEERS = 64;

interface StackInstance {
  readonly hostname: string;
  readonly privateIp: Ip | null;
}

/**
 * What an instance found out by itself; null or empty where it could not. It counts where the JSON is silent.
 */
export interface FoundStack {
  readonly region: string | null;
  readonly ec2InstanceId: InstanceId | null;
  readonly opsworksInstanceId: InstanceId | null;
  readonly hostname: string | null;
  readonly privateIp: Ip | null;
  readonly stackName: string | null;
  /** The other instances of its layer. */
  readonly peers: readonly StackInstance[];
  /** Why something could not be found out, for people; null where nothing was in the way. */
  readonly obstacle: string | null;
}

/** What isn't in a stack's JSON. */
export interface StackConfigOptions {
  readonly driver: 'ec2' | 'opsworks';
  readonly found: FoundStack | null;
}

/** Write the YAML for a stack's JSON. What nothing says stands in it as `<…>`, which no key accepts. */
export function configFromStackJson(
  text: string,
  { driver, found }: StackConfigOptions = { driver: 'opsworks', found: null },
): StackConfig {
  let stack: unknown;
  try {
    stack = JSON.parse(text);
  } catch {
    return {
      kind: 'fault',
      detail: 'found text that is not JSON, expected the custom JSON of an OpsWorks stack',
    };
  }
  if (!isRecord(stack)) {
    const detail = 'found JSON that is not an object, expected the custom JSON of an OpsWorks stack';
    return { kind: 'fault', detail };
  }
  const missing: string[] = [];
  const whole = found === null ? stack : completed(stack, found);
  return { kind: 'config', yaml: yamlOf(whole, driver, missing), missing, ips: addressesIn(stack) };
}

/** The shared addresses that a stack's JSON names, as far as it can be read. */
function addressesIn(stack: Json): readonly Ip[] {
  const ip = at(stack, ['stack', 'primary_ip']);
  return typeof ip === 'string' && accepts(ADDRESS_IP, ip) ? [ip] : [];
}

/** The JSON with what the instance found in the places that OpsWorks would have filled. */
function completed(stack: Json, found: FoundStack): Json {
  const told = recordIn(stack, ['opsworks', 'instance']);
  const instance = {
    ...withoutNulls({
      id: found.opsworksInstanceId,
      aws_instance_id: found.ec2InstanceId,
      hostname: found.hostname,
      region: found.region,
      private_ip: found.privateIp,
    }),
    ...told,
  };
  const layer = layerName(stack) ?? 'lb';
  const known = recordIn(stack, ['opsworks', 'layers', layer, 'instances']);
  const peers = found.peers.map(({ hostname, privateIp }) => [hostname, { private_ip: privateIp }] as const);
  const layers = {
    ...recordIn(stack, ['opsworks', 'layers']),
    [layer]: { instances: { ...Object.fromEntries(peers), ...known } },
  };
  const named = { ...withoutNulls({ name: found.stackName }), ...recordIn(stack, ['opsworks', 'stack']) };
  return { ...stack, opsworks: { stack: named, instance, layers } };
}

function recordIn(stack: Json, steps: readonly string[]): Json {
  const value = at(stack, steps);
  return isRecord(value) ? value : {};
}

function withoutNulls(values: Readonly<Record<string, string | null>>): Json {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

function yamlOf(stack: Json, driver: StackConfigOptions['driver'], missing: string[]): string {
  const value: Value = (key, from, steps) => quoted(key, at(stack, steps), from, missing);
  const instance = ['opsworks', 'instance'];
  const advertise = urlOf(at(stack, [...instance, 'private_ip']));
  return `# From the custom JSON of an OpsWorks stack, with the timings of its monit check:
# a probe a minute (monit's cycle under OpsWorks), 30 s to answer, three failures in a row.
# Seconds will do: interval 1s, fastInterval 500ms and timeout 1s are the defaults.
cluster: ${JSON.stringify(clusterName(at(stack, ['opsworks', 'stack', 'name'])))}
node:
  id: ${value(NODE_ID, 'the hostname of this instance', [...instance, 'hostname'])}
${advertise === null ? '' : `api:\n  advertise: ${JSON.stringify(advertise)}\n`}peers:
${peerLines(stack, missing).join('\n')}
auth:
  keyFile: /etc/failtome/cluster.key # the same on every node: failtome keygen
addresses:
  - ip: ${value(ADDRESS_IP, 'stack.primary_ip: the Elastic IP', ['stack', 'primary_ip'])}
    probe:
      scheme: http
      port: 80
      path: /
      interval: 60s
      fastInterval: 60s
      timeout: 30s
      fall: 3
# local: { url: "http://127.0.0.1/" } # recommended: then a node whose own HAProxy is ill never takes the address
guard:
  urls: ["http://checkip.amazonaws.com"]
driver:
${driver === 'ec2' ? ec2Lines(stack) : opsworksLines(value)}
notify:
  blockedAfter: 10m # longer than a failover takes with these timings
  sns:
    topicArn: ${value(NOTIFY_TOPIC_ARN, 'stack.failover_topic: the ARN of the SNS topic', ['stack', 'failover_topic'])}
`;
}

type Value = (key: Key<string>, from: string, steps: readonly string[]) => string;

function opsworksLines(value: Value): string {
  const region = value(DRIVER_REGION, 'the region of this instance', ['opsworks', 'instance', 'region']);
  const id = value(DRIVER_INSTANCE_ID, 'the OpsWorks id of this instance', ['opsworks', 'instance', 'id']);
  return `  kind: opsworks\n  region: ${region}\n  instanceId: ${id}`;
}

/** On an EC2 instance metadata tells both, so that neither has to be filled in. */
function ec2Lines(stack: Json): string {
  const written = (name: string, key: Key<string>, steps: readonly (readonly string[])[]): string => {
    const value = steps.map((each) => at(stack, ['opsworks', 'instance', ...each])).find(isText);
    return value !== undefined && accepts(key, value)
      ? `  ${name}: ${JSON.stringify(value)}`
      : `  # ${name}: not said; taken from instance metadata`;
  };
  return [
    '  kind: ec2',
    written('region', DRIVER_REGION, [['region']]),
    written('instanceId', DRIVER_INSTANCE_ID, [['aws_instance_id'], ['ec2_instance_id']]),
  ].join('\n');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** The other instances of the layer that this one is in. */
function peerLines(stack: Json, missing: string[]): readonly string[] {
  const own = at(stack, ['opsworks', 'instance', 'hostname']);
  const instances = at(stack, ['opsworks', 'layers', layerName(stack) ?? '', 'instances']);
  const peers = isRecord(instances) ? Object.entries(instances).filter(([name]) => name !== own) : [];
  if (peers.length === 0) {
    missing.push('peers: the other instances of the layer, which OpsWorks lists while they are online');
    return [`  - id: "<the hostname of the other instance>" # REPLACE`, `    url: ${placeholderUrl()}`];
  }
  return peers.slice(0, MAX_STACK_PEERS).flatMap(([name, instance], index) => {
    const url = isRecord(instance) ? urlOf(instance.private_ip) : null;
    if (url === null) missing.push(`peers[${index}].url: the private address of ${JSON.stringify(name)}`);
    const id = quoted(NODE_ID, name, 'the hostname of the other instance', missing);
    return [`  - id: ${id}`, `    url: ${url === null ? placeholderUrl() : JSON.stringify(url)}`];
  });
}

function placeholderUrl(): string {
  return `"<http:// the private address of the other instance :${PORT}>" # REPLACE`;
}

/** The HAProxy layer, `lb`, where this instance is in it; otherwise the first of its layers. */
function layerName(stack: Json): string | null {
  const own = at(stack, ['opsworks', 'instance', 'layers']);
  const names = Array.isArray(own) ? own.filter((name) => typeof name === 'string') : [];
  if (names.length === 0) return isRecord(at(stack, ['opsworks', 'layers', 'lb'])) ? 'lb' : null;
  return names.includes('lb') ? 'lb' : (names[0] ?? null);
}

/** The value in quotation marks, or a marked placeholder where it is absent or nothing that the key accepts. */
function quoted(key: Key<string>, value: unknown, from: string, missing: string[]): string {
  if (typeof value === 'string' && accepts(key, value)) return JSON.stringify(value);
  const path = key.path.replace('[]', '[0]');
  if (!missing.some((line) => line.startsWith(`${path}: `))) missing.push(`${path}: ${from}`);
  return `"<${from.replace(/^.*: /, '')}>" # REPLACE`;
}

function accepts(key: Key<string>, value: string): boolean {
  return key.kind.read(scalarNode(value)).kind === 'value';
}

function urlOf(privateIp: unknown): string | null {
  if (typeof privateIp !== 'string') return null;
  const url = `http://${privateIp.includes(':') ? `[${privateIp}]` : privateIp}:${PORT}`;
  return accepts(PEER_URL, url) ? url : null;
}

/** The same on every node of the stack, and therefore from nothing that differs between them. */
function clusterName(stackName: unknown): string {
  const name =
    typeof stackName === 'string' ? stackName.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, 64) : '';
  return accepts(CLUSTER, name) ? name : 'haproxy';
}

type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((inner, step) => (isRecord(inner) ? inner[step] : undefined), value);
}
