/**
 * An operator at the command line: a signed command to one node, with the freshness that any message needs.
 */
import {
  type Command,
  type CommandOutcome,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type NodeId,
  OPERATOR_PREFIX,
  type Route,
  type StatusView,
  WIRE_VERSION,
} from '@failtome/protocol';
import { wallTimeAt } from './clock.ts';
import type { Details } from './details.ts';
import type { Network } from './network.ts';
import type { EventQueue } from './queue.ts';
import type { Signatures } from './signing.ts';
import type { Trace } from './trace.ts';
import type { Watcher } from './watch.ts';

/** How long the command waits for an answer. */
const TIMEOUT_MS = 2_000;

interface OperatorSpec {
  readonly cluster: string;
  /** Eleven characters, another one for every command. */
  readonly session: string;
}

/** Who gives an order: an operator, or somebody who has the cluster's key alone and signs for nobody. */
export type OrderedBy = 'operator' | 'stranger';

/** All operators of a world. */
export interface Operators {
  order(to: NodeId, what: Command, by?: OrderedBy): void;
}

interface OperatorsDependencies {
  readonly queue: EventQueue;
  readonly network: Network;
  readonly trace: Trace;
  readonly emit: Watcher;
  readonly details: Details;
  readonly signatures: Signatures;
}

interface OperatorsOptions {
  /** Whether operators have keys of their own. */
  readonly signs: boolean;
  readonly newSession: () => string;
  /** What a node shows; null: it doesn't run. */
  readonly status: (id: NodeId) => StatusView | null;
  /** Whether the node that is asked keeps the order to itself. */
  readonly withholds: (id: NodeId, command: Command) => boolean;
}

/** All operators of a world, and whoever pretends to be one. */
export function createOperators(
  { queue, network, trace, emit, details, signatures }: OperatorsDependencies,
  { signs, newSession, status, withholds }: OperatorsOptions,
): Operators {
  let orders = 0;

  function order(to: NodeId, what: Command, by: OrderedBy = 'operator'): void {
    trace.log('world', 'order', `${to} ${JSON.stringify(what)}`);
    const index = orders;
    orders += 1;
    details.emit?.({ kind: 'ordered', order: index, to, command: what });
    const answered = (now: Command, outcome: CommandOutcome | null): void => {
      trace.log('world', 'outcome', JSON.stringify(outcome));
      emit({ kind: 'order-answered', to, command: now, outcome });
      details.emit?.({ kind: 'order-answered', order: index, outcome });
    };
    const send = (now: Command, left: number): void => {
      const written = signs && by === 'operator' ? signedBy(to, now) : now;
      if (written === null) return answered(now, NOTHING_TO_ORDER);
      if (withholds(to, written)) return answered(written, null);
      command(queue, network, { cluster: 'web', session: newSession() }, to, written, (outcome) => {
        const next = left > 0 ? followUp(now, outcome) : null;
        if (next !== null) queue.after(FOLLOWED_MS, () => send(next, left - 1));
        answered(written, outcome);
      });
    };
    send(what, MAX_FOLLOWED);
  }

  function signedBy(to: NodeId, what: Command): Command | null {
    const shown = status(to);
    return shown === null ? what : signatures.signed(what, shown, wallTimeAt(queue.now()));
  }

  return { order };
}

/** Send a command; `done` gets null when the node didn't answer it. */
function command(
  queue: EventQueue,
  network: Network,
  spec: OperatorSpec,
  to: string,
  what: Command,
  done: (outcome: CommandOutcome | null) => void,
): void {
  const from = `${OPERATOR_PREFIX}${spec.session}`;
  const began = queue.now();
  let seq = 0;

  function ask(echo: Envelope['echo']): void {
    seq += 1;
    const message: Envelope = {
      v: WIRE_VERSION,
      cluster: spec.cluster,
      from,
      session: spec.session,
      seq,
      to,
      t: Math.floor(queue.now() - began),
      echo,
      re: null,
      payload: { version: 0, ack: 0, command: what },
    };
    network.request({
      from,
      to,
      route: routeOf(what),
      bytes: encodeMessage(message),
      fresh: true,
      until: queue.now() + TIMEOUT_MS,
      done(result) {
        const decoded = result.kind === 'response' ? decodeMessage(result.bytes) : null;
        if (decoded?.kind !== 'message') return done(null);
        const { payload, session, t } = decoded.message;
        if (payload.refused === undefined) return done(payload.outcome ?? null);
        if (seq < 3) return ask({ session, t });
        done(null);
      },
    });
  }

  ask(null);
}

/** How often, and for how long, it is asked what became of taking something back. */
const FOLLOWED_MS = 500;
const MAX_FOLLOWED = 20;

/** A pause in force lasts as long, and nobody signs its terms but who ordered it. */
const NOTHING_TO_ORDER: CommandOutcome = {
  state: 'done',
  id: '',
  detail: 'in force stays, because it lasts longer, the pause',
};

/**
 * What the command line sends next: the same, signed anew, where something else came before; and as long as it can't promise
 * that a handover won't happen, the same again. Null: nothing.
 */
function followUp(what: Command, outcome: CommandOutcome | null): Command | null {
  if (outcome?.again === true) return what;
  if (what.kind !== 'handover-cancel' || outcome?.state !== 'working') return null;
  return { ...what, id: outcome.id };
}

function routeOf(what: Command): Route {
  switch (what.kind) {
    case 'handover':
    case 'handover-status':
    case 'handover-cancel':
      return '/v1/handover';
    case 'pause':
      return '/v1/pause';
    case 'resume':
      return '/v1/resume';
  }
}
