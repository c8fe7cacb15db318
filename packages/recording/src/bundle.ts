/**
 * The file of `failtome bundle`: a tar.gz with a manifest that names every file in it, its length and its SHA-256. What
 * isn't as the manifest says isn't read at all, and nothing of it ever becomes a path on a disk.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { packTar, unpackTar } from 'modern-tar';

/** How a manifest begins. */
export const BUNDLE_FORMAT = 'failtome-bundle';
/** Raised when earlier readers would misunderstand what is written. */
export const BUNDLE_VERSION = 1;

/** The bytes of a bundle, as a file and unpacked. */
export const MAX_BUNDLE_BYTES: number = 256 * 1_048_576;
/** The same of what it unpacks to. */
export const MAX_UNPACKED_BYTES: number = 384 * 1_048_576;
/** The files of a bundle. */
const MAX_FILES = 20_000;
const MAX_MANIFEST_BYTES = 8 * 1_048_576;
const MAX_NAME_CHARS = 200;

/** Where the manifest stands. */
export const MANIFEST_NAME = 'manifest.json';

/** A node of which something is in a bundle. */
export interface BundledNode {
  readonly id: string;
  readonly url: string;
  /** Of its software; null: it didn't tell. */
  readonly version: string | null;
  /** By how much its wall clock was ahead of the gathering machine's, and how far off that may be; null: not known. */
  readonly aheadMs: number | null;
  readonly withinMs: number | null;
}

/** What a bundle says of itself. */
export interface BundleManifest {
  readonly format: typeof BUNDLE_FORMAT;
  readonly version: number;
  /** The version of the software that gathered it. */
  readonly failtome: string;
  readonly cluster: string;
  /** Both by the wall clock of the machine that gathered it. */
  readonly madeAt: number;
  readonly since: number;
  readonly nodes: readonly BundledNode[];
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** What couldn't be had. */
  readonly missing: readonly { readonly what: string; readonly why: string }[];
}

/** A file in a bundle. */
export interface BundledFile {
  readonly name: string;
  readonly content: Buffer;
}

/** A bundle, read. */
export interface Bundle {
  readonly manifest: BundleManifest;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The folder of a node's files. */
export function folderOf(id: string): string {
  return `node-${id}`;
}

/** Pack files, with a manifest of them. */
export async function packBundle(
  about: Omit<BundleManifest, 'format' | 'version' | 'files'>,
  files: readonly BundledFile[],
): Promise<Buffer> {
  const manifest: BundleManifest = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    ...about,
    files: files.map(({ name, content }) => ({ name, bytes: content.length, sha256: digestOf(content) })),
  };
  const own = { name: MANIFEST_NAME, content: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) };
  const mtime = new Date(about.madeAt);
  const tar = await packTar(
    [own, ...files].map(({ name, content }) => ({
      header: { name, size: content.length, type: 'file' as const, mode: 0o600, mtime },
      body: content,
    })),
  );
  return promisify<Buffer, Buffer>(gzip)(Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength));
}

/**
 * Read a bundle.
 *
 * @throws Error in one sentence, when it is damaged, cut short, larger than it may be, or not as its manifest says
 */
export async function readBundle(bytes: Buffer): Promise<Bundle> {
  if (bytes.length > MAX_BUNDLE_BYTES) throw new Error(`it has more than ${MAX_BUNDLE_BYTES} bytes`);
  const entries = await entriesIn(await unpacked(bytes));
  const files = new Map<string, Buffer>();
  for (const { header, data } of entries) {
    const { name, type } = header;
    if (!isName(name))
      throw new Error(`a file in it has a name that none may have: ${JSON.stringify(name.slice(0, 80))}`);
    if (type !== 'file' || data === undefined)
      throw new Error(`${name} is a ${type}, and only files may be in it`);
    if (files.has(name)) throw new Error(`${name} is in it twice`);
    files.set(name, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  const manifest = manifestIn(files.get(MANIFEST_NAME));
  files.delete(MANIFEST_NAME);
  for (const { name, bytes: length, sha256 } of manifest.files) {
    const content = files.get(name);
    if (content === undefined) throw new Error(`${name} is in its manifest, and not there`);
    if (content.length !== length || digestOf(content) !== sha256)
      throw new Error(`${name} is not what its manifest says`);
  }
  if (files.size !== manifest.files.length) throw new Error('it holds files that its manifest does not name');
  return { manifest, files };
}

async function unpacked(bytes: Buffer): Promise<Buffer> {
  try {
    return await promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(gunzip)(bytes, {
      maxOutputLength: MAX_UNPACKED_BYTES,
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    if (code === 'Z_BUF_ERROR') throw new Error('it is cut short');
    throw new Error('it is no gzip file, or a damaged one');
  }
}

async function entriesIn(tar: Buffer): ReturnType<typeof unpackTar> {
  let seen = 0;
  const tooMany = new Error(`it holds more than ${MAX_FILES} files`);
  try {
    return await unpackTar(tar, {
      strict: true,
      filter() {
        seen += 1;
        if (seen > MAX_FILES) throw tooMany;
        return true;
      },
    });
  } catch (error) {
    if (error === tooMany) throw error;
    throw new Error(
      `it is no tar file, or a damaged one: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** A relative path that goes down only. */
function isName(name: string): boolean {
  if (name.length > MAX_NAME_CHARS || !/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name)) return false;
  return name.split('/').every((part) => part !== '.' && part !== '..');
}

function manifestIn(content: Buffer | undefined): BundleManifest {
  if (content === undefined) throw new Error(`it has no ${MANIFEST_NAME}`);
  if (content.length > MAX_MANIFEST_BYTES) throw new Error('its manifest is too large');
  let manifest: Partial<Record<keyof BundleManifest, unknown>>;
  try {
    const parsed: unknown = JSON.parse(content.toString('utf8'));
    manifest = typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    throw new Error('its manifest is no JSON');
  }
  const { format, version, failtome, cluster, madeAt, since, nodes, files, missing } = manifest;
  if (format !== BUNDLE_FORMAT || typeof version !== 'number')
    throw new Error('its manifest is of something else');
  if (version > BUNDLE_VERSION)
    throw new Error(`it is of version ${version}, and this program knows ${BUNDLE_VERSION}`);
  const fits =
    [failtome, cluster].every(isText) &&
    [madeAt, since].every(isNumber) &&
    isListOf(
      nodes,
      ({ id, url, version: its, aheadMs, withinMs }) =>
        [id, url].every(isText) && [its].every(isTextOrNull) && [aheadMs, withinMs].every(isNumberOrNull),
    ) &&
    isListOf(files, ({ name, bytes, sha256 }) => isText(name) && isNumber(bytes) && isText(sha256)) &&
    isListOf(missing, ({ what, why }) => isText(what) && isText(why));
  if (!fits) throw new Error('its manifest has another form');
  return manifest as BundleManifest; // looked at just now
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);

function isListOf(value: unknown, fits: (item: Readonly<Record<string, unknown>>) => boolean): boolean {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null && fits(item))
  );
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
