/** `failtome status`: the cluster, as every node of it tells: who holds what, what each node sees, what stands in the way. */
import { escapedJson } from '@failtome/protocol';
import { type ClusterResult, readCluster, type ToldCluster } from './cluster-read.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { readView } from './read.ts';
import { statusLines } from './status-lines.ts';
import { findTarget, type Target, type TargetOptions, trusting } from './target.ts';
import { clean, lookOf } from './text.ts';
import { statusOf } from './view-rows.ts';
import { Watch } from './watch.ts';

/** The options of `failtome status`. */
export interface StatusOptions extends TargetOptions {
  readonly watch?: boolean;
  /** This node's view alone. */
  readonly node?: boolean;
}

/** Between two looks of `--watch`. */
export const WATCH_MS = 1_000;

/** `failtome status`: who holds what, and how every node is. */
export async function status(options: StatusOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const asking = trusting(dependencies, target);
  if (options.watch === true) return watch(target, options, asking);
  const result = await look(target, options, asking);
  if (result.kind === 'failed') {
    complain(dependencies, clean(result.detail));
    return 1;
  }
  const { cluster } = result;
  if (cluster.instead !== '')
    complain(dependencies, clean(`${cluster.instead}; ${cluster.own.self.id} was asked`));
  if (options.json === true) printJson(dependencies, jsonOf(cluster, options));
  else print(dependencies, ...statusLines(cluster, lookOf(dependencies)));
  return 0;
}

/** Looks again and again, until interrupted. A look that fails shows what the last one saw, marked as old. */
async function watch(
  target: Target,
  options: StatusOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const { json } = options;
  const screen = new Watch({ everyMs: WATCH_MS }, dependencies);
  try {
    do {
      const result = await look(target, options, dependencies);
      if (json !== true) screen.show(result, statusLines);
      else if (result.kind === 'failed') complain(dependencies, clean(result.detail));
      // One line a look, so that a program can follow a watch.
      else print(dependencies, escapedJson(JSON.stringify(jsonOf(result.cluster, options))));
      if (!dependencies.interrupted()) await dependencies.sleep(WATCH_MS);
    } while (!dependencies.interrupted());
  } finally {
    screen.close();
  }
  return 0;
}

async function look(
  target: Target,
  { node }: StatusOptions,
  dependencies: CliDependencies,
): Promise<ClusterResult> {
  if (node !== true) return readCluster(target, dependencies);
  const result = await readView(target.url, '/v1/status', dependencies, target.readKeys);
  if (result.kind === 'failed') return result;
  return { kind: 'read', cluster: { own: statusOf(result.json), json: result.json, nodes: [], instead: '' } };
}

/** The status of the node that was asked, and with it what each node tells of itself. */
function jsonOf({ json, nodes }: ToldCluster, { node }: StatusOptions): unknown {
  if (node === true || typeof json !== 'object') return json;
  const told = nodes.map(({ id, role, self, state, ageMs, failure, json: own }) => ({
    id,
    role,
    self,
    state: self ? null : state,
    ageMs,
    failure: failure === '' ? null : failure,
    status: own,
  }));
  return { ...json, nodes: told };
}
