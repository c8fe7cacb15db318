/**
 * Orders that the agent gives its own node, in the words of an operator (`failtome handover`), through the same rules. They don't
 * leave the process, so that they need no signature; the protocol challenges them like any other.
 */
import { randomBytes } from 'node:crypto';
import {
  type Command,
  type CommandOutcome,
  type Echo,
  type Envelope,
  type NodeId,
  OPERATOR_PREFIX,
  WIRE_VERSION,
} from '@failtome/protocol';
import type { Inbox } from './http/inbox.ts';

/** The first message is answered with a challenge, and the second echoes it. */
const ATTEMPTS = 2;

/** Give the node an order. */
export async function orderOwnNode(
  { cluster, node, inbox }: { readonly cluster: string; readonly node: NodeId; readonly inbox: Inbox },
  command: Extract<Command, { kind: 'handover' }>,
): Promise<CommandOutcome> {
  const [id, session] = [randomBytes(8).toString('base64url'), randomBytes(8).toString('base64url')];
  let echo: Echo | null = null;
  for (let seq = 1; seq <= ATTEMPTS; seq += 1) {
    const message: Envelope = {
      v: WIRE_VERSION,
      cluster,
      from: `${OPERATOR_PREFIX}${id}`,
      session,
      seq,
      to: node,
      t: seq,
      echo,
      re: null,
      payload: { version: 0, ack: 0, command },
    };
    const result = await inbox.submit('/v1/handover', message);
    if (result.kind !== 'reply') return failed(`the node gave no answer: ${result.kind}`);
    const { message: answer } = result.effect;
    if (answer.payload.outcome !== undefined) return answer.payload.outcome;
    echo = { session: answer.session, t: answer.t };
  }
  return failed('the node did not accept that the order is fresh');
}

function failed(detail: string): CommandOutcome {
  return { state: 'failed', id: '', detail };
}
