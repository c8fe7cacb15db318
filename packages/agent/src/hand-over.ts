/** What this node holds is handed over before its machine goes down (docs/decisions/0051-a-machine-that-goes-down-hands-over.md). */
import { setTimeout as delay } from 'node:timers/promises';
import { type DurationMs, type Ip, isHolder, isPaused, type State } from '@failtome/protocol';
import type { AgentParts, Running } from './agent-parts.ts';
import { orderOwnNode } from './own-orders.ts';

/** With a goodbye, well within the unit's `TimeoutStopSec`. */
const HAND_OVER_WITHIN_MS: DurationMs = 30_000;
const POLL_MS: DurationMs = 100;

/** Whether there is anything to hand over, should the machine go down. */
export function mayHandOver({ config, running }: AgentParts): boolean {
  return running !== null && config.handover.on.includes('shutdown') && heldBy(running).length > 0;
}

/** Hand over each address that this node holds, and wait for the end of it; tells what isn't handed over, and why. */
export async function handOverAll(agent: AgentParts, running: Running): Promise<void> {
  const state = running.host.state();
  const held = heldBy(running);
  const objection = objectionIn(state);
  if (objection !== null) return tellKept(agent, held, objection);
  agent.log.tell('info', 'going-down', `this machine goes down: handing over ${held.join(', ')}`, {
    addresses: held,
  });
  const ids = await Promise.all(held.map((ip) => order(agent, state.config.node.id, ip)));
  const open = ids.filter((id) => id !== null);
  const until = agent.clock.monotonicMs() + HAND_OVER_WITHIN_MS;
  while (isAnyOpen(running.host.state(), open) && !agent.ending) {
    if (agent.clock.monotonicMs() >= until)
      return tellKept(agent, heldBy(running), `that has taken longer than ${HAND_OVER_WITHIN_MS / 1_000} s`);
    await delay(POLL_MS);
  }
}

function heldBy({ host }: Running): readonly Ip[] {
  const state = host.state();
  return Object.keys(state.addresses).filter((ip) => isHolder(state, ip));
}

/** Why nothing is ordered at all; null: nothing speaks against it. */
function objectionIn(state: State): string | null {
  if (isPaused(state)) return `automatic moves are paused by ${state.pause.owner}`;
  if (state.config.orders === 'any') return null;
  return 'where orders are signed only an operator can give one: `failtome handover` before the machine goes down';
}

/** @returns the handover's id; null: there is none */
async function order(agent: AgentParts, node: string, ip: Ip): Promise<string | null> {
  const { inbox, config } = agent;
  const outcome = await orderOwnNode(
    { cluster: config.cluster, node, inbox },
    {
      kind: 'handover',
      address: ip,
      to: null,
      owner: 'failtome',
      reason: `the machine of ${node} goes down`,
      forMs: HAND_OVER_WITHIN_MS,
    },
  );
  if (outcome.state !== 'failed') return outcome.id;
  tellKept(agent, [ip], outcome.detail);
  return null;
}

function isAnyOpen(state: State, ids: readonly string[]): boolean {
  return state.handovers.some(({ record }) => ids.includes(record.id) && record.state === 'open');
}

function tellKept({ log }: AgentParts, addresses: readonly Ip[], why: string): void {
  if (addresses.length === 0) return;
  log.tell('warn', 'going-down', `this machine goes down with ${addresses.join(', ')}: ${why}`, {
    addresses,
  });
}
