/**
 * One signed round trip with an agent, which proves both directions of the key: the agent has verified our signature before
 * it answers, and its answer, which it signs as it signs everything, is verified here.
 *
 * The question is a command that changes nothing, for which the cluster's key is enough: how a handover that never was has ended.
 */
import type { ClusterKeys } from '../auth/keys.ts';
import type { CliDependencies } from './dependencies.ts';
import { openOperator } from './operator.ts';

/** Whether an agent has proven that it has the cluster's key. */
export type Signed = { readonly kind: 'proven' } | { readonly kind: 'failed'; readonly detail: string };

const NO_HANDOVER = 'check';

/** Ask an agent for a signed answer. */
export async function askSigned(
  url: string,
  cluster: string,
  keys: ClusterKeys,
  dependencies: Pick<CliDependencies, 'http' | 'now' | 'randomText'>,
): Promise<Signed> {
  const opened = await openOperator(
    { url, keys, cluster, node: null, identity: null, identityFile: null, publicKeys: new Map() },
    dependencies,
  );
  if (opened.kind === 'failed') return opened;
  const result = await opened.operator.send('/v1/handover', { kind: 'handover-status', id: NO_HANDOVER });
  return result.kind === 'outcome' ? { kind: 'proven' } : { kind: 'failed', detail: result.detail };
}
