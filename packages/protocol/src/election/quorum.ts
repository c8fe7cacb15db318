/**
 * Who the voters are. The electorate is the configured one, the holder and the candidate among it, and never
 * "those that happen to be reachable" (invariant I3).
 */

import { ARBITER, MAX_VOTERS, type ProtocolConfig } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { NodeId } from '../model/units.ts';
import { counted } from '../reporting/wording.ts';
import { fnv1a } from '../text-hash.ts';
import { WIRE_VERSION } from '../wire/messages.ts';

/** All configured voters, this node included where it votes, and the arbiter where there is one, sorted by id. */
export function votersOf(config: ProtocolConfig): readonly NodeId[] {
  const voters = nodesVoting(config);
  return config.agreement.arbiter === true ? [...voters, ARBITER].sort(byText) : voters;
}

/** The voters that are nodes: those that see, store what operators order, and are spoken to. */
export function nodesVoting(config: ProtocolConfig): readonly NodeId[] {
  const voters = config.peers.filter((peer) => peer.role !== 'member').map((peer) => peer.id);
  if (config.node.role !== 'member') voters.push(config.node.id);
  return voters.sort(byText);
}

/** Whether that node may hold an address by this node's own configuration, whatever it says of itself. */
export function isCandidate({ node, peers }: ProtocolConfig, id: NodeId): boolean {
  if (id === node.id) return node.role === 'candidate';
  return peers.some((peer) => peer.id === id && peer.role === 'candidate');
}

/** A strict majority of `count`. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** A digest of the electorate's sorted ids. It guards against mistakes in configuration; forgery is the MAC's business. */
export const electorateDigest: (config: ProtocolConfig) => string = digestOnce((config) =>
  votersOf(config).join(','),
);

/** Its FNV-1a, as eight hexadecimal digits. */
export function digestOf(text: string): string {
  return fnv1a(text).toString(16).padStart(8, '0');
}

/**
 * Digests of what these parts of a configuration say, each worked out once: several inputs a second ask, and nobody changes
 * a configuration. It follows from the state, and so is no state of its own.
 */
export function digestOnce<Part extends object>(textOf: (part: Part) => string): (part: Part) => string {
  const known = new WeakMap<Part, string>();
  return (part) => {
    const before = known.get(part);
    if (before !== undefined) return before;
    const digest = digestOf(textOf(part));
    known.set(part, digest);
    return digest;
  };
}

/** Why this configuration can't be run, as sentences; empty when it can. */
export function electorateFaults(config: ProtocolConfig): readonly string[] {
  const voters = votersOf(config);
  const faults: string[] = [];
  if (voters.length > MAX_VOTERS)
    faults.push(`${counted(voters.length, 'voter')} configured, at most ${MAX_VOTERS} may be`);
  if (new Set(voters).size !== voters.length) faults.push('two voters have the same id');
  if (config.agreement.arbiter === true && nodesVoting(config).length !== 2)
    faults.push('an arbiter is for two voters');
  return faults;
}

/** Order of code units: the same everywhere, unlike a locale's. */
export function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The electorate's digest with the wire version: what two nodes must have in common to vote together. */
export function ballotElectorate(state: State): string {
  return `${WIRE_VERSION}:${electorateDigest(state.config)}`;
}
