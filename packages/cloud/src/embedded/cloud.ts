import {
  type AwsActionPattern,
  type AwsState,
  armFault,
  associate,
  type Caller,
  checkPolicy,
  clearFaults,
  createAws,
  disassociate,
  type ExternalIp,
  externalIp,
  holderOf,
  type Instance,
  type InstanceId,
  type InstanceState,
  type PolicyDocument,
  type PublicIp,
  routeOf,
  setInstance,
  setInstanceState,
  setPermission,
  targetOn,
} from '../model/index.ts';
import { AddressFront, type PathState } from './address.ts';
import { ApiServer } from './api-server.ts';
import { Backends } from './backends.ts';
import { cloudControl } from './control-commands.ts';
import { type AccessKey, Credentials } from './credentials.ts';
import { type GuardBehaviour, type GuardScope, GuardService } from './external-ip.ts';
import {
  type ArmedFaults,
  type AssociationEvent,
  type CallRecord,
  LiveAccount,
  type PublishedMessage,
  type Signal,
  waitForChange,
} from './live-account.ts';
import { MetadataService, type MetadataState } from './metadata.ts';
import { bindOf, type CloudOptions, type CredentialSource, sourcesOf } from './options.ts';
import { restoredInto, type SavedCloud, savedFrom } from './saved-cloud.ts';
import { instanceEnvironment, operatorEnvironment } from './sdk-environment.ts';
import type { Endpoint, TogglableListener } from './togglable-listener.ts';

/** How long `waitFor` waits unless told otherwise. */
export const waitBoundMs = 10_000;

const operator: Caller = { kind: 'operator', name: 'operator' };

/** A running cloud; all that it listens on is freed by `close`. */
export class EmbeddedCloud {
  readonly #account: LiveAccount;
  readonly #credentials = new Credentials();
  readonly #policies = new Map<string, PolicyDocument>();
  readonly #backends: Backends;
  readonly #api: ApiServer;
  readonly #guard: GuardService;
  readonly #metadata = new Map<InstanceId, MetadataService>();
  readonly #fronts = new Map<PublicIp, AddressFront>();

  constructor(options: CloudOptions) {
    const { host = '127.0.0.1', port = 0, guardPort = 0, guardIpv6Port = 0, restored } = options;
    const fresh = createAws(options);
    const account = new LiveAccount(
      restored === undefined ? fresh : restoredInto(fresh, restored),
      restored ?? { nowMs: 0, events: [] },
    );
    if (restored !== undefined) this.#credentials.restore(restored.sessions);
    const sources = sourcesOf(options.instances);
    this.#account = account;
    this.#backends = new Backends(() => account.touch());
    for (const { id, backend, metadataPort = 0 } of options.instances) {
      if (backend !== undefined) this.#backends.set(id, backend);
      const service = new MetadataService(id, { host, port: metadataPort }, account, this.#credentials);
      this.#metadata.set(id, service);
    }
    this.#guard = new GuardService({ host, port: guardPort, ipv6Port: guardIpv6Port }, account, sources);
    const latency = options.latency ?? { applyAfterMs: 0, answerAfterMs: 0 };
    const control = options.control === 'on' ? cloudControl(this) : null;
    this.#api = new ApiServer(
      { host, port, latency, moveEffect: options.moveEffect ?? 'reset' },
      { account, credentials: this.#credentials, policies: this.#policies, control },
    );
    for (const address of options.addresses) {
      const bind = bindOf(address);
      if (bind === null) continue;
      const viewers = new Map(options.instances.map(({ id }) => [id, address.viewPorts?.get(id) ?? 0]));
      const unassociated = options.unassociated ?? 'blackhole';
      const dependencies = { account, backends: this.#backends, sources, unassociated };
      this.#fronts.set(address.publicIp, new AddressFront(address.publicIp, bind, viewers, dependencies));
    }
  }

  /** Opens every port. */
  async open(): Promise<void> {
    this.#account.subscribe((signal) => {
      if (signal.kind === 'changed') this.#watchHolders();
    });
    this.#watchHolders();
    await Promise.all(this.#listening().map((part) => part.open()));
  }

  /** Frees every port, connection and timer. */
  async close(): Promise<void> {
    this.#account.close();
    this.#backends.close();
    await Promise.all(this.#listening().map((part) => part.close()));
  }

  // Where things are.

  /** The one endpoint of EC2, OpsWorks, SNS and STS. */
  get endpointUrl(): string {
    return this.#api.listener.url;
  }

  /** The environment that an agent on this instance runs in, as the AWS SDKs read it. */
  environmentFor(
    instanceId: InstanceId,
    credentials: CredentialSource = 'metadata',
  ): Readonly<Record<string, string>> {
    return instanceEnvironment({
      endpointUrl: this.endpointUrl,
      region: this.state.config.region,
      metadataUrl: this.metadataUrlFor(instanceId),
      key: credentials === 'static' ? this.accessKeyFor(instanceId) : null,
    });
  }

  /** The environment of a person with every permission, for the AWS command line. */
  operatorEnvironment(): Readonly<Record<string, string>> {
    const key = this.#credentials.staticKey(operator);
    return operatorEnvironment(this.endpointUrl, this.state.config.region, key);
  }

  /** An instance's long-lived access key. */
  accessKeyFor(instanceId: InstanceId): AccessKey {
    this.#instance(instanceId);
    return this.#credentials.staticKey({ kind: 'instance', instanceId });
  }

  /** Revokes an instance's long-lived access key, and returns another. */
  replaceAccessKey(instanceId: InstanceId): AccessKey {
    this.#instance(instanceId);
    return this.#credentials.replaceStatic({ kind: 'instance', instanceId });
  }

  metadataUrlFor(instanceId: InstanceId): string {
    return this.#metadataOf(instanceId).listener.url;
  }

  /** Where an instance asks for its external IP; `service` names one of as many services as a test likes. */
  guardUrlFor(instanceId: InstanceId, service?: string): string {
    return this.guardUrlsFor(instanceId, service)[0];
  }

  /** The same, and over IPv6 where an address is one of IPv6. */
  guardUrlsFor(instanceId: InstanceId, service?: string): readonly [string, ...string[]] {
    this.#instance(instanceId);
    return this.#guard.urlsFor(instanceId, service);
  }

  /** Where an instance sees an address; null: where the outside world does. */
  viewOf(instanceId: InstanceId | null, publicIp: PublicIp): Endpoint {
    return this.#frontOf(publicIp).viewOf(instanceId);
  }

  /** Whether an address takes connections. */
  hasView(publicIp: PublicIp): boolean {
    return this.#fronts.has(publicIp);
  }

  // What there is to see.

  /** What `restored` of another cloud makes this one's account again. */
  save(): SavedCloud {
    const { events } = this.#account;
    return savedFrom(this.state, { nowMs: this.nowMs(), events, sessions: this.#credentials.sessions() });
  }

  get state(): AwsState {
    return this.#account.state;
  }

  /** Milliseconds since it started: the clock of every record. */
  nowMs(): number {
    return this.#account.nowMs();
  }

  /** Every call that came, with its parameters and its answer. */
  get calls(): readonly CallRecord[] {
    return this.#account.calls;
  }

  get published(): readonly PublishedMessage[] {
    return this.#account.events.filter((event) => event.kind === 'published');
  }

  /** Every association that began or ended since the start. */
  get associationLog(): readonly AssociationEvent[] {
    return this.#account.events.filter((event) => event.kind !== 'published');
  }

  /** The holder by EC2's book. */
  holderOf(publicIp: PublicIp): InstanceId | null {
    return holderOf(this.state, publicIp);
  }

  externalIpOf(instanceId: InstanceId): ExternalIp {
    return externalIp(this.state, instanceId, this.nowMs());
  }

  /** Hears of everything that happens, until the returned function is called. */
  subscribe(listener: (signal: Signal) => void): () => void {
    return this.#account.subscribe(listener);
  }

  /** Waits, without polling, until `look` returns something: looks now, and again after everything that happens. */
  waitFor<T>(
    what: string,
    look: () => T | undefined | null | false,
    timeoutMs: number = waitBoundMs,
  ): Promise<T> {
    return waitForChange(this.#account, what, look, timeoutMs);
  }

  // What a test does to it.

  /** Faults of calls. */
  readonly fault: ArmedFaults = {
    arm: (spec) => {
      const { state, fault } = armFault(this.state, spec);
      this.#set(state);
      return fault.id;
    },
    clear: (id) => this.#set(clearFaults(this.state, id)),
    hits: (id) => this.state.faults.find((fault) => fault.id === id)?.hits ?? 0,
  };

  /** Sets how the external-IP service answers. */
  setGuard(behaviour: GuardBehaviour, scope?: GuardScope): void {
    this.#guard.behave(behaviour, scope);
  }

  /** The external-IP service tells everyone the truth again. */
  clearGuard(): void {
    this.#guard.clear();
  }

  setMetadata(instanceId: InstanceId, state: MetadataState): void {
    this.#metadataOf(instanceId).set(state);
  }

  /** Has an instance's metadata say something of it, such as a spot notice, under this path; null: not any more. */
  setMetadataPage(instanceId: InstanceId, path: string, page: string | null): void {
    this.#metadataOf(instanceId).setPage(path, page);
  }

  /** Ends the temporary credentials that an instance got from its metadata. */
  expireCredentials(instanceId: InstanceId): void {
    this.#credentials.expire(instanceId);
  }

  /** Takes permissions from an instance's role, or gives them back. */
  setPermission(instanceId: InstanceId, action: AwsActionPattern, permission: 'revoked' | 'granted'): void {
    this.#instance(instanceId);
    this.#set(setPermission(this.state, instanceId, action, permission));
  }

  /** Holds a role to a policy, an instance's own by the instance's id and one that is assumed by its name. Null: all is allowed again. */
  setPolicy(role: string, policy: PolicyDocument | null): void {
    if (policy !== null) checkPolicy(policy);
    if (policy === null) this.#policies.delete(role);
    else this.#policies.set(role, policy);
  }

  /** Moves an address at the console: at once, whoever has it, onto the instance's primary private address by default. */
  operatorAssociate(publicIp: PublicIp, instanceId: InstanceId, privateIp?: string): void {
    const target = targetOn(this.state, publicIp, this.#instance(instanceId), privateIp);
    this.#account.commit(associate(this.state, publicIp, target, operator, this.nowMs()));
  }

  /** Takes an address from its holder at the console. */
  operatorDisassociate(publicIp: PublicIp): void {
    this.#account.commit(disassociate(this.state, publicIp, 'disassociated', operator, this.nowMs()));
  }

  /** Starts, stops or terminates an instance, as EC2 sees it. */
  setInstanceState(instanceId: InstanceId, state: InstanceState): void {
    this.#account.commit(setInstanceState(this.state, instanceId, state, operator, this.nowMs()));
  }

  /** Takes an instance off the network (its connections fall silent, EC2 still calls it running), or puts it back. */
  setNetwork(instanceId: InstanceId, network: Instance['network']): void {
    this.#set(setInstance(this.state, instanceId, { network }, this.nowMs()));
  }

  /** Breaks an instance's way out: AWS, the external-IP service and the addresses, not its peers. */
  setWayOut(instanceId: InstanceId, wayOut: Instance['wayOut']): void {
    this.#set(setInstance(this.state, instanceId, { wayOut }, this.nowMs()));
  }

  setBackend(instanceId: InstanceId, backend: Endpoint): void {
    this.#instance(instanceId);
    this.#backends.set(instanceId, backend);
    this.#account.touch();
  }

  /** Breaks or clears one viewer's path to an address; null: the outside world's. */
  setPath(instanceId: InstanceId | null, publicIp: PublicIp, path: PathState): void {
    this.#frontOf(publicIp).setPath(instanceId, path);
  }

  /** All that takes connections. */
  #listening(): readonly (TogglableListener | AddressFront)[] {
    const services = [this.#api, ...this.#metadata.values()].map(({ listener }) => listener);
    return [...services, ...this.#guard.listeners, ...this.#fronts.values()];
  }

  #set(state: AwsState): void {
    this.#account.commit({ state, events: [] });
  }

  /** Only the web servers that an address leads to are watched. */
  #watchHolders(): void {
    const holders = [...this.#fronts.keys()]
      .map((publicIp) => routeOf(this.state, publicIp, this.nowMs()))
      .flatMap((route) => (route.kind === 'instance' ? [route.instance.id] : []));
    this.#backends.watchOnly(new Set(holders));
  }

  #instance(instanceId: InstanceId): Instance {
    return known(this.state.instances.get(instanceId), 'instance', instanceId);
  }

  #metadataOf(instanceId: InstanceId): MetadataService {
    return known(this.#metadata.get(instanceId), 'instance', instanceId);
  }

  #frontOf(publicIp: PublicIp): AddressFront {
    return known(this.#fronts.get(publicIp), 'address that takes connections', publicIp);
  }
}

function known<T>(value: T | undefined, kind: string, name: string): T {
  if (value === undefined) throw new Error(`There is no ${kind} ${name}.`);
  return value;
}
