/** Where another process, or a person, finds everything of a running cloud. */
import type { ElasticAddress, InstanceId } from '../model/index.ts';
import type { EmbeddedCloud } from './cloud.ts';
import type { CloudInstance } from './options.ts';
import { authorityOf, type Endpoint } from './togglable-listener.ts';

interface View {
  readonly publicIp: string;
  readonly view: Endpoint;
}

/** What an address is that moves, and what an agent's configuration has to say of it. */
export type AddressTarget =
  | { readonly kind: 'elastic' }
  | { readonly kind: 'private'; readonly subnetId: string }
  | { readonly kind: 'route'; readonly routeTables: readonly string[] };

/** Where everything of a running cloud is, as `failtome-sim cloud` prints it. */
export interface CloudEndpoints {
  readonly endpoint: string;
  readonly control: string;
  readonly state: { readonly file: string; readonly kind: 'new' | 'restored' } | null;
  readonly topics: readonly string[];
  /** The environment of a person with every permission. */
  readonly operator: Readonly<Record<string, string>>;
  /** Those that take connections, where the outside world finds them. */
  readonly addresses: readonly (View & AddressTarget & { readonly holder: InstanceId | null })[];
  readonly instances: readonly {
    readonly id: InstanceId;
    readonly backend: Endpoint | null;
    /** What an agent on it runs in. */
    readonly environment: Readonly<Record<string, string>>;
    /** The first of `guards`. */
    readonly guard: string;
    /** For `guard.urls`: over IPv4, and over IPv6 where an address is one of IPv6. */
    readonly guards: readonly string[];
    readonly views: readonly View[];
  }[];
}

/** The parts that the cloud itself doesn't know. */
export interface EndpointDetails {
  readonly instances: readonly CloudInstance[];
  readonly topics: readonly string[];
  readonly state: CloudEndpoints['state'];
}

/** Collects where everything of a cloud is. */
export function endpointsOf(
  cloud: EmbeddedCloud,
  { instances, topics, state }: EndpointDetails,
): CloudEndpoints {
  const open = [...cloud.state.addresses.values()].filter(({ publicIp }) => cloud.hasView(publicIp));
  const viewsOf = (id: InstanceId | null): readonly View[] =>
    open.map(({ publicIp }) => ({ publicIp, view: cloud.viewOf(id, publicIp) }));
  return {
    endpoint: cloud.endpointUrl,
    control: `${cloud.endpointUrl}/_control`,
    state,
    topics,
    operator: cloud.operatorEnvironment(),
    addresses: open.map((address) => ({
      publicIp: address.publicIp,
      view: cloud.viewOf(null, address.publicIp),
      ...addressTarget(address),
      holder: cloud.holderOf(address.publicIp),
    })),
    instances: instances.map(({ id, backend = null }) => ({
      id,
      backend,
      environment: cloud.environmentFor(id),
      guard: cloud.guardUrlFor(id),
      guards: cloud.guardUrlsFor(id),
      views: viewsOf(id),
    })),
  };
}

function addressTarget({ kind, subnetId = '', routes = {} }: ElasticAddress): AddressTarget {
  if (kind === undefined) return { kind: 'elastic' };
  return kind === 'private' ? { kind, subnetId } : { kind, routeTables: Object.keys(routes) };
}

/** For people: what to point an agent at. */
export function endpointsText(where: CloudEndpoints, cloud: EmbeddedCloud): readonly string[] {
  return [
    'an embedded AWS account, until interrupted (Ctrl-C)',
    fact('endpoint', `${where.endpoint}   (EC2, OpsWorks, Secrets Manager, SNS, STS)`),
    fact('control', `${where.control}   (docs/cloud.md)`),
    fact('state', stateText(where.state)),
    fact('topics', where.topics.join(', ') || 'none'),
    ...[...cloud.state.addresses.values()].map((address) =>
      fact('address', addressText(address, where, cloud)),
    ),
    ...where.instances.flatMap(instanceText),
    '',
    'a person with every permission, for the AWS command line',
    ...exports(where.operator),
    '',
  ];
}

function stateText(state: CloudEndpoints['state']): string {
  if (state === null) return 'kept nowhere: it is gone at the end (--state FILE keeps it)';
  return `${state.file}, ${state.kind === 'new' ? 'begun now' : 'gone on with'}`;
}

function addressText(address: ElasticAddress, { addresses }: CloudEndpoints, cloud: EmbeddedCloud): string {
  const { publicIp } = address;
  const holder = cloud.holderOf(publicIp);
  const held = holder === null ? 'held by nobody' : `held by ${holder}`;
  const open = addresses.find((each) => each.publicIp === publicIp);
  const where = open === undefined ? 'takes no connections' : `for the world at ${urlOf(open.view)}`;
  const { is, driver } = targetText(addressTarget(address));
  return `${publicIp}${is}, ${held}, ${where}${driver}`;
}

/** What isn't an Elastic IP has a driver of its own, whose settings it says. */
function targetText(target: AddressTarget): { readonly is: string; readonly driver: string } {
  switch (target.kind) {
    case 'elastic':
      return { is: '', driver: '' };
    case 'private':
      return {
        is: `, a private address of ${target.subnetId}`,
        driver: '   (driver.kind: ec2-private-ip)',
      };
    case 'route': {
      const tables = target.routeTables.join(', ');
      return {
        is: ', which routes lead to',
        driver: `   (driver.kind: ec2-route, driver.routeTables: [${tables}])`,
      };
    }
  }
}

function instanceText({
  id,
  backend,
  environment,
  guards,
  views,
}: CloudEndpoints['instances'][number]): readonly string[] {
  return [
    '',
    `${id}, ${backend === null ? 'without a web server' : `web server at ${urlOf(backend)}`}`,
    ...views.map(({ publicIp, view }) =>
      fact('sees', `${publicIp} at ${urlOf(view)}   (addresses[].probe.port: ${view.port})`),
    ),
    ...guards.map((guard) => fact('external IP', `${guard}   (guard.urls)`)),
    ...exports(environment),
  ];
}

function exports(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`);
}

function fact(name: string, text: string): string {
  return `  ${name.padEnd(12)} ${text}`;
}

function urlOf(endpoint: Endpoint): string {
  return `http://${authorityOf(endpoint)}/`;
}
