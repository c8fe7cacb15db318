/** A pair's configuration, for what is tuned in tests. */
import { readAgentFile } from '../src/scenario/agent-file.ts';
import type { AgentConfiguration } from '../src/scenario/index.ts';

/** Read a pair's file, with more of it. */
export function pairWith(more = ''): AgentConfiguration {
  const read = readAgentFile(
    'pair.yaml',
    `
cluster: web
node: { id: saturn }
peers: [{ id: saturn, url: http://10.0.1.10:8741 }, { id: neptune, url: http://10.0.2.10:8741 }]
addresses: [{ ip: 198.51.100.200 }]
local: { url: http://127.0.0.1/ }
driver: { kind: ec2 }
${more}
`,
  );
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  return read.configuration;
}
