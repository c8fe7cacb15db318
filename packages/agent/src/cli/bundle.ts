/**
 * `failtome bundle`: everything about an incident in one file, from every node that can be reached. The file stays where it
 * is made: what becomes of it is for whoever asked for it to say.
 */
import { resolve } from 'node:path';
import { counted, type DurationMs, isoTime, type NodeId, type WallMs } from '@failtome/protocol';
import { type BundledFile, packBundle } from '@failtome/recording';
import type { ClusterKeys } from '../auth/keys.ts';
import { type Gathered, gatherNode, type Missing } from './bundle-node.ts';
import { check } from './check.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import { readView } from './read.ts';
import { findTarget, loadKeys, type Target, type TargetOptions, trusting } from './target.ts';

/** The options of `failtome bundle`. */
export interface BundleOptions extends TargetOptions {
  readonly since: DurationMs;
  readonly output?: string;
}

/** How far back a bundle goes where nobody says. */
export const BUNDLE_SINCE_MS: DurationMs = 7_200_000;

/** What all nodes' recordings may take together. */
const MAX_RECORDINGS_BYTES = 192 * 1_048_576;

/** `failtome bundle`: one file with what all nodes have recorded and know. */
export async function bundle(options: BundleOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const keys = await loadKeys(target, dependencies);
  if (keys === null) return 2;
  const made = dependencies.now();
  const since = made - options.since;
  const asking = trusting(dependencies, target);
  const whom = await nodesOf(target, keys, asking);
  const mostBytes = Math.floor(MAX_RECORDINGS_BYTES / Math.max(1, whom.length));
  const gathered = await Promise.all(
    whom.map((one) => gatherNode({ ...one, keys, since, mostBytes }, asking)),
  );
  const reached = gathered.filter(({ files }) => files.length > 0);
  const missing = gathered.flatMap((one) => one.missing);
  if (reached.length === 0) {
    complain(dependencies, ...missing.map(({ what, why }) => `${what}: ${why}`));
    return 1;
  }
  const checked = await checkOf(options, dependencies);
  if (checked.kind === 'missing') missing.push(checked.missing);
  const cluster = target.cluster ?? clusterIn(reached);
  const files: readonly BundledFile[] = [
    ...reached.flatMap((one) => one.files),
    { name: 'reachability.json', content: asJson(reachability(gathered)) },
    ...(checked.kind === 'file' ? [checked.file] : []),
  ];
  const nodes = gathered.map(({ node }) => node);
  const bytes = await packBundle(
    { failtome: dependencies.version, cluster, madeAt: made, since, nodes, missing },
    files,
  );
  const path = resolve(options.output ?? nameOf(cluster, made));
  try {
    // It tells where everything is and how it is protected.
    await dependencies.createPrivate(path, bytes);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    complain(
      dependencies,
      `${path} can't be written: ${code === 'EEXIST' ? 'there is something already' : code}`,
    );
    return 1;
  }
  tell(
    { path, bytes: bytes.length, files: files.map(({ name }) => name), missing },
    reached,
    options,
    dependencies,
  );
  return 0;
}

interface Whom {
  readonly id: NodeId | null;
  readonly url: string;
}

/** As configured; of a node that was named by its URL alone the peers that it tells of. */
async function nodesOf(
  target: Target,
  keys: ClusterKeys,
  dependencies: CliDependencies,
): Promise<readonly Whom[]> {
  const own: Whom = { id: target.node, url: target.url };
  if (target.cluster !== null) return [own, ...target.peers];
  const status = await readView(target.url, '/v1/status', dependencies, keys);
  const peers = status.kind === 'read' ? listOf(fieldsOf(status.json).peers) : [];
  const others = peers.flatMap((peer): readonly Whom[] => {
    const { id, url } = fieldsOf(peer);
    return textOf(url) === '' ? [] : [{ id: textOf(id), url: textOf(url) }];
  });
  return [own, ...others];
}

type Checked =
  | { readonly kind: 'file'; readonly file: BundledFile }
  | { readonly kind: 'missing'; readonly missing: Missing };

/** As `failtome check --json` prints it here. */
async function checkOf(options: BundleOptions, dependencies: CliDependencies): Promise<Checked> {
  if (options.url !== undefined)
    return {
      kind: 'missing',
      missing: { what: 'check', why: 'it is about a configuration, and --url names an agent' },
    };
  const printed: string[] = [];
  const errors: string[] = [];
  const here = options.config === undefined ? {} : { config: options.config };
  await check(
    { ...here, json: true },
    {
      ...dependencies,
      stdout: { isTTY: false, write: (text) => printed.push(text) },
      stderr: { isTTY: false, write: (text) => errors.push(text) },
    },
  );
  if (printed.length === 0)
    return { kind: 'missing', missing: { what: 'check', why: errors.join('').trim() } };
  return { kind: 'file', file: { name: 'check.json', content: Buffer.from(printed.join('')) } };
}

/** Whether the API of each node answers this command, and each other node. */
function reachability(gathered: readonly Gathered[]): readonly object[] {
  const here = gathered.map(({ node, files, missing }) => ({
    from: null,
    to: node.id,
    answers: files.length > 0,
    why: files.length > 0 ? '' : (missing[0]?.why ?? ''),
  }));
  const between = gathered.flatMap(({ node, cluster }) =>
    listOf(fieldsOf(cluster).nodes)
      .map(fieldsOf)
      .filter(({ self }) => self !== true)
      .map(({ id, state, ageMs, failure }) => ({
        from: node.id,
        to: textOf(id),
        answers: failure === null && numberOf(ageMs) !== null,
        why: textOf(fieldsOf(failure).message),
        state: textOf(state),
      })),
  );
  return [...here, ...between];
}

function clusterIn(reached: readonly Gathered[]): string {
  return textOf(fieldsOf(reached[0]?.cluster).cluster, 'cluster');
}

function nameOf(cluster: string, at: WallMs): string {
  const moment = isoTime(at).replace(/\.\d+/, '').replaceAll(':', '');
  return `failtome-bundle-${cluster.replaceAll(/[^A-Za-z0-9._-]/g, '_')}-${moment}.tar.gz`;
}

function asJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

interface Told {
  readonly path: string;
  readonly bytes: number;
  readonly files: readonly string[];
  readonly missing: readonly Missing[];
}

function tell(
  told: Told,
  reached: readonly Gathered[],
  { json }: BundleOptions,
  dependencies: CliDependencies,
): void {
  const { path, bytes, files, missing } = told;
  if (json === true) return printJson(dependencies, told);
  for (const { node } of reached) {
    const recordings = files.filter((name) => name.startsWith(`node-${node.id}/recordings/`)).length;
    print(dependencies, `${node.id}: ${counted(recordings, 'recording')}, status, history, configuration`);
  }
  for (const { what, why } of missing) print(dependencies, `not had: ${what}: ${why}`);
  print(dependencies, `${path}: ${counted(files.length, 'file')}, ${counted(bytes, 'byte')}`);
  print(
    dependencies,
    'It holds names, addresses and settings, and no keys. Look at it with: failtome-sim import',
  );
}
