import { type EmbeddedCloud, startCloud } from './cloud.ts';
import type { Endpoint } from './door.ts';
import type { CloudAddress, CloudInstance } from './options.ts';

/** What `failtome-sim cloud` is told, as its flags have it. */
export interface RunCloudOptions {
  /** `--listen host:port` of the AWS endpoint. */
  readonly listen: string;
  /** `--instances i-1@127.0.0.1:8081,i-2`: ids, each with its web server if it has one. */
  readonly instances: readonly string[];
  /** `--addresses 127.54.0.1:18080=i-1`: Elastic IP, port for the outside world if it takes connections, holder if any. */
  readonly addresses: readonly string[];
  /** `--topics`: ARNs of SNS topics. */
  readonly topics: readonly string[];
  /** Ends the cloud when aborted. */
  readonly signal: AbortSignal;
  /** Where the first line goes: one JSON object that says where everything is. */
  readonly print: (line: string) => void;
}

/** Runs an embedded cloud until it is told to stop, with the control listener on. Throws on a flag that it can't read. */
export async function runCloud(options: RunCloudOptions): Promise<void> {
  const { signal, print, topics } = options;
  const instances = options.instances.map(instanceOf);
  const addresses = options.addresses.map(addressOf);
  const cloud = await startCloud({
    ...endpointOf(options.listen),
    instances,
    addresses,
    topics,
    control: 'on',
  });
  try {
    print(JSON.stringify(whereabouts(cloud, instances, addresses)));
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await cloud.close();
  }
}

/** Where another process finds everything. */
function whereabouts(
  cloud: EmbeddedCloud,
  instances: readonly CloudInstance[],
  addresses: readonly CloudAddress[],
): object {
  const open = addresses.filter(({ bind }) => bind !== undefined);
  return {
    endpoint: cloud.endpointUrl,
    control: `${cloud.endpointUrl}/_control`,
    operator: cloud.operatorEnvironment(),
    addresses: open.map(({ publicIp }) => ({ publicIp, view: cloud.viewOf(null, publicIp) })),
    instances: instances.map(({ id }) => ({
      id,
      environment: cloud.environmentFor(id),
      guard: cloud.guardUrlFor(id),
      views: open.map(({ publicIp }) => ({ publicIp, view: cloud.viewOf(id, publicIp) })),
    })),
  };
}

function instanceOf(flag: string): CloudInstance {
  const [id = '', backend] = flag.split('@', 2);
  if (id === '') throw new Error(`${flag} names no instance.`);
  return backend === undefined ? { id } : { id, backend: endpointOf(backend) };
}

function addressOf(flag: string): CloudAddress {
  const [where = '', holder] = flag.split('=', 2);
  const held = holder === undefined ? {} : { holder };
  if (!where.includes(':')) return { publicIp: where, ...held };
  const bind = endpointOf(where);
  return { publicIp: bind.host, bind, ...held };
}

function endpointOf(text: string): Endpoint {
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined) throw new Error(`${text} is not host:port.`);
  return { host, port: Number(port) };
}
