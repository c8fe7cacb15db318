/**
 * Whether a request is what it says it is, whichever way it came: signed under the cluster's key, in the form that messages have,
 * and where identities are configured its sender's own word. The protocol judges whether it is fresh, and what to answer.
 */
import {
  decodeMessage,
  type Envelope,
  encodeMessage,
  type NodeId,
  type RejectReason,
  type ReplyEffect,
} from '@failtome/protocol';
import type { Identities } from './identities.ts';
import { signAs } from './identity.ts';
import type { ClusterKeys } from './keys.ts';
import { requestBytes, responseBytes, signResponse, verifyRequest } from './signature.ts';

/** Whom a message has to be for. */
export interface Receiver {
  readonly cluster: string;
  /** Null: not known yet. */
  readonly node: NodeId | null;
}

/** A request as it came. */
export interface SignedMessage {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
  /** By the cluster's key. */
  readonly signature: string;
  /** The sender's own; empty where there is none. */
  readonly identity: string;
  /** Where it came from, to tell senders without an identity apart. */
  readonly address: string;
}

/** Why a request isn't taken. */
export interface MessageRefusal {
  readonly reason: Extract<RejectReason, 'signature' | 'malformed'>;
  readonly status: 400 | 401 | 403;
  readonly code: 'signature' | 'malformed' | 'operator';
  readonly message: string;
}

/** A message that may be given to the protocol, and what its sender has proven of itself. */
export interface Authentic {
  readonly message: Envelope;
  readonly sender: string;
}

/** Who may speak. */
export interface Trust {
  readonly keys: ClusterKeys;
  readonly identities: Identities;
  readonly receiver: Receiver;
}

const NOT_OF_THIS_CLUSTER: MessageRefusal = {
  reason: 'signature',
  status: 401,
  code: 'signature',
  message: 'the signature is not of this message under a key of this cluster',
};

/** Judge a request, what costs least first. What is for somebody else comes back unverified and empty, to be refused. */
export function authenticate(signed: SignedMessage, trust: Trust): Authentic | MessageRefusal {
  const { signature, identity: own, address } = signed;
  const { keys, identities, receiver } = trust;
  if (!verifyRequest(keys, signed, signature)) return NOT_OF_THIS_CLUSTER;
  const decoded = decodeMessage(signed.body.toString('utf8'));
  if (decoded.kind === 'fault')
    return { reason: 'malformed', status: 400, code: 'malformed', message: decoded.detail };
  const { message } = decoded;
  if (isForAnother(message, receiver))
    return { message: { ...message, payload: { version: 0, ack: 0 } }, sender: address };
  const objection = identities.objectionTo(message, () => requestBytes(signed), own);
  if (objection !== null) return { reason: 'signature', ...objection };
  const sender = identities.senderOf(message, own, address);
  return { message: identities.orders.judged(message, sender), sender };
}

/** The protocol refuses it whatever its signature. One that is from this node's own id tells something only with its signature. */
function isForAnother({ cluster, from, to }: Envelope, receiver: Receiver): boolean {
  return cluster !== receiver.cluster || (to !== receiver.node && from !== receiver.node);
}

/** A reply, signed and bound to the request that it answers. */
export interface SignedReply {
  readonly status: number;
  readonly body: string;
  readonly signature: string;
  /** This node's own; empty where it has none. */
  readonly identity: string;
}

/** Sign what the protocol has replied. */
export function signReply(
  { status, message }: ReplyEffect,
  { method, path, signature: requestSignature }: Pick<SignedMessage, 'method' | 'path' | 'signature'>,
  { keys, identities: { own } }: Pick<Trust, 'keys' | 'identities'>,
): SignedReply {
  const body = encodeMessage(message);
  const response = { method, path, status, requestSignature, body };
  return {
    status,
    body,
    signature: signResponse(keys, response),
    identity: own === null ? '' : signAs(own, responseBytes(response)),
  };
}
