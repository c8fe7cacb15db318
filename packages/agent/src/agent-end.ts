/** How an agent ends: in good order within some seconds, whatever hangs. */
import { type DurationMs, isFinishingMove } from '@failtome/protocol';
import { isMachineGoingDown } from './adapters/going-down.ts';
import type { AgentParts, ExitCode } from './agent-parts.ts';
import { handOverAll, heldBy } from './hand-over.ts';

/** A goodbye takes no longer, unless a move has to be finished. */
const GOODBYE_WITHIN_MS: DurationMs = 4000;

/** How often an overdue stop looks whether the move has been finished. */
const MOVE_POLL_MS: DurationMs = 200;

/** What is being written, and connections, get this long to end. */
const CLOSE_WITHIN_MS: DurationMs = 500;

/** Hand over what the machine takes down with it, say goodbye, finish or abandon what is under way, and end. */
export function stop(agent: AgentParts): void {
  if (agent.leaving || agent.stopping.signal.aborted) return;
  agent.leaving = true;
  agent.service.stopping();
  // An error in there is a fault of this program, and must end the process.
  if (mayGoDownWithSome(agent)) void handOverAtShutdown(agent).then(() => sayGoodbye(agent));
  else sayGoodbye(agent);
}

function mayGoDownWithSome({ config, running }: AgentParts): boolean {
  return running !== null && config.handover.on.includes('shutdown') && heldBy(running).length > 0;
}

async function handOverAtShutdown(agent: AgentParts): Promise<void> {
  if (!(await isMachineGoingDown()) || agent.running === null) return;
  await handOverAll(agent, agent.running, 'this machine goes down');
}

function sayGoodbye(agent: AgentParts): void {
  if (agent.stopping.signal.aborted) return;
  agent.stopping.abort();
  if (agent.running === null) return end(agent, 0);
  setTimeout(() => endWhenIdle(agent), GOODBYE_WITHIN_MS);
  agent.running.host.post({ kind: 'stop' });
}

function endWhenIdle(agent: AgentParts): void {
  if (agent.ending) return;
  if (agent.running !== null && isFinishingMove(agent.running.host.state())) {
    setTimeout(() => endWhenIdle(agent), MOVE_POLL_MS);
    return;
  }
  agent.log.tell(
    'warn',
    'stop-overdue',
    `the goodbye took longer than ${GOODBYE_WITHIN_MS} ms; ending without`,
  );
  end(agent, 0);
}

/** Close everything; with that code the process ends. */
export function end(agent: AgentParts, code: ExitCode): void {
  if (agent.ending) return;
  agent.ending = true;
  agent.stopping.abort();
  void close(agent).then(() => {
    agent.log.tell('info', 'agent-stopped', 'stopped');
    agent.resolveEnded(code);
  });
}

async function close(agent: AgentParts): Promise<void> {
  agent.certificates.close();
  agent.stopWatching();
  agent.running?.host.close();
  const { history, service, running, recorder } = agent;
  const settled = [history?.settled(), service.close(), running?.adapters.settled(), recorder?.close()];
  await within(CLOSE_WITHIN_MS, Promise.all(settled));
  agent.discovery?.close();
  agent.running?.adapters.close();
  await within(CLOSE_WITHIN_MS, agent.apis.close());
  await agent.directory.release();
}

/** Wait for it, but no longer than this. */
async function within(limitMs: DurationMs, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
