/** Where another process, or a person, finds everything of a running cloud. */
import type { InstanceId } from '../model/index.ts';
import type { EmbeddedCloud } from './cloud.ts';
import type { CloudInstance } from './options.ts';
import type { Endpoint } from './togglable-listener.ts';

interface View {
  readonly publicIp: string;
  readonly view: Endpoint;
}

/** Where everything of a running cloud is, as `failtome-sim cloud` prints it. */
export interface CloudEndpoints {
  readonly endpoint: string;
  readonly control: string;
  readonly state: { readonly file: string; readonly kind: 'new' | 'restored' } | null;
  readonly topics: readonly string[];
  /** The environment of a person with every permission. */
  readonly operator: Readonly<Record<string, string>>;
  /** Those that take connections, where the outside world finds them. */
  readonly addresses: readonly (View & { readonly holder: InstanceId | null })[];
  readonly instances: readonly {
    readonly id: InstanceId;
    readonly backend: Endpoint | null;
    /** What an agent on it runs in. */
    readonly environment: Readonly<Record<string, string>>;
    /** For `guard.urls`. */
    readonly guard: string;
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
  const open = [...cloud.state.addresses.keys()].filter((publicIp) => cloud.hasView(publicIp));
  const viewsOf = (id: InstanceId | null): readonly View[] =>
    open.map((publicIp) => ({ publicIp, view: cloud.viewOf(id, publicIp) }));
  return {
    endpoint: cloud.endpointUrl,
    control: `${cloud.endpointUrl}/_control`,
    state,
    topics,
    operator: cloud.operatorEnvironment(),
    addresses: viewsOf(null).map((view) => ({ ...view, holder: cloud.holderOf(view.publicIp) })),
    instances: instances.map(({ id, backend = null }) => ({
      id,
      backend,
      environment: cloud.environmentFor(id),
      guard: cloud.guardUrlFor(id),
      views: viewsOf(id),
    })),
  };
}

/** For people: what to point an agent at. */
export function endpointsText(where: CloudEndpoints, cloud: EmbeddedCloud): readonly string[] {
  return [
    'an embedded AWS account, until interrupted (Ctrl-C)',
    fact('endpoint', `${where.endpoint}   (EC2, OpsWorks, Secrets Manager, SNS, STS)`),
    fact('control', `${where.control}   (docs/cloud.md)`),
    fact('state', stateText(where.state)),
    fact('topics', where.topics.join(', ') || 'none'),
    ...[...cloud.state.addresses.keys()].map((ip) => fact('address', addressText(ip, where, cloud))),
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

function addressText(publicIp: string, { addresses }: CloudEndpoints, cloud: EmbeddedCloud): string {
  const holder = cloud.holderOf(publicIp);
  const held = holder === null ? 'held by nobody' : `held by ${holder}`;
  const open = addresses.find((each) => each.publicIp === publicIp);
  const where = open === undefined ? 'takes no connections' : `for the world at ${urlOf(open.view)}`;
  return `${publicIp}, ${held}, ${where}`;
}

function instanceText({
  id,
  backend,
  environment,
  guard,
  views,
}: CloudEndpoints['instances'][number]): readonly string[] {
  return [
    '',
    `${id}, ${backend === null ? 'without a web server' : `web server at ${urlOf(backend)}`}`,
    ...views.map(({ publicIp, view }) =>
      fact('sees', `${publicIp} at ${urlOf(view)}   (addresses[].probe.port: ${view.port})`),
    ),
    fact('external IP', `${guard}   (guard.urls)`),
    ...exports(environment),
  ];
}

function exports(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`);
}

function fact(name: string, text: string): string {
  return `  ${name.padEnd(12)} ${text}`;
}

function urlOf({ host, port }: Endpoint): string {
  return `http://${host}:${port}/`;
}
