/** What `--keep` tells once the steps are over, for as long as it stays up. */

import { once } from 'node:events';
import { counted } from '@failtome/protocol';
import type { Client, Cluster, Request } from '../index.ts';
import type { DemoOutput } from './demo-output.ts';
import { showLogLines } from './log-lines.ts';

interface Kept {
  readonly output: DemoOutput;
  readonly cluster: Cluster;
  readonly client: Client;
}

/** Shows where everything is, and tells what happens, until the signal comes. */
export async function stayUp(kept: Kept, signal: AbortSignal): Promise<void> {
  const { output, cluster } = kept;
  output.heading('staying up until interrupted (Ctrl-C)');
  const { host, port } = cluster.cloud.viewOf(null, cluster.address);
  output.fact('address', `http://${host}:${port}/`);
  for (const { id, agent, web } of cluster.nodes) {
    output.fact(id, `status page ${agent.api.url}/   agent pid ${agent.pid}, web server pid ${web.pid}`);
    output.fact('', `log ${agent.log.file}`);
  }
  output.fact('try', `kill -9 ${cluster.holder()?.web.pid}, and watch here or on a status page`);
  output.fact('', 'what happens from now on is told below');
  const quiet = tellOn(kept);
  if (!signal.aborted) await once(signal, 'abort');
  quiet();
}

function tellOn({ output, cluster, client }: Kept): () => void {
  let over = false;
  const stops = [
    showLogLines({ output, cluster }, null),
    cluster.cloud.subscribe((event) => {
      if (event.kind !== 'associated' || event.publicIp !== cluster.address) return;
      const { instanceId } = event.association;
      const holder = cluster.nodes.find((node) => node.instanceId === instanceId)?.id ?? instanceId;
      output.told(Date.now(), 'EC2', `the address is associated with ${holder} now`);
    }),
    client.subscribe(interruptions(output)),
  ];
  for (const { id, agent } of cluster.nodes) {
    const tell = (): void => {
      if (!over) output.told(Date.now(), id, 'the agent has ended');
    };
    if (agent.running) agent.ended.then(tell, tell);
  }
  return () => {
    over = true;
    for (const stop of stops) stop();
  };
}

/** Tells when a client's requests begin to fail, and when somebody answers again. */
function interruptions(output: DemoOutput): (request: Request) => void {
  let out: { readonly sinceMs: number; readonly failed: number } | null = null;
  return ({ startedAt, endedAt, servedBy, failure }) => {
    if (servedBy === null) {
      if (out === null) output.told(endedAt, 'a client', `gets no answer: ${failure}`);
      out = { sinceMs: out?.sinceMs ?? startedAt, failed: (out?.failed ?? 0) + 1 };
    } else if (out !== null && startedAt > out.sinceMs) {
      const failed = counted(out.failed, 'request');
      const text = `is served by ${servedBy} again: ${failed} failed in ${endedAt - out.sinceMs} ms`;
      output.told(endedAt, 'a client', text);
      out = null;
    }
  };
}
