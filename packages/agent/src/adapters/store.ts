/**
 * The durable document on disk: `state.json` in the state directory (port `store`).
 *
 * What cannot be read is never thrown away: it is kept aside, and the protocol is told that there was
 * something, so that it counts every lease as lent until the longest has passed.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  counted,
  type DurableDocument,
  type EffectId,
  type Event,
  foreignTo,
  type NodeId,
  type PersistEffect,
  type Ports,
  type StorageState,
} from '@failtome/protocol';
import { AgentError } from '../errors.ts';
import { NotAFileError, openPlain } from '../plain-file.ts';
import { type AsideReason, asideFiles, setAside } from './aside.ts';
import { errnoOf, temporaryOf, writeDurably, writeSynced } from './durable-file.ts';

const STATE_FILE = 'state.json';

/** A document larger than this is unreadable. */
export const MAX_STATE_BYTES: number = 8 * 1_048_576;

/** The trial at start writes as much as the next document may well need. */
const TRIAL_BYTES = 65_536;

/** A state file as it was read, or why it can't be. */
export type DecodedDocument =
  | { readonly kind: 'document'; readonly document: DurableDocument }
  | { readonly kind: 'fault'; readonly detail: string };

/** What a state directory holds, and whether it can be written. */
export interface LoadedState {
  readonly storage: StorageState;
  /** What keeps the directory from being written to, in one sentence with path and errno; null where nothing does. */
  readonly problem: AgentError | null;
}

/** Where the state is, and whose it must be. */
export interface StateOptions {
  readonly stateDir: string;
  /** Whose state counts: documents have always said whose they are. */
  readonly cluster: string;
  readonly node: NodeId;
}

/**
 * Make the state directory ready, read what the last run left there, and try whether it can be written to.
 *
 * Never throws: a directory that cannot be used at all is a `problem`, and what it held counts as unreadable.
 */
export async function loadState(
  options: StateOptions,
  dependencies: { readonly decode: (text: string) => DecodedDocument },
): Promise<LoadedState> {
  const { stateDir } = options;
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const problem = unusable('be created', stateDir, error);
    return { storage: { kind: 'unreadable', detail: problem.message }, problem };
  }
  const storage = await read(options, dependencies.decode);
  return { storage, problem: await tryWriting(stateDir) };
}

async function read(
  { stateDir, cluster, node }: StateOptions,
  decode: (text: string) => DecodedDocument,
): Promise<StorageState> {
  const path = join(stateDir, STATE_FILE);
  const aside = async (kind: AsideReason, fault: string): Promise<StorageState> => ({
    kind,
    detail: `${path} ${fault}; ${await keepAside(stateDir, kind)}`,
  });
  try {
    const bytes = await readBounded(path);
    if (typeof bytes === 'number') {
      return aside('unreadable', `has ${counted(bytes, 'byte')}, more than ${MAX_STATE_BYTES}`);
    }
    const decoded = decodeBytes(bytes, decode);
    if (decoded.kind === 'fault') return aside('unreadable', decoded.detail);
    const foreign = foreignTo(decoded.document, { cluster, node });
    if (foreign !== null) return aside('foreign', foreign);
    return { kind: 'loaded', document: decoded.document };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return missing(stateDir);
    if (error instanceof NotAFileError) return aside('unreadable', 'is no file');
    // Perhaps whole, and only not ours to read: left where it is.
    return { kind: 'unreadable', detail: `${path} cannot be read: ${explain(error)}` };
  }
}

/** The file's bytes; where they are too many, their number. */
async function readBounded(path: string): Promise<Buffer | number> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    return size > MAX_STATE_BYTES ? size : await file.readFile();
  } finally {
    await file.close();
  }
}

function decodeBytes(bytes: Buffer, decode: (text: string) => DecodedDocument): DecodedDocument {
  if (bytes.length === 0) return { kind: 'fault', detail: 'is empty' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { kind: 'fault', detail: 'is not UTF-8 text' };
  }
  const decoded = decode(text);
  return decoded.kind === 'document'
    ? decoded
    : { kind: 'fault', detail: `is no state document: ${decoded.detail}` };
}

/** A run that kept a file aside and ended before it wrote a new one leaves none; that is no first start. */
async function missing(stateDir: string): Promise<StorageState> {
  const aside = await asideFiles(stateDir, STATE_FILE, 'unreadable');
  const last = aside.at(-1);
  if (last === undefined) return { kind: 'empty' };
  return {
    kind: 'unreadable',
    detail: `${join(stateDir, STATE_FILE)} is missing, and ${last.name} is there`,
  };
}

async function keepAside(stateDir: string, reason: AsideReason): Promise<string> {
  const aside = await setAside(stateDir, STATE_FILE, reason);
  switch (aside.kind) {
    case 'kept':
      return `kept as ${aside.name}`;
    case 'nothing':
      return 'and it has vanished since';
    case 'failed':
      return `and it could not be kept aside: ${explain(aside.error)}`;
  }
}

async function tryWriting(stateDir: string): Promise<AgentError | null> {
  const trial = join(stateDir, `${STATE_FILE}.trial`);
  try {
    // What a crash has left, so that its space is free again.
    await remove(temporaryOf(join(stateDir, STATE_FILE)));
    await remove(trial);
    await writeSynced(trial, ' '.repeat(TRIAL_BYTES));
    await rm(trial);
    return null;
  } catch (error) {
    const problem = unusable('be written to', stateDir, error);
    await rm(trial, { force: true }).catch(() => undefined);
    return problem;
  }
}

/** Remove a file, or whatever else but a directory stands there. */
async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

function unusable(what: string, stateDir: string, error: unknown): AgentError {
  const message = `the state directory ${stateDir} cannot ${what}: ${explain(error)}`;
  return new AgentError('STATE_DIR_UNUSABLE', message, 'fatal', error);
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'there is something else with that name',
  EISDIR: 'it is a directory',
  EIO: 'the disk reports an error',
  EMFILE: 'too many open files',
};

function explain(error: unknown): string {
  const code = errnoOf(error);
  const words = EXPLANATIONS[code] ?? (error instanceof Error ? error.message : String(error));
  return `${code} (${words})`;
}

/** The most texts whose writing failed that are remembered, the newest ones. */
const MAX_FAILED = 64;

function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url');
}

type StorePort = Ports['store'];

/** The code of a write that is refused because another run has written meanwhile. */
export const FOREIGN_CODE = 'EFOREIGN';

/**
 * Writes documents one at a time. While one is written the latest waits, and takes the place of any that waited.
 *
 * What it finds at the next write has to be what it wrote before: the lock of the directory doesn't reach beyond this machine,
 * and two runs that share one directory over the network would each undo what the other has lent.
 */
export class Store implements StorePort {
  readonly #path: string;
  readonly #post: (event: Event) => void;
  readonly #mayWrite: () => Promise<string | null>;
  readonly #onForeign: () => void;
  /** The digest of what this run wrote last; null: nothing yet. */
  #written: string | null = null;
  /** Those of what it failed to write since, which may stand there all the same. */
  #failed: readonly string[] = [];
  #waiting: PersistEffect | null = null;
  #writing: Promise<void> | null = null;

  constructor(
    options: { readonly stateDir: string },
    dependencies: {
      readonly post: (event: Event) => void;
      /** Asked before each write: null, or the code with which it fails. */
      readonly mayWrite?: () => Promise<string | null>;
      /** Something else stands there than this run wrote: another one uses the directory. */
      readonly onForeign?: () => void;
    },
  ) {
    this.#path = join(options.stateDir, STATE_FILE);
    this.#post = dependencies.post;
    this.#mayWrite = dependencies.mayWrite ?? (() => Promise.resolve(null));
    this.#onForeign = dependencies.onForeign ?? (() => undefined);
  }

  /** Answers `persisted` or `persist-failed` (with the errno code) for this write, or for a later one that overtook it. */
  persist(effect: PersistEffect): void {
    this.#waiting = effect;
    this.#writing ??= this.#drain();
  }

  /** Resolves once nothing waits and nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #drain(): Promise<void> {
    for (let effect = this.#take(); effect !== null; effect = this.#take()) {
      const code = await this.#write(effect);
      this.#answer(effect.writeId, code);
    }
    this.#writing = null;
  }

  #take(): PersistEffect | null {
    const effect = this.#waiting;
    this.#waiting = null;
    return effect;
  }

  /** Answers the errno code of a failure, or null. */
  async #write(effect: PersistEffect): Promise<string | null> {
    try {
      const code = await this.#mayWrite();
      if (code !== null) return code;
      if (await this.#isForeign()) {
        this.#onForeign();
        return FOREIGN_CODE;
      }
      const digest = digestOf(effect.text);
      // Before it is there: one that fails may have replaced the file all the same.
      this.#failed = [...this.#failed.slice(-MAX_FAILED), digest];
      await writeDurably(this.#path, effect.text);
      this.#written = digest;
      this.#failed = [];
      return null;
    } catch (error) {
      return errnoOf(error);
    }
  }

  /** What can't be read is left to the write; what has been removed is written anew. */
  async #isForeign(): Promise<boolean> {
    if (this.#written === null) return false;
    const bytes = await readBounded(this.#path).catch(() => null);
    if (bytes === null) return false;
    return typeof bytes === 'number' || ![this.#written, ...this.#failed].includes(digestOf(bytes));
  }

  /** In a turn of its own, so that an error in the host ends the process rather than this loop. */
  #answer(writeId: EffectId, code: string | null): void {
    const event: Event =
      code === null ? { kind: 'persisted', writeId } : { kind: 'persist-failed', writeId, code };
    process.nextTick(this.#post, event);
  }
}
