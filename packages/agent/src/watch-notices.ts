/** Instance metadata is asked whether this instance is about to end, while it holds an address (`handover.on`). */
import type { DurationMs, MonotonicMs } from '@failtome/protocol';
import { InstanceMetadata } from './adapters/instance-metadata.ts';
import { type Reclaim, ReclaimNotices } from './adapters/reclaim-notices.ts';
import type { AgentParts, Running } from './agent-parts.ts';
import { isOnAws } from './config/driver-kinds.ts';
import { AgentError } from './errors.ts';
import { handOverAll, heldBy } from './hand-over.ts';

/** What AWS recommends; a spot instance has two minutes. */
const ASK_EVERY_MS: DurationMs = 5_000;
/** After metadata that gave no answer, and after a handover that came to nothing. */
const AGAIN_MS: DurationMs = 30_000;

/** Ask from now on. What it returns ends that. */
export function watchNotices(agent: AgentParts, running: Running): () => void {
  const now = (): MonotonicMs => agent.clock.monotonicMs();
  const metadata = new InstanceMetadata({ env: agent.options.env }, { names: agent.names });
  const notices = new ReclaimNotices(metadata, () => agent.clock.now());
  /** Handed over for these already: an address that comes back afterwards was meant to. */
  const done = new Set<string>();
  let restsUntil: MonotonicMs = 0;
  let isAsking = false;

  async function ask(of: readonly Reclaim[]): Promise<void> {
    const notice = await notices.read(of).catch((error: unknown) => {
      if (!(error instanceof AgentError)) throw error;
      restsUntil = now() + AGAIN_MS;
      return undefined;
    });
    // It doesn't stand any more: the next one is another.
    if (notice === null) done.clear();
    if (notice === null || notice === undefined || done.has(notice) || agent.leaving) return;
    await handOverAll(agent, running, notice);
    if (heldBy(running).length === 0) done.add(notice);
    else restsUntil = now() + AGAIN_MS;
  }

  const timer = setInterval(() => {
    const of = agent.config.handover.on.filter((occasion) => occasion !== 'shutdown');
    if (isAsking || agent.leaving || of.length === 0 || !isOnAws(agent.config.driver)) return;
    if (now() < restsUntil || heldBy(running).length === 0) return;
    isAsking = true;
    // An error in there is a fault of this program, and must end the process.
    void ask(of).then(() => {
      isAsking = false;
    });
  }, ASK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
