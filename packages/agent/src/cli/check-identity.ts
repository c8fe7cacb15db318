/** The part of the preflight about who may speak for whom: this node's own key pair, and what each side has of the other. */
import type { NodeId } from '@failtome/protocol';
import { type CheckLine, fail, ok, warn } from '../adapters/preflight-fix.ts';
import { authModeOf, describeMode } from '../auth/identities.ts';
import type { PublicKey } from '../auth/identity.ts';
import { ownKeyWarnings } from '../config/public-key-rules.ts';
import type { AgentConfig, PeerSettings } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import type { CliDependencies } from './dependencies.ts';
import { clean } from './text.ts';
import type { StatusRow } from './view-rows.ts';

/** This node's own key pair, and what there is to say of it. */
export interface CheckedIdentity {
  /** Null where there is none, or it can't be read. */
  readonly own: PublicKey | null;
  readonly lines: readonly CheckLine[];
}

/** @param self null where it isn't known, which is told elsewhere */
export async function checkOwnIdentity(
  config: AgentConfig,
  self: NodeId | null,
  { readIdentity }: Pick<CliDependencies, 'readIdentity'>,
): Promise<CheckedIdentity> {
  const { auth, peers } = config;
  const mode = authModeOf(
    peers.filter(({ id }) => id !== self),
    auth.identity !== null,
  );
  const modeLine = ok('identities', `${mode}: messages are authenticated by ${describeMode(mode)}`);
  if (auth.identity === null) return { own: null, lines: [modeLine] };
  const name = 'identity file';
  try {
    const { identity, warnings } = await readIdentity(auth.identity);
    const own = identity.publicKey;
    const doubts = self === null ? [] : ownKeyWarnings(config, self, own);
    const fix = `Put ${own.text} into this node's entry of peers on every node, or this node's own key pair into ${auth.identity}.`;
    return {
      own,
      lines: [
        modeLine,
        ok(name, `${auth.identity}: public key ${own.text}`),
        ...warnings.map((text) => warn(name, text, `chmod 0640 ${auth.identity}`)),
        ...doubts.map(({ text }) => fail(name, text, fix)),
      ],
    };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const fix = `Make one with \`failtome keygen --identity > ${auth.identity}\`, readable by the service's user, and put its public key into the others' peers.`;
    return { own: null, lines: [modeLine, fail(name, error.message, fix)] };
  }
}

/** What is held against each other: the keys that are configured, and those that sign. */
export interface IdentitySides {
  readonly config: AgentConfig;
  readonly self: NodeId | null;
  readonly own: PublicKey | null;
}

/** Whether this node has the peer's key, and the peer this node's. A peer of an earlier version tells of neither. */
export function peerIdentityLines(
  name: string,
  peer: PeerSettings,
  sides: IdentitySides,
  view: StatusRow,
): readonly CheckLine[] {
  return [...theirKeyLines(name, peer, view), ...ourKeyLines(name, sides, view)];
}

function theirKeyLines(
  name: string,
  { id, publicKeys }: PeerSettings,
  view: StatusRow,
): readonly CheckLine[] {
  const line = `${name}: its key`;
  if (publicKeys.length === 0) return [];
  const print = `what \`failtome keygen --public\` prints on ${id}`;
  if (view.identity === '') {
    const found = 'it signs with no key of its own, and peers has one for it: its messages are refused here';
    return [fail(line, found, `Set auth.identity on ${id}, or take its publicKey out of peers here.`)];
  }
  if (publicKeys.some((key) => key.id === view.identity)) return [ok(line, 'the one that peers has for it')];
  const fix = `Put ${print} into its publicKey here, beside the one that is there until it has been reloaded.`;
  return [fail(line, clean(`its key (${view.identity}) is none that peers has for it`), fix)];
}

function ourKeyLines(
  name: string,
  { config, self, own }: IdentitySides,
  view: StatusRow,
): readonly CheckLine[] {
  const line = `${name}: this node's key`;
  const entry = view.peers.find(({ id }) => id === self);
  if (entry === undefined || view.auth === '') return [];
  const { id: them } = view.self;
  if (entry.identities.length === 0) {
    if (own === null || config.auth.identity === null) return [];
    const found = "it has none for this node, and takes its messages from whoever has the cluster's key";
    return [warn(line, found, `Put ${own.text} into this node's publicKey in peers on ${them}.`)];
  }
  if (own !== null && entry.identities.includes(own.id))
    return [ok(line, 'the one that it has for this node')];
  const found =
    own === null
      ? 'it wants this node to sign with a key of its own, and refuses its messages'
      : 'it has another for this node, and refuses its messages';
  const fix =
    own === null
      ? 'Set auth.identity to the file of the key pair that it knows, and reload this node.'
      : `Put ${own.text} into this node's publicKey in peers on ${them}.`;
  return [fail(line, found, fix)];
}
