/** The cloud of `keepalived.ts`, with a client of the address beside it: a process of its own, for a namespace of its own. */

import { startCloud } from '../packages/cloud/src/embedded/index.ts';
import { Client } from '../packages/cluster/src/index.ts';

/** What it is told, as JSON in its only argument. */
export interface CloudOrder {
  readonly callMs: number;
  readonly settlesMs: number;
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly allocationId: string;
  readonly clientEveryMs: number;
  readonly instances: readonly {
    readonly id: string;
    readonly backend: { readonly host: string; readonly port: number };
  }[];
}

const ADDRESS_PORT = 80;

const order: CloudOrder = JSON.parse(process.argv[2] ?? '');
const { address, host, port, callMs, settlesMs, instances, allocationId } = order;
const cloud = await startCloud({
  host,
  port,
  instances: instances.map(({ id, backend }) => ({ id, hostname: id, backend, sources: [backend.host] })),
  addresses: [
    {
      publicIp: address,
      allocationId,
      holder: instances[0]?.id ?? '',
      bind: { host: address, port: ADDRESS_PORT },
    },
  ],
  latency: { applyAfterMs: callMs / 2, answerAfterMs: callMs / 2 },
  config: { associationSettleMs: settlesMs },
});
console.log(JSON.stringify({ environment: cloud.operatorEnvironment() }));
const client = new Client({ endpoint: () => cloud.viewOf(null, address), everyMs: order.clientEveryMs });
client.subscribe((request) => console.log(JSON.stringify({ request })));
client.start();
