/** The part of `failtome check` about a machine that goes down: whether what the node holds is handed over then. */
import type { OrderRule } from '@failtome/protocol';
import type { AgentConfig } from '../config/types.ts';
import { systemState } from './going-down.ts';
import { type CheckLine, ok } from './preflight-fix.ts';

const NAME = 'this machine goes down';

/** What happens to what this node holds. None of it is a fault: without it the others take over once they have found out. */
export async function preflightShutdown(
  { handover }: Pick<AgentConfig, 'handover'>,
  orders: OrderRule,
): Promise<readonly CheckLine[]> {
  if (!handover.on.includes('shutdown'))
    return [ok(NAME, 'handover.on has no shutdown: nothing is handed over')];
  if (orders !== 'any')
    return [ok(NAME, 'orders are signed here, so that only operators hand over: `failtome handover` before')];
  const state = await systemState();
  const found =
    state === null
      ? '`systemctl is-system-running` gives no answer: nothing is handed over'
      : `systemd will tell (it is ${state} now): what this node holds is handed over first`;
  return [ok(NAME, found)];
}
