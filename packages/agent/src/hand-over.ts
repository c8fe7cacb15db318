/** What this node holds is handed over before its machine is gone (docs/decisions/0051-a-machine-that-goes-down-hands-over.md). */
import { setTimeout as delay } from 'node:timers/promises';
import { type DurationMs, type Ip, isHolder, isPaused, type State } from '@failtome/protocol';
import type { AgentParts, Running } from './agent-parts.ts';
import { orderOwnNode } from './own-orders.ts';

/** With a goodbye, well within the unit's `TimeoutStopSec`. */
const HAND_OVER_WITHIN_MS: DurationMs = 30_000;
const POLL_MS: DurationMs = 100;

/** Hand over each address that this node holds, and wait for the end of it; tells what isn't handed over, and why. */
export async function handOverAll(agent: AgentParts, running: Running, occasion: string): Promise<void> {
  const state = running.host.state();
  const held = heldBy(running);
  const objection = objectionIn(state);
  if (objection !== null) return tellKept(agent, held, occasion, objection);
  agent.log.tell('info', 'going-down', `${occasion}: handing over ${held.join(', ')}`, { addresses: held });
  await Promise.all(held.map((ip) => order(agent, state.config.node.id, ip, occasion)));
  const until = agent.clock.monotonicMs() + HAND_OVER_WITHIN_MS;
  while (isAnyOpen(running.host.state(), held) && !agent.ending) {
    if (agent.clock.monotonicMs() >= until) {
      const tooLong = `that has taken longer than ${HAND_OVER_WITHIN_MS / 1_000} s`;
      return tellKept(agent, heldBy(running), occasion, tooLong);
    }
    await delay(POLL_MS);
  }
}

/** The addresses that this node believes to hold. */
export function heldBy({ host }: Running): readonly Ip[] {
  const state = host.state();
  return Object.keys(state.addresses).filter((ip) => isHolder(state, ip));
}

/** Why nothing is ordered at all; null: nothing speaks against it. */
function objectionIn(state: State): string | null {
  if (isPaused(state)) return `automatic moves are paused by ${state.pause.owner}`;
  if (state.config.orders === 'any') return null;
  return 'where orders are signed only an operator can give one: `failtome handover` before the machine goes down';
}

async function order(agent: AgentParts, node: string, ip: Ip, occasion: string): Promise<void> {
  const { inbox, config } = agent;
  const outcome = await orderOwnNode(
    { cluster: config.cluster, node, inbox },
    {
      kind: 'handover',
      address: ip,
      to: null,
      owner: 'failtome',
      reason: `${node}: ${occasion}`,
      forMs: HAND_OVER_WITHIN_MS,
    },
  );
  if (outcome.state === 'failed') tellKept(agent, [ip], occasion, outcome.detail);
}

/** One that somebody else has ordered is as good. */
function isAnyOpen(state: State, held: readonly Ip[]): boolean {
  return state.handovers.some(({ record }) => held.includes(record.address) && record.state === 'open');
}

function tellKept({ log }: AgentParts, addresses: readonly Ip[], occasion: string, why: string): void {
  if (addresses.length === 0) return;
  log.tell('warn', 'going-down', `${occasion}, with ${addresses.join(', ')}: ${why}`, { addresses });
}
