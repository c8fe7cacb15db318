/** Where peers were when they were last found: kept in the state directory, for a start while the cloud doesn't answer. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Ip, NodeId } from '@failtome/protocol';
import type { ReadFile } from '../config/load.ts';
import { writeDurably } from './durable-file.ts';

/** The file, beside the state. */
const FILE = 'peers.json';

/** Far more than the addresses of all peers that there may be. */
const MAX_BYTES = 262_144;

/** Whose addresses they are: under another name or by another tag they mean nothing. */
export interface FoundPeersOf {
  readonly stateDir: string;
  readonly cluster: string;
  readonly tag: string;
}

/** None where there is no file, or none that can be read and is this cluster's: then they are found anew. */
export async function readFoundPeers(
  { stateDir, cluster, tag }: FoundPeersOf,
  readFile: ReadFile,
): Promise<ReadonlyMap<NodeId, Ip>> {
  try {
    const bytes = await readFile(join(stateDir, FILE), MAX_BYTES);
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const read = new Map(entriesOf(document));
    if (read.get('cluster') !== cluster || read.get('tag') !== tag) return new Map();
    return new Map(
      entriesOf(read.get('addresses')).flatMap(([id, address]) =>
        typeof address === 'string' && isIP(address) !== 0 ? [[id, address] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** @throws the file system's error, with its `code` */
export async function writeFoundPeers(
  { stateDir, cluster, tag }: FoundPeersOf,
  addresses: ReadonlyMap<NodeId, Ip>,
): Promise<void> {
  const document = { cluster, tag, addresses: Object.fromEntries(addresses) };
  await writeDurably(join(stateDir, FILE), `${JSON.stringify(document, null, 2)}\n`);
}
