/** A pair's configuration, for what is tuned in tests. */
import { readAgentFile } from '../src/scenario/agent-file.ts';
import type { AgentConfiguration, Given } from '../src/scenario/index.ts';
import { type NetworkModel, USUAL_NETWORK } from '../src/tune/network-model.ts';

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

export const QUICK_SETTINGS: readonly (readonly [string, number])[] = [
  ['probe.interval', 250],
  ['probe.fastInterval', 100],
  ['probe.timeout', 300],
  ['probe.fall', 2],
  ['local.interval', 200],
  ['local.fastInterval', 100],
  ['local.timeout', 200],
  ['gossip.interval', 150],
  ['gossip.timeout', 150],
  ['gossip.dead', 500],
  ['agreement.lease', 4_000],
];
export const QUICK: Given = new Map(QUICK_SETTINGS);

export const lossy = (loss: number): NetworkModel => ({
  ...USUAL_NETWORK,
  packets: { ...USUAL_NETWORK.packets, loss },
});

export const withBursts = (
  network: NetworkModel,
  bursts: NetworkModel['packets']['bursts'],
): NetworkModel => ({
  ...network,
  packets: { ...network.packets, bursts },
});
