/** What a bundle has of one node: its views as they came, what it has recorded, and how far its clock is from this one. */
import { counted, type DurationMs, type NodeId, type WallMs } from '@failtome/protocol';
import { type BundledFile, type BundledNode, folderOf } from '@failtome/recording';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER, verifyResponse } from '../auth/signature.ts';
import { MAX_PIECE_BYTES, RECORDINGS_ROUTE } from '../http/recording-routes.ts';
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import { parseJson, refusalIn } from './read.ts';

/** What couldn't be had, and why. */
export interface Missing {
  readonly what: string;
  readonly why: string;
}

/** What was gathered of one node. */
export interface Gathered {
  readonly node: BundledNode;
  readonly files: readonly BundledFile[];
  readonly missing: readonly Missing[];
  /** Its `/v1/cluster` as it came; undefined: it couldn't be had. */
  readonly cluster: unknown;
}

/** Whom to ask, and how. */
export interface AskedNode {
  /** Null: it will say. */
  readonly id: NodeId | null;
  readonly url: string;
  readonly keys: ClusterKeys;
  readonly since: WallMs;
  /** Its recordings take no more, the newest first. */
  readonly mostBytes: number;
}

type Asking = Pick<CliDependencies, 'http' | 'now' | 'sleep'>;

/** The views of a node, and the file that each becomes. */
const VIEWS: readonly (readonly [path: string, file: string])[] = [
  ['/v1/status?with=decisions,history', 'status.json'],
  ['/v1/cluster', 'cluster.json'],
  ['/v1/history?limit=1000', 'history.json'],
  ['/metrics', 'metrics.txt'],
];

/** A segment takes no more than this on the disk of its node; a longer one isn't one. */
const MAX_RECORDING_BYTES = 256 * MAX_PIECE_BYTES;
/** A node that has no time to answer is asked again so often, so long after. */
const TRIES = 40;
const RETRY_AFTER_MS: DurationMs = 250;

/** Gather what one node has. Never throws: what can't be had is named. */
export async function gatherNode(asked: AskedNode, asking: Asking): Promise<Gathered> {
  const missing: Missing[] = [];
  const began = asking.now();
  const list = await askSigned(asked, RECORDINGS_ROUTE, asking);
  const tookMs = asking.now() - began;
  const told = list.kind === 'answer' ? fieldsOf(parseJson(list.body)) : {};
  const id = asked.id ?? textOf(told.node, asked.url);
  const wall = numberOf(told.wall);
  const node: BundledNode = {
    id,
    url: asked.url,
    version: textOf(told.version) === '' ? null : textOf(told.version),
    aheadMs: wall === null ? null : Math.round(wall - (began + tookMs / 2)),
    withinMs: wall === null ? null : Math.ceil(tookMs / 2),
  };
  const folder = folderOf(id);
  const files: BundledFile[] = [];
  if (list.kind === 'failed') {
    // One that is gone is gone for every view.
    missing.push({ what: `${id}: recordings and configuration`, why: list.why });
  } else {
    files.push({ name: `${folder}/node.json`, content: Buffer.from(list.body) });
    files.push(...(await recordingsOf({ ...asked, folder, id, told }, missing, asking)));
  }
  let cluster: unknown;
  for (const [path, file] of list.kind === 'failed' && list.isGone ? [] : VIEWS) {
    const view = await askSigned(asked, path, asking);
    if (view.kind === 'failed') missing.push({ what: `${id}: ${file}`, why: view.why });
    else files.push({ name: `${folder}/${file}`, content: Buffer.from(view.body) });
    if (view.kind === 'answer' && path === '/v1/cluster') cluster = parseJson(view.body);
  }
  return { node, files, missing, cluster };
}

interface Listed extends AskedNode {
  readonly folder: string;
  readonly id: NodeId;
  readonly told: ReturnType<typeof fieldsOf>;
}

/** Those that tell of the time asked for: of each segment its begin is known, and its end is the begin of the next. */
async function recordingsOf(
  listed: Listed,
  missing: Missing[],
  asking: Asking,
): Promise<readonly BundledFile[]> {
  const { told, since, folder, id } = listed;
  if (told.recorder === null) missing.push({ what: `${id}: recordings`, why: 'its recorder is off' });
  const all = listOf(told.recordings).map((one) => {
    const { name, began, bytes } = fieldsOf(one);
    return { name: textOf(name), began: numberOf(began) ?? 0, bytes: numberOf(bytes) ?? 0 };
  });
  const ahead = (numberOf(told.wall) ?? asking.now()) - asking.now();
  const wanted = all.filter(
    (_, index) => (all[index + 1]?.began ?? Number.POSITIVE_INFINITY) >= since + ahead,
  );
  const files: BundledFile[] = [];
  let left = listed.mostBytes;
  for (const { name, bytes } of wanted.reverse()) {
    const content =
      bytes > left
        ? `it has ${counted(bytes, 'byte')}, and the bundle would become too large`
        : await whole(listed, name, asking);
    if (typeof content === 'string') {
      missing.push({ what: `${id}: ${name}`, why: content });
      continue;
    }
    left -= content.length;
    files.push({ name: `${folder}/recordings/${name}`, content });
  }
  return files.reverse();
}

/** A segment, or why it can't be had. */
async function whole(asked: AskedNode, name: string, asking: Asking): Promise<Buffer | string> {
  const pieces: Buffer[] = [];
  for (let from = 0; from < MAX_RECORDING_BYTES; ) {
    const path = `${RECORDINGS_ROUTE}?name=${encodeURIComponent(name)}&from=${from}`;
    const answer = await askSigned(asked, path, asking);
    if (answer.kind === 'failed') return answer.why;
    const piece = Buffer.from(textOf(fieldsOf(parseJson(answer.body)).content), 'base64');
    pieces.push(piece);
    from += piece.length;
    if (piece.length < MAX_PIECE_BYTES) return Buffer.concat(pieces);
  }
  return `it has more than ${counted(MAX_RECORDING_BYTES, 'byte')}`;
}

type Answer =
  | { readonly kind: 'answer'; readonly body: string }
  /** `isGone`: nobody answered at all. */
  | { readonly kind: 'failed'; readonly why: string; readonly isGone: boolean };

async function askSigned(
  { url, keys }: AskedNode,
  path: string,
  { http, now, sleep }: Asking,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const time = String(now());
    const requestSignature = signRequest(keys, { method: 'GET', path, body: time });
    const headers = { [TIME_HEADER]: time, [SIGNATURE_HEADER]: requestSignature };
    const result = await http({ method: 'GET', url: url + path, headers });
    if (result.kind === 'failed') return { kind: 'failed', why: result.detail, isGone: true };
    const { status, body } = result;
    if (status === 503 && tries < TRIES) {
      await sleep(RETRY_AFTER_MS);
      continue;
    }
    if (status !== 200)
      return { kind: 'failed', why: refusalIn(parseJson(body)) ?? `status ${status}`, isGone: false };
    const given = result.header(SIGNATURE_HEADER) ?? '';
    const response = { method: 'GET', path, status, requestSignature, body };
    // The other views are answered to anybody, and unsigned.
    if (path.startsWith(RECORDINGS_ROUTE) && !verifyResponse(keys, response, given))
      return { kind: 'failed', why: 'its answer is not signed with this key', isGone: false };
    return { kind: 'answer', body };
  }
}
