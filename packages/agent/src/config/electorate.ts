/**
 * What must hold of the configured nodes together. It needs this node's id, which may come from
 * instance metadata, so it is asked once more when that is known.
 */
import { ARBITER, counted, MAX_VOTERS, type NodeId, type Role } from '@failtome/protocol';
import type { Fault, Origin } from './fault.ts';
import type { AgentConfig } from './types.ts';

/** A node as the configuration has it. */
export interface ConfiguredNode {
  readonly id: NodeId;
  readonly role: Role;
  readonly origin: Origin | null;
}

/** Who votes, as far as the configuration says. */
export interface Electorate {
  /** Null where it is not known yet: the node's own entry, if there is one, can't be told from the others. */
  readonly id: NodeId | null;
  readonly role: Role;
  readonly roleOrigin: Origin | null;
  readonly peers: readonly ConfiguredNode[];
  /** There is a third voter in the store. */
  readonly arbiter: boolean;
  readonly arbiterOrigin: Origin | null;
}

/** The faults of a whole configuration that only show once the node's id is known; none when it was in the file. */
export function identityFaults(config: AgentConfig, id: NodeId): readonly Fault[] {
  const peers = config.peers.map((peer) => ({ id: peer.id, role: peer.role, origin: null }));
  const { arbiter } = config.agreement;
  const { role } = config.node;
  return electorateFaults({ id, role, roleOrigin: null, peers, arbiter, arbiterOrigin: null });
}

/** What is wrong with who votes. */
export function electorateFaults(electorate: Electorate): readonly Fault[] {
  const { id, role, peers } = electorate;
  const faults: Fault[] = [];
  const own = peers.findIndex((peer) => peer.id === id);
  const ownEntry = peers[own];
  if (ownEntry !== undefined && ownEntry.role !== role) {
    faults.push(disagreement(electorate, own, ownEntry.role));
  }
  const others = peers.filter((peer) => peer.id !== id);
  if (peers.length > 0 && others.length === 0) {
    return [...faults, peersFault('no node but this one', 'at least one other node')];
  }
  if (id === null || others.length === 0) return faults;
  const roles = [role, ...others.map((peer) => peer.role)];
  const voters = roles.filter((each) => each !== 'member').length;
  if (voters > MAX_VOTERS) {
    const hint = 'give the others role: member';
    faults.push({
      ...peersFault(`${counted(voters, 'voter')}, this node among them`, `at most ${MAX_VOTERS}`),
      hint,
    });
  }
  if (electorate.arbiter) faults.push(...arbiterFaults(electorate, others, voters));
  if (voters < 2) {
    const hint = 'a node alone agrees with nobody; members have no vote';
    faults.push({
      ...peersFault(voters === 1 ? 'one voter' : 'no voter', 'at least two candidates or witnesses'),
      hint,
    });
  }
  if (!roles.includes('candidate')) {
    faults.push(
      peersFault('no candidate, this node included', 'at least one node that may hold the addresses'),
    );
  }
  return faults;
}

/** The third voter of two nodes, neither of which has its name. */
function arbiterFaults(
  { id, arbiterOrigin: origin }: Electorate,
  others: readonly ConfiguredNode[],
  voters: number,
): readonly Fault[] {
  const path = 'agreement.arbiter';
  const hint = 'an arbiter is the third voter of a pair';
  const faults: Fault[] = [];
  if (voters !== 2)
    faults.push({
      path,
      found: 'true',
      expected: `false, because ${counted(voters, 'node')} can vote`,
      hint,
      origin,
    });
  if (id === ARBITER || others.some((peer) => peer.id === ARBITER))
    faults.push({
      path,
      found: 'true',
      expected: `false, because a node is called ${ARBITER}`,
      hint,
      origin,
    });
  return faults;
}

function peersFault(found: string, expected: string): Fault {
  return { path: 'peers', found, expected, hint: '', origin: null };
}

function disagreement(electorate: Electorate, own: number, inPeers: Role): Fault {
  return {
    path: 'node.role',
    found: electorate.role,
    expected: `${inPeers}, as this node's own entry peers[${own}].role has it`,
    hint: 'every node must count the same voters',
    origin: electorate.roleOrigin,
  };
}
