/** The part of `failtome check` about peers whose URLs are left out: EC2 is asked as the agent would. */
import type { DurationMs, Ip, NodeId } from '@failtome/protocol';
import { soughtIn } from '../config/located.ts';
import type { AgentConfig, Identity } from '../config/types.ts';
import { contextFor, createAwsClients } from './aws-clients.ts';
import { type CheckLine, fail, ok, warn } from './preflight-fix.ts';
import { readTagged, sightingOf } from './tagged-instances.ts';

const TIMEOUT_MS: DurationMs = 10_000;

/** What EC2 says of the peers that are looked for. */
export interface Discovered {
  readonly lines: readonly CheckLine[];
  readonly addresses: ReadonlyMap<NodeId, Ip>;
}

/** Ask once, and say of each peer where it is, or why it isn't known. */
export async function preflightDiscovery(
  config: Pick<AgentConfig, 'peers' | 'discovery'>,
  { id, region }: Pick<Identity, 'id' | 'region'>,
): Promise<Discovered> {
  const sought = soughtIn(config, id);
  if (config.discovery === null || sought.length === 0) return { lines: [], addresses: new Map() };
  const { tag } = config.discovery;
  const clients = createAwsClients({ region, topicArn: null });
  try {
    const outcome = await readTagged(
      clients,
      tag,
      contextFor(TIMEOUT_MS, () => undefined),
    );
    if (outcome.kind === 'failed') {
      const { code, message } = outcome.failure;
      const fix =
        'Let the role call ec2:DescribeInstances (`failtome iam` prints the policy), and this node reach EC2.';
      return { lines: [fail('discovery', `${code}: ${message}`, fix)], addresses: new Map() };
    }
    const configured = new Set([id, ...config.peers.map((peer) => peer.id)]);
    const { found, contested, strangers } = sightingOf(outcome.output, { sought, configured });
    const lines = sought.map((peer): CheckLine => {
      const name = `discovery ${peer}`;
      const one = found.get(peer);
      if (one !== undefined) return ok(name, `${one.address} (${one.instanceId})`);
      const several = contested.get(peer);
      return several === undefined
        ? fail(
            name,
            `no running instance has the tag ${tag}=${peer}`,
            `Tag its instance: ${tag}=${peer}; or give it a url.`,
          )
        : fail(
            name,
            `${several.join(', ')} all have the tag ${tag}=${peer}: none is believed`,
            'Take the tag from those that are not that node, or stop them.',
          );
    });
    const ignored = strangers.map(({ node, instanceId }) =>
      warn(
        'discovery',
        `${instanceId} has the tag ${tag}=${node}, which is not configured: ignored`,
        'Take the tag from it, or add the node (`failtome voters add`).',
      ),
    );
    const addresses = new Map([...found].map(([peer, { address }]) => [peer, address] as const));
    return { lines: [...lines, ...ignored], addresses };
  } finally {
    clients.close();
  }
}
