/**
 * Who may speak for whom, beyond having the cluster's key: a node for itself, an operator for the operators.
 *
 * The cluster's key is looked at first and by others (`signature.ts`). It costs little, and keeps strangers and other
 * clusters away; this is for those who have it and may not be whom they say.
 */
import { type Envelope, isOperator, type NodeId, OPERATOR_PREFIX, type OrderRule } from '@failtome/protocol';
import { isSignedBy, type PublicKey, type SigningIdentity } from './identity.ts';
import { keyIdIn, type OperatorSettings, Operators } from './operators.ts';
import { OrderProofs } from './order-proofs.ts';

/** The header that carries a node's or an operator's own signature. */
export const IDENTITY_HEADER = 'x-failtome-identity';

/**
 * `identities`: this node signs, and every peer's messages need its own signature. `shared-key`: who has the cluster's
 * key speaks for any node. `mixed`: on the way between the two.
 */
export type AuthMode = 'shared-key' | 'identities' | 'mixed';

/** As a noun phrase, for people. */
export function describeMode(mode: AuthMode): string {
  switch (mode) {
    case 'shared-key':
      return "the cluster's key alone";
    case 'identities':
      return "the cluster's key and each sender's own";
    case 'mixed':
      return "the cluster's key, and some senders' own besides";
  }
}

/** Whose orders count: where operators are named, theirs; else, with identities, nobody's. */
export function orderRuleOf(mode: AuthMode, operators: readonly unknown[]): OrderRule {
  if (operators.length > 0) return 'proven';
  return mode === 'identities' ? 'none' : 'any';
}

interface PeerKeys {
  readonly id: NodeId;
  /** None: the cluster's key vouches for it. */
  readonly publicKeys: readonly PublicKey[];
}

/** @param others without this node itself @param signs whether this node has an identity */
export function authModeOf(others: readonly Pick<PeerKeys, 'publicKeys'>[], signs: boolean): AuthMode {
  const keyed = others.filter(({ publicKeys }) => publicKeys.length > 0).length;
  if (keyed === 0 && !signs) return 'shared-key';
  return signs && keyed > 0 && keyed === others.length ? 'identities' : 'mixed';
}

/** Who has a key pair of its own. */
export interface IdentitiesOptions {
  /** Null while it isn't known yet. */
  readonly self: NodeId | null;
  /** Null: this node has none. */
  readonly own: SigningIdentity | null;
  /** As configured: an entry of this node's own may be among them. */
  readonly peers: readonly PeerKeys[];
  readonly operators: readonly OperatorSettings[];
}

/** Why a message isn't taken from its sender: as a refusal's code and status, and in a sentence for who sent it. */
export interface Objection {
  readonly code: 'signature' | 'operator';
  readonly status: 401 | 403;
  readonly message: string;
}

/** Who may speak for whom, at this moment. */
export class Identities {
  readonly mode: AuthMode;
  readonly own: SigningIdentity | null;
  readonly operators: Operators;
  /** Judges the orders that nodes tell of. */
  readonly orders: OrderProofs;
  readonly #rule: OrderRule;
  readonly #keys: ReadonlyMap<NodeId, readonly PublicKey[]>;

  constructor({ self, own, peers, operators }: IdentitiesOptions) {
    const others = peers.filter(({ id }) => id !== self);
    this.mode = authModeOf(others, own !== null);
    this.own = own;
    this.operators = new Operators(operators);
    this.#rule = orderRuleOf(this.mode, operators);
    this.orders = new OrderProofs(this.#rule, this.operators);
    const keys = new Map(others.map(({ id, publicKeys }) => [id, publicKeys]));
    // Who speaks in this node's own name is another run of it, which has its key: nobody else can make it doubt itself.
    const entry = self === null ? [] : keysOf(peers, self);
    if (self !== null && own !== null && (this.mode === 'identities' || entry.length > 0))
      keys.set(self, [own.publicKey, ...entry]);
    this.#keys = keys;
  }

  /** The digests of the keys that count for a peer, for people; none: the cluster's key alone does. */
  keyIdsOf(id: NodeId): readonly string[] {
    return (this.#keys.get(id) ?? []).map((key) => key.id);
  }

  /**
   * Whether it is a node's own message, as far as that node has a key here.
   *
   * @param signed what of it is signed, asked for only where a signature is needed
   */
  isOwnWord(from: NodeId, signed: () => Buffer, signature: string): boolean {
    const keys = this.#keys.get(from) ?? [];
    return keys.length === 0 || isSignedBy(keys, signed(), signature);
  }

  /**
   * What the sender of a message without an objection has proven of itself, in one word. Who has only the cluster's key could be
   * anybody who has it, and is told apart by where the message came from.
   *
   * @param signature its own @param address where it came from
   */
  senderOf({ from, payload }: Envelope, signature: string, address: string): string {
    if (!isOperator(from)) return this.keyIdsOf(from).length > 0 ? from : `${from} at ${address}`;
    const { command } = payload;
    const isProven = this.#rule === 'proven' && command !== undefined && command.kind !== 'handover-status';
    return isProven ? `${OPERATOR_PREFIX}${keyIdIn(signature)}` : `${OPERATOR_PREFIX} at ${address}`;
  }

  /** Null: nothing speaks against it. */
  objectionTo({ from, payload }: Envelope, signed: () => Buffer, signature: string): Objection | null {
    if (!isOperator(from)) return this.isOwnWord(from, signed, signature) ? null : notItsOwn(from);
    // To ask how a handover stands is to read, for which the cluster's key is enough.
    if (payload.command === undefined || payload.command.kind === 'handover-status') return null;
    switch (this.#rule) {
      case 'any':
        return null;
      case 'proven':
        return this.operators.provenBy(signed(), signature) === null ? notByAnOperator(signature) : null;
      case 'none':
        return NO_OPERATORS;
    }
  }
}

function notItsOwn(from: NodeId): Objection {
  return { code: 'signature', status: 401, message: `${from} did not sign this (${IDENTITY_HEADER})` };
}

const NO_OPERATORS: Objection = {
  code: 'operator',
  status: 403,
  message:
    'with identities, a command counts only from an operator, and this node knows none: name them in auth.operators',
};

function notByAnOperator(signature: string): Objection {
  const message =
    signature === ''
      ? `a command needs an operator's signature (${IDENTITY_HEADER}): name the operator's identity with --identity`
      : 'the command is not signed by an operator that auth.operators names here: name an identity of theirs with --identity';
  return { code: 'operator', status: 403, message };
}

/** Of a node without identities: whoever has the cluster's key may speak for any node. */
export const SHARED_KEY: Identities = new Identities({ self: null, own: null, peers: [], operators: [] });

function keysOf(peers: readonly PeerKeys[], id: NodeId): readonly PublicKey[] {
  return peers.find((peer) => peer.id === id)?.publicKeys ?? [];
}
