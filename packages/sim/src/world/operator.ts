/**
 * An operator at the command line: a signed command to one node, with the freshness that any message needs.
 */
import {
  type Command,
  type CommandOutcome,
  decodeMessage,
  type Envelope,
  encodeMessage,
  OPERATOR_PREFIX,
  type Route,
  WIRE_VERSION,
} from '@failtome/protocol';
import type { Network } from './network.ts';
import type { EventQueue } from './queue.ts';

/** How long the command waits for an answer. */
const TIMEOUT_MS = 2_000;

export interface OperatorSpec {
  readonly cluster: string;
  /** Eleven characters, another one for every command. */
  readonly session: string;
}

/** Send a command; `done` gets null when the node didn't answer it. */
export function command(
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
export const FOLLOWED_MS = 500;
export const MAX_FOLLOWED = 20;

/** What the command line asks next, as long as it can't promise that a handover won't happen; null: nothing. */
export function followUp(what: Command, outcome: CommandOutcome | null): Command | null {
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
