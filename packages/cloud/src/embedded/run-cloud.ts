import { AwsSpecError, isIpv6 } from '../model/index.ts';
import type { EmbeddedCloud } from './cloud.ts';
import { type CloudEndpoints, endpointsOf, endpointsText } from './cloud-endpoints.ts';
import { addressesOf, CloudFlagError, endpointOf, instancesOf, maxPort, pairsOf } from './cloud-flags.ts';
import { eventText } from './event-text.ts';
import type { CloudAddress, CloudInstance } from './options.ts';
import { bindOf } from './options.ts';
import { OtherCloudError } from './saved-cloud.ts';
import { startCloud } from './start-cloud.ts';
import { readState, writeState } from './state-file.ts';

/** What `failtome-sim cloud` is told, as its flags have it. */
export interface RunCloudOptions {
  /** `--listen host:port` of the AWS endpoint. */
  readonly listen: string;
  /** `--ports`: the first of the ports of everything else; undefined: free ones. */
  readonly ports?: number | undefined;
  /** `--instances i-1@127.0.0.1:8081,i-2`: ids, each with its web server if it has one. */
  readonly instances: readonly string[];
  /** `--addresses 127.54.0.1:18080=i-1`: Elastic IP, port for the outside world if it takes connections, holder if any. */
  readonly addresses: readonly string[];
  /** `--private-addresses`: secondary private addresses of the one subnet that all instances are in then, written alike. */
  readonly privateAddresses: readonly string[];
  /** `--routed-addresses`: destinations of routes, written alike; the instances' source/destination checks are off then. */
  readonly routedAddresses: readonly string[];
  /** `--route-tables`: ids of the tables that lead to each of them; one table by default. */
  readonly routeTables: readonly string[];
  /** `--topics`: ARNs of SNS topics. */
  readonly topics: readonly string[];
  /** `--secrets`: what Secrets Manager holds, each as `ARN=TEXT`. */
  readonly secrets: readonly string[];
  /** `--tags`: what every instance carries, each as `KEY=VALUE`. */
  readonly tags: readonly string[];
  /** `--state`: the file to go on from and to keep. */
  readonly state?: string | undefined;
  /** `--new-public-address`: how long after the loss of an Elastic IP an instance has a public address again. */
  readonly newPublicAddressMs?: number | undefined;
  /** `--json`: one line that says where everything is, and nothing more. */
  readonly json: boolean;
  /** Ends the cloud when aborted. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/**
 * Runs an embedded cloud until it is told to stop, with the control listener on.
 *
 * @throws CloudFlagError for a flag that it can't read, or a state that isn't this cloud's
 */
export async function runCloud(options: RunCloudOptions): Promise<void> {
  const { signal, print, topics, newPublicAddressMs, state: file } = options;
  const { instances, addresses, guardPorts } = placed(
    instancesOf(options),
    addressesOf(options),
    options.ports,
  );
  const restored = file === undefined ? null : restoredFrom(file);
  const cloud = await opened({
    ...endpointOf('--listen', options.listen),
    ...guardPorts,
    ...(restored === null ? {} : { restored }),
    ...(newPublicAddressMs === undefined ? {} : { config: { autoAddressDelayMs: newPublicAddressMs } }),
    instances,
    addresses,
    topics,
    secrets: new Map(pairsOf('--secrets', options.secrets)),
    control: 'on',
  });
  try {
    const state: CloudEndpoints['state'] =
      file === undefined ? null : { file, kind: restored === null ? 'new' : 'restored' };
    const where = endpointsOf(cloud, { instances, topics, state });
    if (options.json) print(JSON.stringify(where));
    else {
      for (const line of endpointsText(where, cloud)) print(line);
      tellOn(cloud, print);
    }
    if (file !== undefined) keep(cloud, file);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    if (file !== undefined) writeState(file, cloud.save());
    await cloud.close();
  }
}

/** The same ports in every run: one after the other, in the order of docs/cloud.md. */
function placed(
  instances: readonly CloudInstance[],
  addresses: readonly CloudAddress[],
  first: number | undefined,
): {
  readonly instances: readonly CloudInstance[];
  readonly addresses: readonly CloudAddress[];
  readonly guardPorts: { readonly guardPort?: number; readonly guardIpv6Port?: number };
} {
  if (first === undefined) return { instances, addresses, guardPorts: {} };
  let next = first;
  const draw = (): number => {
    if (next > maxPort) throw new CloudFlagError(`--ports ${first} leaves too few ports up to ${maxPort}.`);
    next += 1;
    return next - 1;
  };
  const guardPort = draw();
  const hasIpv6 = addresses.some(({ publicIp }) => isIpv6(publicIp));
  return {
    guardPorts: { guardPort, ...(hasIpv6 ? { guardIpv6Port: draw() } : {}) },
    instances: instances.map((instance) => ({ ...instance, metadataPort: draw() })),
    addresses: addresses.map((address) =>
      bindOf(address) === null
        ? address
        : { ...address, viewPorts: new Map(instances.map(({ id }) => [id, draw()])) },
    ),
  };
}

async function opened(options: Parameters<typeof startCloud>[0]): Promise<EmbeddedCloud> {
  try {
    return await startCloud(options);
  } catch (error) {
    if (error instanceof OtherCloudError)
      throw new CloudFlagError(`--state can't be gone on with: ${error.message}.`, { cause: error });
    if (error instanceof AwsSpecError) throw new CloudFlagError(error.message, { cause: error });
    throw error;
  }
}

function restoredFrom(file: string): ReturnType<typeof readState> {
  try {
    return readState(file);
  } catch (cause) {
    throw new CloudFlagError(`--state: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Everything that changes is in the file before anything else happens. */
function keep(cloud: EmbeddedCloud, file: string): void {
  writeState(file, cloud.save());
  cloud.subscribe((signal) => {
    if (signal.kind === 'changed') writeState(file, cloud.save());
  });
}

function tellOn(cloud: EmbeddedCloud, print: (line: string) => void): void {
  cloud.subscribe((signal) => {
    const text = eventText(signal, (publicIp) => cloud.state.addresses.get(publicIp)?.kind);
    if (text !== null) print(text);
  });
}
