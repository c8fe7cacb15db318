/**
 * Messages and the durable document as text, and back. JSON, checked field by field, with every length bounded.
 */

import { MAX_CHANGES, MAX_ENDED } from '../model/address-state.ts';
import { BALLOT_ANSWERS, BALLOT_MODES, FITNESSES, HANDOVER_STATES, VERDICTS } from '../model/codes.ts';
import { MAX_ADDRESSES, MAX_FLAP_MOVES } from '../model/config.ts';
import {
  MAX_HANDOVERS,
  MAX_LATE_TAKES,
  MAX_LENGTH_MS,
  MAX_MESSAGE_BYTES,
  MAX_RUMOURS,
  MAX_SAW,
  MAX_WALL_MS,
} from '../model/limits.ts';
import { DOCUMENT_VERSION, type DurableDocument } from '../storage/durable.ts';
import { MAX_TRIES } from '../takeover/episode-state.ts';
import { INTENT, NOTICES, TOLD, TOLD_PAUSE, TOPIC_ENTRIES } from './document-parts.ts';
import type { BallotReason, Command, Envelope, RejectReason } from './messages.ts';
import {
  atMost,
  checkJson,
  duration,
  type Form,
  flag,
  list,
  matching,
  nullable,
  object,
  oneOf,
  type Shape,
  text,
  union,
  whole,
} from './shape.ts';

/** `fault`: which field doesn't fit, and what was expected there; never what was found. */
export type DecodedMessage =
  | { readonly kind: 'message'; readonly message: Envelope }
  | { readonly kind: 'fault'; readonly detail: string };
/** As for a message; the host then keeps the file aside and starts as if every lease were out. */
export type DecodedDocument =
  | { readonly kind: 'document'; readonly document: DurableDocument }
  | { readonly kind: 'fault'; readonly detail: string };

const NODE_ID = matching(/^[A-Za-z0-9._-]{1,64}$/, 'a node id');
const SESSION = matching(/^[A-Za-z0-9_-]{11}$/, 'a session id');
const IP = matching(/^[0-9A-Fa-f.:]{2,45}$/, 'an IP address');
const CLOUD_ID = text(128);
const CODE = text(32);
const SENTENCE = text(512);
const EPOCH = whole();
const COUNT = whole();
const LENGTH = atMost(duration(), MAX_LENGTH_MS);
const WALL = atMost(whole(), MAX_WALL_MS);
/** Reasons are open to later versions: an unknown one is read as text and treated as the refusal it is. */
const BALLOT_REASON = CODE as Shape<BallotReason>;
const REJECT_REASON = CODE as Shape<RejectReason>;

const ROLE = oneOf('candidate', 'witness', 'member');
const VERDICT = oneOf(...VERDICTS);
const MODE = oneOf(...BALLOT_MODES);
/** Whoever makes proofs decides what they look like; here they are plain characters, so many at most. */
const PROOF = matching(/^[A-Za-z0-9+/=._:-]{1,192}$/, 'a proof');

const PAUSE_FIELDS = {
  version: COUNT,
  by: text(64),
  paused: flag(),
  owner: text(128),
  reason: SENTENCE,
  until: nullable(WALL),
};
const PAUSE = object(PAUSE_FIELDS, { signedAt: WALL, proof: PROOF });
const PAUSE_ORDER = object({ ...PAUSE_FIELDS, signedAt: WALL, proof: PROOF });

const HANDOVER_FIELDS = {
  id: text(128),
  address: IP,
  to: NODE_ID,
  by: text(128),
  reason: SENTENCE,
  state: oneOf(...HANDOVER_STATES),
  detail: text(2048),
  ttlMs: LENGTH,
};
const LATER_HANDOVER_FIELDS = {
  withdrawnBy: text(128),
  ordered: COUNT,
  pause: COUNT,
  until: WALL,
  proof: PROOF,
};
const HANDOVER = object(HANDOVER_FIELDS, LATER_HANDOVER_FIELDS);
const DURABLE_HANDOVER = object(HANDOVER_FIELDS, {
  ...LATER_HANDOVER_FIELDS,
  untilWall: WALL,
  untold: oneOf('all', 'end'),
});
const HANDOVER_ORDER = object({
  id: text(128),
  address: IP,
  to: NODE_ID,
  by: text(128),
  reason: SENTENCE,
  ordered: COUNT,
  pause: COUNT,
  until: WALL,
  proof: PROOF,
});

const HOLDER = object({
  kind: oneOf('node', 'none', 'other'),
  node: nullable(NODE_ID),
  instanceId: nullable(CLOUD_ID),
  associationId: nullable(CLOUD_ID),
  ageMs: LENGTH,
});

const TRIES = list(object({ node: NODE_ID, epoch: EPOCH, from: CLOUD_ID, ageMs: LENGTH }), MAX_TRIES);

const EPISODE = object(
  {
    upEpoch: EPOCH,
    anewEpoch: EPOCH,
    tries: TRIES,
    answered: CODE,
    upWall: WALL,
    told: flag(),
    saw: text(MAX_SAW),
  },
  { upBy: NODE_ID },
);

const ADDRESS = object(
  {
    ip: IP,
    verdict: VERDICT,
    trouble: flag(),
    epoch: EPOCH,
    holder: nullable(HOLDER),
    ended: list(CLOUD_ID, MAX_ENDED),
    changes: list(LENGTH, MAX_CHANGES),
    served: flag(),
  },
  { changedTo: list(text(16), MAX_CHANGES), lentEpoch: EPOCH, episode: EPISODE },
);

const NODE = object(
  {
    id: NODE_ID,
    incarnation: COUNT,
    role: ROLE,
    priority: whole(-1_000_000, 1_000_000),
    instanceId: CLOUD_ID,
    fit: oneOf(...FITNESSES),
    leaving: flag(),
    ready: flag(),
    electorate: text(64),
    version: text(64),
    addresses: list(ADDRESS, MAX_ADDRESSES),
    pause: PAUSE,
    handovers: list(HANDOVER, MAX_HANDOVERS),
  },
  { unstored: flag() },
);

const BALLOT = object(
  {
    address: IP,
    epoch: EPOCH,
    candidate: NODE_ID,
    mode: MODE,
    electorate: text(64),
    ask: COUNT,
    fit: flag(),
  },
  { handover: text(128) },
);

const ANSWER = object(
  {
    address: IP,
    epoch: EPOCH,
    candidate: NODE_ID,
    voter: NODE_ID,
    ask: COUNT,
    answer: oneOf(...BALLOT_ANSWERS),
    reason: BALLOT_REASON,
    leaseMs: LENGTH,
    retryMs: LENGTH,
    highest: EPOCH,
  },
  { consents: flag() },
);

const RELEASE = object({ address: IP, epoch: EPOCH, candidate: NODE_ID });

const COMMAND: Shape<Command> = union<Command>({
  handover: object(
    {
      kind: oneOf('handover'),
      address: nullable(IP),
      to: nullable(NODE_ID),
      reason: SENTENCE,
      owner: text(128),
    },
    { forMs: LENGTH, order: HANDOVER_ORDER },
  ),
  'handover-cancel': object(
    {
      kind: oneOf('handover-cancel'),
      id: nullable(text(128)),
      address: nullable(IP),
      reason: SENTENCE,
      owner: text(128),
    },
    { proof: PROOF },
  ),
  'handover-status': object({ kind: oneOf('handover-status'), id: text(128) }),
  pause: object(
    { kind: oneOf('pause'), forMs: nullable(LENGTH), reason: SENTENCE, owner: text(128) },
    { replace: flag(), order: PAUSE_ORDER },
  ),
  resume: object({ kind: oneOf('resume'), reason: SENTENCE, owner: text(128) }, { order: PAUSE_ORDER }),
});

const PAYLOAD = object(
  { version: COUNT, ack: COUNT },
  {
    node: NODE,
    known: COUNT,
    duplicateMs: COUNT,
    rumours: list(
      object({ id: NODE_ID, incarnation: COUNT, state: oneOf('alive', 'suspect', 'dead') }),
      MAX_RUMOURS,
    ),
    ask: list(NODE_ID, MAX_RUMOURS),
    ballots: list(BALLOT, MAX_ADDRESSES),
    answers: list(ANSWER, MAX_ADDRESSES),
    releases: list(RELEASE, MAX_ADDRESSES),
    command: COMMAND,
    outcome: object(
      { state: oneOf('done', 'working', 'failed'), id: text(128), detail: text(2048) },
      { again: flag() },
    ),
    refused: REJECT_REASON,
  },
);

const ENVELOPE: Shape<Envelope> = object({
  v: whole(1, 65_535),
  cluster: text(64),
  from: NODE_ID,
  session: SESSION,
  seq: whole(1),
  to: NODE_ID,
  t: COUNT,
  echo: nullable(object({ session: SESSION, t: COUNT })),
  re: nullable(object({ session: SESSION, seq: whole(1) })),
  payload: PAYLOAD,
});

const DOCUMENT: Shape<DurableDocument> = object(
  {
    version: whole(DOCUMENT_VERSION, DOCUMENT_VERSION),
    cluster: text(64),
    node: NODE_ID,
    incarnation: COUNT,
    addresses: list(
      object(
        {
          ip: IP,
          epoch: EPOCH,
          lent: nullable(object({ candidate: text(64), epoch: EPOCH, leaseMs: LENGTH })),
          intent: nullable(INTENT),
          late: nullable(INTENT),
          changes: list(LENGTH, MAX_FLAP_MOVES),
          ended: list(CLOUD_ID, MAX_ENDED),
          blockedTold: flag(),
        },
        {
          lateMs: LENGTH,
          lateHeld: CLOUD_ID,
          lateTakes: whole(1, MAX_LATE_TAKES),
          told: TOLD,
          episode: object(
            {
              upEpoch: EPOCH,
              anewEpoch: EPOCH,
              tries: TRIES,
              answered: CODE,
              upWall: WALL,
              toldWall: WALL,
            },
            { upBy: NODE_ID },
          ),
        },
      ),
      2 * MAX_ADDRESSES,
    ),
    pause: PAUSE,
    handovers: list(DURABLE_HANDOVER, MAX_HANDOVERS),
    outbox: TOPIC_ENTRIES,
    serial: COUNT,
  },
  { notices: NOTICES, toldPause: TOLD_PAUSE },
);

/** What a message's payload may be, for whoever makes some by chance. */
export const PAYLOAD_FORM: Form = PAYLOAD.form;
/** What a whole message may be, for whoever describes it. */
export const ENVELOPE_FORM: Form = ENVELOPE.form;

/** The body of a request or a response. The host signs these very bytes. */
export function encodeMessage(message: Envelope): string {
  return JSON.stringify(message);
}

/** Read a message; a fault says where it doesn't fit, without repeating what was found. */
export function decodeMessage(body: string): DecodedMessage {
  if (body.length > MAX_MESSAGE_BYTES)
    return { kind: 'fault', detail: `more than ${MAX_MESSAGE_BYTES} bytes` };
  const checked = checkJson(ENVELOPE, body);
  return checked.kind === 'value' ? { kind: 'message', message: checked.value } : checked;
}

/** The text of the state file. */
export function encodeDocument(document: DurableDocument): string {
  return JSON.stringify(document);
}

/** Reads a state file. One of another version of the layout is a fault. */
export function decodeDocument(body: string): DecodedDocument {
  const checked = checkJson(DOCUMENT, body);
  return checked.kind === 'value' ? { kind: 'document', document: checked.value } : checked;
}
