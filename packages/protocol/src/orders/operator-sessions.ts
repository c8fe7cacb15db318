/**
 * Which messages of operators count, and once (invariant I18).
 *
 * Each command comes from an operator's session of its own, which nobody has met before. So nothing is kept of a message until
 * it has proven by its echo that it was written lately and for this very run; and from then on until the echoes that its session
 * can have recorded are too old to count. Who may only ask takes no room from those who order.
 */
import { ownSession } from '../membership/sending.ts';
import { NEW_CHANNEL } from '../model/initial.ts';
import type { OperatorChannel } from '../model/peer-state.ts';
import { change, type StepContext } from '../step-context.ts';
import { type Admission, admitRequest } from '../wire/freshness.ts';
import type { Command, Envelope } from '../wire/messages.ts';

/** The most sessions that are known at once, of those who have ordered something, and again of those who have only asked. */
const MAX_OPERATORS = 32;

/** Judge an operator's message, and remember that it counted. */
export function admitCommand(ctx: StepContext, request: Envelope, { kind }: Command): Admission {
  const own = ownSession(ctx.state);
  const { at } = ctx.now;
  const known = ctx.state.operators.find(({ id }) => id === request.from);
  const others = ctx.state.operators.filter((one) => one !== known && at - one.usedAt <= own.maxAgeMs);
  const orders = kind !== 'handover-status' || known?.orders === true;
  const alike = others.filter((one) => one.orders === orders);
  // Dozens of orders within seconds: the next one waits, because a session that is forgotten could be replayed.
  if (orders && alike.length >= MAX_OPERATORS)
    return { kind: 'refused', reason: 'session', channel: NEW_CHANNEL };
  const channel = known?.channel.session === request.session ? known.channel : challenged(request);
  const admission = admitRequest(channel, own, request);
  if (admission.kind === 'refused') return admission;
  const session: OperatorChannel = { id: request.from, channel: admission.channel, usedAt: at, orders };
  const unlike = others.filter((one) => one.orders !== orders);
  change(ctx, { operators: [session, ...alike.slice(0, MAX_OPERATORS - 1), ...unlike] });
  return admission;
}

/** Every answer that refuses a message is a challenge: whoever echoes one, by a time of this run, had it. */
function challenged({ session }: Envelope): OperatorChannel['channel'] {
  return { ...NEW_CHANNEL, challenged: { session, t: 0 } };
}
