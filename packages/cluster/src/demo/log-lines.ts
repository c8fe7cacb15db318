import type { Cluster, ClusterNode, LogLine } from '../index.ts';
import type { DemoOutput } from './demo-output.ts';

/** What is worth showing of a failover. */
const shown: ReadonlySet<string> = new Set([
  'probe',
  'local',
  'verdict',
  'decided',
  'ballot-opened',
  'voted',
  'ballot-closed',
  'guard',
  'move-step',
  'concluded',
  'handover',
  'notified',
]);

/** What is told besides, where nobody knows what is going to happen. */
const shownWhileKept: ReadonlySet<string> = new Set([
  ...shown,
  'peer',
  'holder',
  'readiness',
  'pause',
  'blocked',
  'stalled',
  'started',
  'stopping',
  'late-association',
  'reload-refused',
]);

/**
 * Prints the nodes' logs as they come, until the returned function is called: each line with the time since a moment, or
 * (`since` null) with the time of day.
 */
export function showLogLines(
  { output, cluster }: { readonly output: DemoOutput; readonly cluster: Cluster },
  since: { readonly atMs: number } | null,
): () => void {
  const unsubscribe = cluster.nodes.map((node) =>
    node.agent.log.subscribe((line) => {
      if (!(since === null ? shownWhileKept : shown).has(line.event)) return;
      const text = textFor(line, cluster.address);
      if (since === null) output.told(line.atMs, node.id, text);
      else output.moment(line.atMs - since.atMs, node.id, text);
    }),
  );
  return () => {
    for (const stop of unsubscribe) stop();
  };
}

/** Prints the decision as a ladder, as a node saw it at the moment of asking. */
export async function showGates(output: DemoOutput, node: ClusterNode, address: string): Promise<void> {
  const { gates } = await node.agent.api.why(address);
  output.note(`every gate of the takeover rule, as ${node.id} sees it while the calls begin:`);
  for (const { name, state, code, reason } of gates) {
    const shown = state === 'closed' && code === 'call-in-flight' ? 'under way' : state;
    output.gate(shown, name, shorten(reason, address));
  }
}

function textFor({ event, msg }: LogLine, address: string): string {
  const text = shorten(msg, address);
  if (event === 'move-step') return text.replace('move of the address: ', 'step: ');
  if (event === 'decided') return text.replace('the address: ', 'decided: ');
  return text;
}

function shorten(text: string, address: string): string {
  return text
    .replace(/ ?\(connect [A-Z]+ [\d.:]+\)|: connect [A-Z]+ [\d.:]+/g, '')
    .replaceAll(address, 'the address');
}
