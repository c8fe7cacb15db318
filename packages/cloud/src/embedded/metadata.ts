import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  autoIp,
  type Instance,
  instanceProfileArn,
  ipv6sOf,
  primaryElasticAddress,
  privateIpsOf,
  roleNameOf,
  subnetIdOf,
  VPC_ID,
} from '../model/index.ts';
import type { Credentials } from './credentials.ts';
import { cut, httpServer, send } from './http-parts.ts';
import type { LiveAccount } from './live-account.ts';
import { type Endpoint, TogglableListener } from './togglable-listener.ts';

/** How an instance's metadata service is. */
export type MetadataState = 'up' | 'down' | 'hang' | 'error';

/** A session is good for six hours at most (EC2 User Guide, "Use IMDSv2"). */
export const tokenLifetimeBoundS = 21_600;
/** Sessions that are remembered; the oldest is forgotten first. */
const tokenBound = 1_000;

/** The instance metadata service, version 2, of one instance, on a port of its own. */
export class MetadataService {
  readonly #instanceId: string;
  readonly #account: LiveAccount;
  readonly #credentials: Credentials;
  /** Where it answers. */
  readonly listener: TogglableListener;
  readonly #tokens = new Map<string, number>();
  /** What is there beside what every instance has, by its path under `/latest/meta-data/`. */
  readonly #notices = new Map<string, string>();
  #state: MetadataState = 'up';

  constructor(instanceId: string, endpoint: Endpoint, account: LiveAccount, credentials: Credentials) {
    this.#instanceId = instanceId;
    this.#account = account;
    this.#credentials = credentials;
    this.listener = new TogglableListener(
      () => httpServer((request, response) => this.#handle(request, response)),
      endpoint,
    );
  }

  set(state: MetadataState): void {
    this.#state = state;
    this.listener.set(state === 'down' ? 'shut' : 'open');
  }

  /** Says something of the instance, such as a spot notice, under this path; null: not any more. */
  setPage(path: string, page: string | null): void {
    if (page === null) this.#notices.delete(path);
    else this.#notices.set(path, page);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    switch (this.#state) {
      case 'up':
        this.#answer(request, response);
        return;
      case 'error':
        send(response, 500, 'text/plain', '');
        return;
      case 'down':
        cut(request);
        return;
      case 'hang':
        return;
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (request.method === 'PUT' && path === '/latest/api/token') {
      this.#openSession(request, response);
      return;
    }
    if (request.method !== 'GET') {
      send(response, 405, 'text/plain', '');
      return;
    }
    const token = request.headers['x-aws-ec2-metadata-token'];
    const goodUntilMs = typeof token === 'string' ? (this.#tokens.get(token) ?? 0) : 0;
    if (goodUntilMs <= Date.now()) {
      send(response, 401, 'text/plain', '');
      return;
    }
    const text = this.#read(path);
    send(response, text === null ? 404 : 200, 'text/plain', text ?? '');
  }

  #openSession(request: IncomingMessage, response: ServerResponse): void {
    const lifetimeS = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds'] ?? 'none');
    if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > tokenLifetimeBoundS) {
      send(response, 400, 'text/plain', '');
      return;
    }
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size >= tokenBound && oldest !== undefined) this.#tokens.delete(oldest);
    const token = randomBytes(30).toString('base64');
    this.#tokens.set(token, Date.now() + lifetimeS * 1_000);
    const lifetime = { 'x-aws-ec2-metadata-token-ttl-seconds': String(lifetimeS) };
    send(response, 200, 'text/plain', token, lifetime);
  }

  /** One page of the tree, or null. */
  #read(path: string): string | null {
    const instance = this.#account.state.instances.get(this.#instanceId);
    if (instance === undefined) return null;
    const pages = this.#pages(instance);
    const page = pages.get(path) ?? pages.get(path.replace(/\/$/, ''));
    if (page !== undefined) return page();
    // A folder answers with the names in it.
    const folder = path.endsWith('/') ? path : `${path}/`;
    const names = new Set(
      [...pages.keys()]
        .filter((each) => each.startsWith(folder))
        .map((each) => each.slice(folder.length).replace(/\/.*$/, '/')),
    );
    return names.size === 0 ? null : [...names].join('\n');
  }

  #pages(instance: Instance): ReadonlyMap<string, () => string> {
    const { config } = this.#account.state;
    const meta = '/latest/meta-data';
    const [primary] = instance.interfaces;
    const role = roleNameOf(instance.id);
    const publicIp =
      primaryElasticAddress(this.#account.state, instance)?.publicIp ??
      autoIp(instance.autoAddress, this.#account.nowMs());
    const pages = new Map<string, () => string>([
      [`${meta}/instance-id`, () => instance.id],
      [`${meta}/hostname`, () => instance.hostname],
      [`${meta}/local-hostname`, () => instance.hostname],
      [`${meta}/local-ipv4`, () => primary.privateIps[0]],
      [`${meta}/mac`, () => primary.mac],
      [`${meta}/placement/region`, () => config.region],
      [`${meta}/placement/availability-zone`, () => instance.availabilityZone],
      [`${meta}/iam/info`, () => this.#profile(instance)],
      [`${meta}/iam/security-credentials`, () => role],
      [`${meta}/iam/security-credentials/${role}`, () => this.#roleCredentials()],
      ['/latest/dynamic/instance-identity/document', () => this.#identity(instance)],
    ]);
    for (const [path, page] of this.#notices) pages.set(`${meta}/${path}`, () => page);
    if (publicIp !== null) pages.set(`${meta}/public-ipv4`, () => publicIp);
    for (const [index, card] of instance.interfaces.entries()) {
      const folder = `${meta}/network/interfaces/macs/${card.mac}`;
      pages.set(`${folder}/interface-id`, () => card.id);
      pages.set(`${folder}/device-number`, () => String(index));
      pages.set(`${folder}/local-ipv4s`, () =>
        privateIpsOf(this.#account.state, card, this.#account.nowMs()).join('\n'),
      );
      const ipv6s = ipv6sOf(this.#account.state, card, this.#account.nowMs());
      if (ipv6s.length > 0) pages.set(`${folder}/ipv6s`, () => ipv6s.join('\n'));
      pages.set(`${folder}/owner-id`, () => config.accountId);
      pages.set(`${folder}/subnet-id`, () => subnetIdOf(instance));
      pages.set(`${folder}/vpc-id`, () => VPC_ID);
    }
    return pages;
  }

  /** EC2 User Guide, "Instance metadata categories": the profile that the instance was launched with. */
  #profile(instance: Instance): string {
    const { config } = this.#account.state;
    return JSON.stringify({
      Code: 'Success',
      LastUpdated: new Date().toISOString(),
      InstanceProfileArn: instanceProfileArn(config, instance),
    });
  }

  #roleCredentials(): string {
    const key = this.#credentials.sessionKey(this.#instanceId, Date.now());
    return JSON.stringify({
      Code: 'Success',
      LastUpdated: new Date().toISOString(),
      Type: 'AWS-HMAC',
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: key.sessionToken,
      Expiration: new Date(key.expiresAtMs).toISOString(),
    });
  }

  #identity(instance: Instance): string {
    const { config } = this.#account.state;
    return JSON.stringify({
      accountId: config.accountId,
      architecture: 'x86_64',
      availabilityZone: instance.availabilityZone,
      instanceId: instance.id,
      instanceType: 't3.micro',
      privateIp: instance.interfaces[0].privateIps[0],
      region: config.region,
      version: '2017-09-30',
    });
  }
}
