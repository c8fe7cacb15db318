/** What a change of one voter makes of a configuration, and what has to be done on which node. */
import { isDeepStrictEqual } from 'node:util';
import { scalarNode } from '@failtome/config';
import type { Ip, NodeId } from '@failtome/protocol';
import { editedPeers, entryText, type NewEntry, type PeersEdit } from '../config/edit-peers.ts';
import { identityFaults } from '../config/electorate.ts';
import type { Fault } from '../config/fault.ts';
import { checkConfig } from '../config/load.ts';
import { publicKeys } from '../config/public-keys.ts';
import type { Environment } from '../config/settings.ts';
import type { AgentConfig, PeerSettings } from '../config/types.ts';
import type { Lacking, VoterChange } from './voters-judge.ts';

/** A change, with what stands in the file for it. */
export interface PlannedChange {
  readonly change: VoterChange;
  /** Null: nothing in the file changes, as where the peers' addresses are found. */
  readonly edit: PeersEdit | null;
}

/** The configuration as it is to be; the same where it is so already. */
export function changedConfig(config: AgentConfig, edit: PeersEdit | null): AgentConfig {
  return edit === null ? config : { ...config, peers: changedPeers(config.peers, edit) };
}

function changedPeers(peers: readonly PeerSettings[], edit: PeersEdit): readonly PeerSettings[] {
  switch (edit.kind) {
    case 'add':
      return peers.some(({ id }) => id === edit.entry.id) ? peers : [...peers, peerOf(edit.entry)];
    case 'remove':
      return peers.filter(({ id }) => id !== edit.id);
    case 'move':
      return peers.map((peer) => (peer.id === edit.id ? { ...peer, url: edit.url } : peer));
  }
}

function peerOf({ id, url, role, publicKey }: NewEntry): PeerSettings {
  const read = publicKey === null ? null : publicKeys.read(scalarNode(publicKey));
  return {
    ...{ id, url, isSought: url === null, role, priority: 100 },
    publicKeys: read?.kind === 'value' ? read.value : [],
  };
}

/** What is wrong with who would vote then. */
export function changeFaults(config: AgentConfig, edit: PeersEdit | null, self: NodeId): readonly Fault[] {
  const { peers, ...rest } = changedConfig(config, edit);
  // A list that leaves this node out, and is empty then, is one with nobody but this node.
  const own = { id: self, url: null, isSought: false, role: config.node.role, priority: 100, publicKeys: [] };
  const all = peers.some(({ id }) => id === self) ? peers : [...peers, own];
  return identityFaults({ ...rest, peers: all }, self);
}

/** A configuration, and the text that it was read from. */
export interface WrittenConfig {
  readonly file: string;
  readonly text: string;
  readonly config: AgentConfig;
}

/** What else a configuration is read with. */
export interface ReadWith {
  readonly env: Environment;
  readonly addresses: () => readonly Ip[];
}

/** The file with the change, and nothing else of it changed; null where that can't be done without risk. */
export function changedFile(
  { file, text, config }: WrittenConfig,
  edit: PeersEdit,
  { env, addresses }: ReadWith,
): string | null {
  const edited = editedPeers(text, edit);
  if (edited === null) return null;
  const read = checkConfig(file, Buffer.from(edited), env, addresses());
  if (read.kind === 'faulty' || !isDeepStrictEqual(read.config, changedConfig(config, edit))) return null;
  return edited;
}

/** What somebody has to do about what a node lacks; null: nothing but wait. */
export function instruction(
  { change, edit }: PlannedChange,
  { node, what }: Lacking,
  file: string,
): string | null {
  const { id } = change;
  const reload = 'then `systemctl reload failtome` there';
  switch (what) {
    case 'entry': {
      const entry = edit?.kind === 'add' ? entryText(edit.entry) : null;
      if (node === id || entry === null)
        return `On ${node}: give it the same list of peers as the others have (${file}), ${reload}.`;
      return `On ${node}: add  - ${entry}  to the peers in ${file}, ${reload}.`;
    }
    case 'gone-entry':
      return `On ${node}: take the entry of ${id} out of the peers in ${file}, ${reload}.`;
    case 'url':
      return edit?.kind === 'move'
        ? `On ${node}: write  url: ${JSON.stringify(edit.url)}  in the entry of ${id} in ${file}, ${reload}.`
        : null;
    case 'answer':
      return node === id
        ? `On ${id}: this configuration with its own values, the key, and \`systemctl start failtome\`; \`failtome check\` there says what is missing.`
        : `On ${node}: see why its agent does not answer.`;
    case 'end':
      return `On ${id}: \`systemctl disable --now failtome\`.`;
    case 'hearing':
      return null;
  }
}
