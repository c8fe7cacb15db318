/**
 * What a node says of itself, and when that is something else than before (PROTOCOL.md, "Membership and gossip").
 */
import { ballotElectorate } from '../election/quorum.ts';
import type { AddressState } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import { readinessProblems } from '../observation/idle-reads.ts';
import { inTrouble } from '../observation/watching.ts';
import { pauseToTell } from '../orders/pause.ts';
import { episodeRecord } from '../takeover/episode.ts';
import type { AddressRecord, HandoverRecord, NodeRecord } from '../wire/messages.ts';
import { cutToFit } from './record.ts';

/** The newest of what a record tells of the past, so that the largest cluster's record fits into a message. */
const MAX_TOLD_CHANGES = 16;
const MAX_TOLD_ENDED = 4;
/** What this node says of itself. */
export function ownRecord(state: State): NodeRecord {
  const { config } = state;
  return cutToFit({
    id: config.node.id,
    incarnation: state.incarnation,
    role: config.node.role,
    priority: config.node.priority,
    instanceId: config.node.instanceId,
    fit: state.local.fit,
    leaving: state.phase !== 'running',
    ready: readinessProblems(state).length === 0,
    electorate: ballotElectorate(state),
    version: config.node.version,
    addresses: Object.values(state.addresses).map((address) => addressRecord(state, address)),
    pause: pauseToTell(state),
    handovers: state.handovers.map(
      ({ record, expiresAt }): HandoverRecord => ({
        ...record,
        ttlMs: Math.max(0, Math.floor(expiresAt - state.now.at)),
      }),
    ),
    ...(state.storage.failing === null ? {} : { unstored: true }),
  });
}

function addressRecord(state: State, address: AddressState): AddressRecord {
  const { holder } = address;
  const at = state.now.at;
  return {
    ip: address.ip,
    verdict: address.verdict,
    trouble: inTrouble(state, address),
    epoch: address.epoch,
    holder:
      holder.kind === 'unknown' || !holder.firsthand
        ? null
        : {
            kind: holder.kind,
            node: holder.node,
            instanceId: holder.instanceId,
            associationId: holder.associationId,
            ageMs: Math.max(0, Math.floor(at - holder.at)),
          },
    ended: address.ended.slice(0, MAX_TOLD_ENDED),
    changes: address.changes
      .slice(0, MAX_TOLD_CHANGES)
      .map((changedAt) => Math.max(0, Math.floor(at - changedAt))),
    changedTo: address.changedTo.slice(0, MAX_TOLD_CHANGES),
    served: address.served,
    lentEpoch: address.lent?.epoch ?? 0,
    episode: episodeRecord(state, address),
  };
}
