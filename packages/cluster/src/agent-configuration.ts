import type { EmbeddedCloud } from '@failtome/cloud';
import type { LoopbackBlock } from './loopback.ts';
import type { ClusterOptions, NodeSpec, SharedAddress } from './options.ts';
import { merge, type YamlObject } from './yaml-object.ts';

/** The agents' default port. */
export const apiPort = 8741;
/** The port of every node's web server. */
export const webPort = 8080;
/** A link listens at its target's address, at this port plus its source's number. */
const linkPort = 9000;

/** The route tables of a cluster whose addresses are led to by routes. */
export const routeTables: readonly string[] = ['rtb-0a', 'rtb-0b'];
/** The topic that every agent publishes to. */
export const topicArn = 'arn:aws:sns:us-east-1:123456789012:failover';

/** Where everything of one cluster is: fixed places in a block of its own. */
export class Places {
  readonly #block: LoopbackBlock;
  readonly #nodes: readonly NodeSpec[];
  readonly #shared: readonly SharedAddress[];

  constructor(block: LoopbackBlock, options: ClusterOptions) {
    this.#block = block;
    this.#nodes = options.nodes;
    this.#shared = sharedAddresses(options);
  }

  get cloudHost(): string {
    return this.#block.ip(1);
  }

  /** The machine's own address, towards its peers. */
  host(id: string): string {
    return this.#block.ip(10 + this.#number(id));
  }

  /** Where `from` reaches `to`. */
  link(from: string, to: string): { readonly host: string; readonly port: number } {
    return { host: this.host(to), port: linkPort + this.#number(from) };
  }

  /** There is one address of IPv6 on every machine, which clusters have at ports of their own. */
  sharedIp(index: number): string {
    return this.#shared[index]?.family === 6 ? '::1' : this.#block.ip(200 + index);
  }

  instanceId(id: string): string {
    return `i-${id}`;
  }

  #number(id: string): number {
    const index = this.#nodes.findIndex((node) => node.id === id);
    if (index < 0) throw new Error(`There is no node ${id}.`);
    return index;
  }
}

/** Where a node's key and state are. */
export interface NodeFiles {
  readonly keyFile: string;
  readonly stateDir: string;
}

/** One node's configuration, as an operator would write it. */
export function configurationOf(
  spec: NodeSpec,
  options: ClusterOptions,
  {
    places,
    cloud,
    files,
  }: { readonly places: Places; readonly cloud: EmbeddedCloud; readonly files: NodeFiles },
): YamlObject {
  const { id, role = 'candidate', priority = 100 } = spec;
  const instanceId = places.instanceId(id);
  const peers = options.nodes.map((peer) => peerEntry(spec, peer, places, options.scheme));
  const shared = sharedAddresses(options);
  const addresses = shared.map((address, index): YamlObject => {
    const ip = places.sharedIp(index);
    const landing = address.landing?.[id];
    const probe = { port: cloud.viewOf(instanceId, ip).port, ...options.probe };
    return { ip, ...(landing === undefined ? {} : { privateIp: landing }), probe };
  });
  const base: YamlObject = {
    cluster: 'web',
    node: { id, role, priority },
    api: { listen: `${places.host(id)}:${apiPort}` },
    peers,
    auth: { keyFile: files.keyFile },
    addresses,
    guard: { urls: [...cloud.guardUrlsFor(instanceId)] },
    stateDir: files.stateDir,
    ...(role === 'candidate' ? candidateSections(id, options, places) : {}),
  };
  return merge(merge(base, settingsFor(role, options.settings ?? {})), spec.settings ?? {});
}

/** The addresses of a cluster; by default one, held by the first node. */
export function sharedAddresses({ addresses, nodes }: ClusterOptions): readonly SharedAddress[] {
  return addresses ?? [{ holder: nodes[0].id }];
}

function peerEntry(
  self: NodeSpec,
  peer: NodeSpec,
  places: Places,
  scheme: ClusterOptions['scheme'] = 'http',
): YamlObject {
  const { host, port } =
    self.id === peer.id ? { host: places.host(peer.id), port: apiPort } : places.link(self.id, peer.id);
  const { id, role = 'candidate', priority = 100 } = peer;
  return { id, role, priority, url: `${scheme}://${host}:${port}` };
}

function candidateSections(id: string, { driver = 'ec2' }: ClusterOptions, places: Places): YamlObject {
  return {
    local: { url: `http://${places.host(id)}:${webPort}/` },
    driver: { kind: driver, ...(driver === 'ec2-route' ? { routeTables: [...routeTables] } : {}) },
    notify: { sns: { topicArn } },
  };
}

/** A node that never takes an address has no web server to check: `local` is for candidates. */
function settingsFor(role: string, settings: YamlObject): YamlObject {
  return role === 'candidate' ? settings : merge(settings, { local: null });
}
