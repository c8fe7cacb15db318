/**
 * A command with the operator's signature in the order itself, which every node of the cluster checks (PROTOCOL.md, "Signed
 * orders"): made from what the agent that is asked shows, and finished before it is sent.
 */
import {
  type Command,
  HANDOVER_LASTS_MS,
  handoverTerms,
  isoTime,
  orderText,
  pauseTerms,
  resumeTerms,
  type ShownOrders,
  type Signable,
  type WallMs,
  wordingFault,
} from '@failtome/protocol';
import { fieldsOf, listOf, numberOf, textOf } from './fields.ts';

/** A command as it is to be sent. */
export type SignedCommand =
  | { readonly kind: 'command'; readonly command: Command }
  /** There is nothing to order; in words, as an agent would say it. */
  | { readonly kind: 'kept'; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string };

/** Who signs an order. */
export interface OrderSigner {
  readonly cluster: string;
  readonly sign: (text: string) => string;
  readonly now: () => WallMs;
  readonly newId: () => string;
}

/** Whether this agent knows of signed orders, and what it does with others; null: it is of an earlier version. */
export function orderRuleIn(status: unknown): 'any' | 'proven' | 'none' | null {
  const { orders } = fieldsOf(status);
  return orders === 'any' || orders === 'proven' || orders === 'none' ? orders : null;
}

/** @param status the agent's status as it answered just now */
export function signedCommand(command: Command, status: unknown, signer: OrderSigner): SignedCommand {
  if (command.kind === 'handover-status') return { kind: 'command', command };
  const fault = wordingFault(command.owner, command.reason);
  if (fault !== null) return { kind: 'refused', detail: fault };
  const sign = (signable: Signable): string => signer.sign(orderText(signer.cluster, signable));
  if (command.kind === 'handover-cancel')
    return {
      kind: 'command',
      command: { ...command, proof: sign({ kind: 'withdrawal', order: command }) },
    };
  return command.kind === 'handover'
    ? signedHandover(command, status, signer, sign)
    : signedPause(command, status, signer, sign);
}

type Sign = (signable: Signable) => string;

function signedPause(
  command: Extract<Command, { kind: 'pause' | 'resume' }>,
  status: unknown,
  { now }: OrderSigner,
  sign: Sign,
): SignedCommand {
  const shown = shownIn(status);
  const { owner, reason } = command;
  const terms =
    command.kind === 'resume'
      ? resumeTerms(shown, command, now())
      : pauseTerms(shown, { owner, reason, forMs: command.forMs, replace: command.replace === true }, now());
  if (terms === null) return { kind: 'kept', detail: keptPause(status) };
  const order = { ...terms, proof: sign({ kind: 'pause', order: terms }) };
  return { kind: 'command', command: { ...command, order } };
}

function signedHandover(
  command: Extract<Command, { kind: 'handover' }>,
  status: unknown,
  { now, newId }: OrderSigner,
  sign: Sign,
): SignedCommand {
  const wish = { ...command, id: newId(), forMs: command.forMs ?? HANDOVER_LASTS_MS };
  const terms = handoverTerms(shownIn(status), wish, now());
  if (terms.kind === 'refused') return terms;
  const order = { ...terms.order, proof: sign({ kind: 'handover', order: terms.order }) };
  return { kind: 'command', command: { ...command, order } };
}

function shownIn(status: unknown): ShownOrders {
  const fields = fieldsOf(status);
  const pause = fieldsOf(fields.pause);
  return {
    node: textOf(fieldsOf(fields.node).id),
    addresses: listOf(fields.addresses).map((one) => {
      const { ip, next } = fieldsOf(one);
      return { ip: textOf(ip), next: textOf(next) === '' ? null : textOf(next) };
    }),
    pause: {
      paused: pause.paused === true,
      until: wholeOf(pause.until),
    },
  };
}

/** Nothing else can be written into an order. */
function wholeOf(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** In the same words as an agent that keeps it. */
function keptPause(status: unknown): string {
  const { owner, reason, until } = fieldsOf(fieldsOf(status).pause);
  const end = wholeOf(until);
  const lasts = end === null ? 'until resumed' : `until ${isoTime(end)}`;
  const why = textOf(reason) === '' ? '' : `: ${textOf(reason)}`;
  const pause = `in force stays, because it lasts longer, the pause of ${textOf(owner)}, ${lasts}${why}`;
  return `nothing ordered; nothing signed; ${pause}; no handover that is open is ended by it`;
}
