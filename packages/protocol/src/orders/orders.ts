/**
 * Orders that carry their own proof: pauses, resumes, handovers and their withdrawal (PROTOCOL.md, "Signed orders").
 *
 * An order travels in every node's record, so the signature of the message that brings it says nothing of who gave it.
 * Its record therefore carries the operator's signature, and each node that hears of it checks that. The protocol knows
 * no cryptography: it says which text is signed, and its host says whether a proof of that text holds.
 */
import { adoptedText } from '../membership/bounded.ts';
import type { OrderRule } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { Ip } from '../model/units.ts';
import { counted } from '../reporting/wording.ts';
import type { DurableDocument } from '../storage/durable.ts';
import type {
  Command,
  Envelope,
  HandoverOrder,
  HandoverRecord,
  NodeRecord,
  PauseOrder,
  PauseRecord,
  Payload,
} from '../wire/messages.ts';

/** Whether `proof` shows that an operator has signed `text`. */
export type IsProven = (text: string, proof: string) => boolean;

/** Begins every text that is signed. Changes when what is signed changes. */
const DOMAIN = 'failtome-order/2';
/** The most bytes of what people write in a signed order: it is never cut, and many have to fit into one message. */
const MAX_SIGNED_OWNER_BYTES = 128;
/** The same for the reason. */
const MAX_SIGNED_REASON_BYTES = 256;
/** What an order's id looks like: it is told in many places. */
export const ORDER_ID: RegExp = /^[A-Za-z0-9._-]{1,64}$/;

/** What an operator can sign: a pause or resume, a handover, or its withdrawal. */
export type Signable =
  | { readonly kind: 'pause'; readonly order: Omit<PauseOrder, 'proof'> }
  | { readonly kind: 'handover'; readonly order: Omit<HandoverOrder, 'proof'> }
  | { readonly kind: 'withdrawal'; readonly order: Withdrawal };

/** What an operator signs to take a handover back: the command's own words, because it names no record. */
export interface Withdrawal {
  readonly id: string | null;
  readonly address: Ip | null;
  readonly owner: string;
  readonly reason: string;
}

/** The text that an operator signs: all of the order that doesn't change, and the cluster that it is for. */
export function orderText(cluster: string, signable: Signable): string {
  return JSON.stringify([DOMAIN, signable.kind, cluster, ...termsOf(signable)]);
}

function termsOf(signable: Signable): readonly (string | number | boolean | null)[] {
  switch (signable.kind) {
    case 'pause': {
      const { signedAt, version, by, paused, owner, reason, until } = signable.order;
      return [signedAt, version, by, paused, owner, reason, until];
    }
    case 'handover': {
      const { id, address, to, by, reason, ordered, pause, until } = signable.order;
      return [id, address, to, by, reason, ordered, pause, until];
    }
    case 'withdrawal': {
      const { id, address, owner, reason } = signable.order;
      return [id, address, owner, reason];
    }
  }
}

/**
 * What keeps people's words from being signed, in words; null: nothing. Whatever a node would change in them on their way
 * would take the proof away.
 */
export function wordingFault(owner: string, reason: string): string | null {
  for (const [what, text, most] of [
    ['the owner', owner, MAX_SIGNED_OWNER_BYTES],
    ['the reason', reason, MAX_SIGNED_REASON_BYTES],
  ] as const) {
    if (utf8Length(text) > most)
      return `${what} has more than ${counted(most, 'byte')}, which is the most that is signed`;
    if (adoptedText(text, text.length) !== text) return `${what} has a control character in it`;
  }
  return null;
}

/** Whether a record counts as an order where this rule holds; whose proofs fail have none any more. */
export function counts(rule: OrderRule, { proof }: { readonly proof?: string }): boolean {
  switch (rule) {
    case 'any':
      return true;
    case 'proven':
      return proof !== undefined;
    case 'none':
      return false;
  }
}

/** The same message, without the proofs that don't hold: what they were of counts as unsigned then. */
export function withProvenOrders(message: Envelope, isProven: IsProven): Envelope {
  const { cluster, payload } = message;
  const node = payload.node === undefined ? undefined : provenNode(cluster, payload.node, isProven);
  const command =
    payload.command === undefined ? undefined : provenCommand(cluster, payload.command, isProven);
  if (node === payload.node && command === payload.command) return message;
  const proven: Payload = {
    ...payload,
    ...(node === undefined ? {} : { node }),
    ...(command === undefined ? {} : { command }),
  };
  return { ...message, payload: proven };
}

/** The same document, without the proofs that don't hold. */
export function withProvenState(document: DurableDocument, isProven: IsProven): DurableDocument {
  const { cluster, pause, handovers } = document;
  return {
    ...document,
    pause: provenPause(cluster, pause, isProven),
    handovers: handovers.map((one) => provenHandover(cluster, one, isProven)),
  };
}

/** The proofs in this node's own orders that don't hold, or not any more: an operator's key was taken away. */
export function disprovedIn({ config, pause, handovers }: State, isProven: IsProven): readonly string[] {
  const { cluster } = config;
  return [
    { before: pause.proof, after: provenPause(cluster, pause, isProven).proof },
    ...handovers.map(({ record }) => ({
      before: record.proof,
      after: provenHandover(cluster, record, isProven).proof,
    })),
  ].flatMap(({ before, after }) => (before === undefined || after !== undefined ? [] : [before]));
}

function provenNode(cluster: string, node: NodeRecord, isProven: IsProven): NodeRecord {
  const pause = provenPause(cluster, node.pause, isProven);
  const handovers = node.handovers.map((one) => provenHandover(cluster, one, isProven));
  const same = pause === node.pause && handovers.every((one, index) => one === node.handovers[index]);
  return same ? node : { ...node, pause, handovers };
}

function provenPause(cluster: string, pause: PauseRecord, isProven: IsProven): PauseRecord {
  const { proof, ...terms } = pause;
  if (proof === undefined) return pause;
  const { signedAt } = terms;
  const isHeld =
    signedAt !== undefined &&
    holds(cluster, { kind: 'pause', order: { ...terms, signedAt } }, proof, isProven);
  return isHeld ? pause : terms;
}

function provenHandover<R extends HandoverRecord>(cluster: string, record: R, isProven: IsProven): R {
  const { proof, ...rest } = record;
  if (proof === undefined) return record;
  const order = handoverTerms(record);
  if (order !== null && holds(cluster, { kind: 'handover', order }, proof, isProven)) return record;
  return rest as unknown as R; // the proof is optional in every record
}

/** Null: it lacks what every signed one has. */
function handoverTerms(record: HandoverRecord): Omit<HandoverOrder, 'proof'> | null {
  const { id, address, to, by, reason, ordered, pause, until } = record;
  if (ordered === undefined || pause === undefined || until === undefined) return null;
  return { id, address, to, by, reason, ordered, pause, until };
}

function provenCommand(cluster: string, command: Command, isProven: IsProven): Command {
  switch (command.kind) {
    case 'pause':
    case 'resume': {
      const { order, ...bare } = command;
      if (order === undefined || holds(cluster, { kind: 'pause', order }, order.proof, isProven))
        return command;
      return bare;
    }
    case 'handover': {
      const { order, ...bare } = command;
      if (order === undefined || holds(cluster, { kind: 'handover', order }, order.proof, isProven))
        return command;
      return bare;
    }
    case 'handover-cancel': {
      const { proof, ...bare } = command;
      if (proof === undefined || holds(cluster, { kind: 'withdrawal', order: bare }, proof, isProven))
        return command;
      return bare;
    }
    case 'handover-status':
      return command;
  }
}

function holds(cluster: string, signable: Signable, proof: string, isProven: IsProven): boolean {
  const { order } = signable;
  const owner = 'owner' in order ? order.owner : order.by;
  return wordingFault(owner, order.reason) === null && isProven(orderText(cluster, signable), proof);
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1;
  }
  return bytes;
}
