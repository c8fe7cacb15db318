/** Which instances carry a tag, asked of EC2, and what of the answer may be believed. */
import {
  DescribeInstancesCommand,
  type DescribeInstancesCommandOutput,
  type Instance,
} from '@aws-sdk/client-ec2';
import type { CallOutcome } from '@failtome/ports';
import type { InstanceId, Ip, NodeId } from '@failtome/protocol';
import { type AwsClients, ask, type CallContext, type SendOptions } from './aws-clients.ts';

/** A running instance, as far as its tag says which node it is. */
export interface TaggedInstance {
  readonly instanceId: InstanceId;
  /** The value of its tag. */
  readonly node: NodeId;
  /** Its private IPv4 address, or else its IPv6 address; null: it has none yet. */
  readonly address: Ip | null;
}

/** Every running instance with the tag. One attempt: whoever asks asks again by himself. */
export function readTagged(
  clients: AwsClients,
  tag: string,
  context: CallContext,
): Promise<CallOutcome<readonly TaggedInstance[]>> {
  const command = new DescribeInstancesCommand({
    Filters: [
      { Name: 'tag-key', Values: [tag] },
      { Name: 'instance-state-name', Values: ['running'] },
    ],
  });
  return ask(
    clients,
    {
      service: 'ec2',
      operation: 'DescribeInstances',
      repeatable: false,
      send: (options: SendOptions) => clients.ec2.send(command, options),
      read: (answer: DescribeInstancesCommandOutput) => taggedIn(answer, tag),
    },
    context,
  );
}

/** Null: the list isn't there, or isn't whole. A node that is missing in a part of it might be in the next. */
export function taggedIn(
  { Reservations, NextToken }: DescribeInstancesCommandOutput,
  tag: string,
): readonly TaggedInstance[] | null {
  if (Reservations === undefined || NextToken) return null;
  return Reservations.flatMap(({ Instances }) => Instances ?? []).flatMap((instance) => {
    const node = tagOf(instance, tag);
    const { InstanceId, PrivateIpAddress, Ipv6Address } = instance;
    if (!InstanceId || node === null) return [];
    return [{ instanceId: InstanceId, node, address: PrivateIpAddress || Ipv6Address || null }];
  });
}

/** The value of one of its tags; null: it doesn't carry it. */
export function tagOf({ Tags }: Instance, tag: string): string | null {
  return Tags?.find(({ Key }) => Key === tag)?.Value || null;
}

/** What the tags say of the nodes. */
export interface Sighting {
  /** Of the nodes that are looked for, those that one instance alone is. */
  readonly found: ReadonlyMap<NodeId, { readonly instanceId: InstanceId; readonly address: Ip }>;
  /** Those that several instances say they are: none of them is believed. */
  readonly contested: ReadonlyMap<NodeId, readonly InstanceId[]>;
  /** Instances whose id no node of the configuration has. */
  readonly strangers: readonly TaggedInstance[];
}

/**
 * Which of the nodes is where.
 *
 * @param sought the nodes that are looked for
 * @param configured all nodes of the configuration, this one among them
 */
export function sightingOf(
  instances: readonly TaggedInstance[],
  { sought, configured }: { readonly sought: readonly NodeId[]; readonly configured: ReadonlySet<NodeId> },
): Sighting {
  const found = new Map<NodeId, { instanceId: InstanceId; address: Ip }>();
  const contested = new Map<NodeId, readonly InstanceId[]>();
  for (const id of sought) {
    const named = instances.filter(({ node }) => node === id);
    const [first, ...more] = named;
    if (first === undefined) continue;
    if (more.length > 0) contested.set(id, named.map(({ instanceId }) => instanceId).sort());
    else if (first.address !== null) found.set(id, { instanceId: first.instanceId, address: first.address });
  }
  return { found, contested, strangers: instances.filter(({ node }) => !configured.has(node)) };
}
