/** A peer that answers what it is told to answer. */
import type { ProtocolConfig, Role } from '../../src/model/config.ts';
import type { MonotonicMs, NodeId } from '../../src/model/units.ts';
import type { Ballot, BallotAnswer, Envelope, NodeRecord, Payload } from '../../src/wire/messages.ts';
import { addressRecordOf, IP, recordOf, SELF } from './fixtures.ts';

export interface FakePeer {
  reachable: boolean;
  /** What it answers to a ballot. */
  vote: (ballot: Ballot) => Pick<BallotAnswer, 'answer' | 'reason' | 'consents'>;
  /** What it says of itself from now on. */
  say(parts: Partial<NodeRecord>): void;
  /** The response to a message of the node's. */
  answer(message: Envelope, now: MonotonicMs): Envelope;
  /** A message of its own; undefined while it doesn't know the node's session. */
  request(now: MonotonicMs): Envelope | undefined;
}

export function newPeerOf(id: NodeId, role: Role, config: ProtocolConfig): FakePeer {
  let seq = 0;
  let version = 1;
  let told = 0;
  let record = recordOf(id, { role, addresses: [addressRecordOf()] });
  let heard: { readonly session: string; readonly t: number } | null = null;

  const peer: FakePeer = {
    reachable: true,
    vote: () => ({ answer: 'grant', reason: 'down' }),
    say(parts) {
      version += 1;
      record = { ...record, ...parts };
    },
    answer(message, now) {
      heard = { session: message.session, t: message.t };
      const answers = (message.payload.ballots ?? []).map((ballot) => voted(ballot));
      const re = { session: message.session, seq: message.seq };
      return envelope(now, re, { ...payload(message.payload), ...(answers.length > 0 ? { answers } : {}) });
    },
    request(now) {
      return heard === null ? undefined : envelope(now, null, { version, ack: 0, node: record });
    },
  };
  return peer;

  function payload(asked: Payload): Payload {
    told = Math.max(told, asked.ack);
    return { version, ack: asked.version, ...(asked.ack < version ? { node: record } : {}) };
  }

  function voted(ballot: Ballot): BallotAnswer {
    const { answer, reason, consents } = peer.vote(ballot);
    const lends = answer === 'grant' || answer === 'blind';
    return {
      address: IP,
      epoch: ballot.epoch,
      candidate: ballot.candidate,
      voter: id,
      ask: ballot.ask,
      answer,
      reason,
      leaseMs: lends ? config.agreement.leaseMs : 0,
      retryMs: 0,
      highest: ballot.epoch,
      ...(consents === undefined ? {} : { consents }),
    };
  }

  function envelope(now: MonotonicMs, re: Envelope['re'], part: Payload): Envelope {
    seq += 1;
    const session = `${id.slice(0, 7)}-001`.padEnd(11, '0');
    return {
      v: 1,
      cluster: config.cluster,
      from: id,
      session,
      seq,
      to: SELF,
      t: Math.floor(now),
      echo: heard,
      re,
      payload: part,
    };
  }
}
