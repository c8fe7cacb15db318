/**
 * Who this node is, where the configuration does not say: from EC2's instance metadata, version 2.
 *
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * The endpoint and the switch are the AWS SDK's: `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
 * `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` and `AWS_EC2_METADATA_DISABLED`. Version 1 is not asked: it
 * would answer to any request that somebody tricks a program of this machine into making.
 */
import { scalarNode } from '@failtome/config';
import type { DurationMs, InstanceId } from '@failtome/protocol';
import pRetry from 'p-retry';
import { DRIVER_KINDS, isOnAws } from '../config/driver-kinds.ts';
import { NODE_ID } from '../config/file-keys.ts';
import { type HttpUrl, readHttpUrl } from '../config/http-url.ts';
import { region as regionKind } from '../config/kinds.ts';
import { searches } from '../config/located.ts';
import type { AgentConfig, Identity } from '../config/types.ts';
import type { ValueKind } from '../config/value-kind.ts';
import { AgentError } from '../errors.ts';
import { type ExchangeEnd, exchange, UNFINISHED } from './http-exchange.ts';
import type { Names } from './names.ts';

/** The time one request gets; the service is on the same machine. */
const REQUEST_TIMEOUT_MS: DurationMs = 1_000;

/** Further tries of a request that brought no answer, or a 5xx or 429. */
const RETRIES = 2;
const RETRY_AFTER_MS: DurationMs = 100;

/** An hour: longer than a start takes. */
const TOKEN_TTL_SECONDS = 3_600;

/** Every value asked for here is far shorter. */
const MAX_VALUE_BYTES = 4_096;

/** A value goes into headers, names and requests; what is not plain text on one line is none. */
const VALUE = /^[\x21-\x7e]+$/;
const DOCUMENT = /^[\x20-\x7e\t\r\n]+$/;

/** For who asks while a person waits: off an instance nobody answers. */
export const ATTENDED_TIMEOUT_MS: DurationMs = 500;

/** Where the metadata service is, and for how long it is asked. */
export interface MetadataOptions {
  /** The environment: `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly requestTimeoutMs?: DurationMs;
}

/** Asks instance metadata. Nothing is asked until something is wanted. */
export class InstanceMetadata {
  readonly #options: MetadataOptions;
  readonly #names: Names;
  #token: Promise<string> | null = null;

  constructor(options: MetadataOptions, dependencies: { readonly names: Names }) {
    this.#options = options;
    this.#names = dependencies.names;
  }

  /** @throws AgentError */
  instanceId(): Promise<InstanceId> {
    return this.get('instance-id');
  }

  /** @throws AgentError */
  region(): Promise<string> {
    return this.get('placement/region');
  }

  /**
   * One value under `/latest/meta-data/`, such as `mac` or `local-ipv4`, trimmed.
   *
   * @throws AgentError `METADATA_DISABLED`, `METADATA_UNREACHABLE`, `METADATA_REFUSED` or `METADATA_MALFORMED`
   */
  get(path: string): Promise<string> {
    return this.#read(path, VALUE);
  }

  /**
   * A document under `/latest/meta-data/`, such as the JSON of `iam/info`, which may have lines and spaces.
   *
   * @throws AgentError as `get`
   */
  document(path: string): Promise<string> {
    return this.#read(path, DOCUMENT);
  }

  /**
   * A document under `/latest/meta-data/` that is there only at times, such as a spot notice; null: it isn't there. Asked once,
   * because whoever looks for it asks again soon.
   *
   * @throws AgentError as `get`
   */
  async find(path: string): Promise<string | null> {
    const endpoint = endpointOf(this.#options.env);
    const full = `/latest/meta-data/${path}`;
    try {
      const end = await this.#exchange(endpoint, 'GET', full, await this.#proof());
      return end.kind === 'answered' && end.status === 404 ? null : textOf(end, endpoint, full, DOCUMENT);
    } catch (error) {
      this.#token = null;
      throw error;
    }
  }

  /** The header that every question needs. */
  async #proof(): Promise<Readonly<Record<string, string>>> {
    const asking = {
      'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_TTL_SECONDS),
      'Content-Length': '0',
    };
    this.#token ??= this.#request('PUT', '/latest/api/token', asking, VALUE);
    return { 'X-aws-ec2-metadata-token': await this.#token };
  }

  async #read(path: string, form: RegExp): Promise<string> {
    try {
      const headers = await this.#proof();
      return await this.#request('GET', `/latest/meta-data/${path}`, headers, form);
    } catch (error) {
      this.#token = null;
      throw error;
    }
  }

  #request(
    method: 'GET' | 'PUT',
    path: string,
    headers: Readonly<Record<string, string>>,
    form: RegExp,
  ): Promise<string> {
    const endpoint = endpointOf(this.#options.env);
    // Reads, and a token that nobody misses: safe to repeat.
    const ask = async () =>
      textOf(await this.#exchange(endpoint, method, path, headers), endpoint, path, form);
    return pRetry(ask, {
      retries: RETRIES,
      minTimeout: RETRY_AFTER_MS,
      shouldRetry: ({ error }) => error instanceof AgentError && error.disposition === 'retryable',
    });
  }

  #exchange(
    endpoint: HttpUrl,
    method: 'GET' | 'PUT',
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ExchangeEnd> {
    const { requestTimeoutMs = REQUEST_TIMEOUT_MS } = this.#options;
    const prefix = endpoint.path.replace(/\/$/, '');
    return new Promise((resolve) => {
      const done = (end: ExchangeEnd): void => {
        clearTimeout(timer);
        resolve(end);
      };
      const running = exchange(
        {
          host: endpoint.host,
          port: endpoint.port,
          family: 0,
          tls: endpoint.secure ? { servername: endpoint.host, verify: true } : null,
          method,
          path: `${prefix}${path}`,
          headers: { Host: endpoint.authority, ...headers },
          maxBodyBytes: MAX_VALUE_BYTES,
          keepBody: true,
        },
        this.#names.forAttempt(0),
        done,
      );
      const timer = setTimeout(() => {
        running.destroy();
        const detail = `${UNFINISHED[running.stage()]} within ${requestTimeoutMs} ms`;
        resolve({ kind: 'failed', reason: 'timeout', detail });
      }, requestTimeoutMs);
    });
  }
}

function endpointOf(env: MetadataOptions['env']): HttpUrl {
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') {
    const message = 'instance metadata is switched off by AWS_EC2_METADATA_DISABLED';
    throw new AgentError('METADATA_DISABLED', message, 'fatal');
  }
  const mode = env.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase();
  const usual = mode === 'ipv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
  const text = env.AWS_EC2_METADATA_SERVICE_ENDPOINT || usual;
  const reading = readHttpUrl(text);
  if (reading.kind === 'url') return reading.url;
  const message = 'AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http or https URL';
  throw new AgentError('METADATA_ENDPOINT', message, 'fatal');
}

/** @throws AgentError, `retryable` where another try may help. */
function textOf(end: ExchangeEnd, endpoint: HttpUrl, path: string, form: RegExp): string {
  const where = `instance metadata (${endpoint.authority}${path})`;
  if (end.kind !== 'answered') {
    const message = `${where} cannot be reached: ${end.detail}`;
    throw new AgentError('METADATA_UNREACHABLE', message, 'retryable');
  }
  const { status } = end;
  if (status !== 200) {
    const disposition = status >= 500 || status === 429 ? 'retryable' : 'fatal';
    const message = `${where} answered with status ${status}${hintOf(status)}`;
    throw new AgentError('METADATA_REFUSED', message, disposition);
  }
  const value = end.body.toString('latin1').trim();
  if (!end.truncated && form.test(value)) return value;
  throw new AgentError('METADATA_MALFORMED', `${where} answered something that is no value`, 'fatal');
}

function hintOf(status: number): string {
  if (status === 403) return ': it is disabled for this instance';
  if (status === 404 || status === 405) return ': this is no instance metadata service version 2';
  return '';
}

/** Identity, and the EC2 instance id where it was needed. */
export interface ResolvedIdentity extends Identity {
  /** Asked for `ec2` and `opsworks` without `driver.instanceId`, and where `node.id` is missing; null otherwise. */
  readonly ec2InstanceId: InstanceId | null;
}

/**
 * Complete the configuration's identity. Instance metadata is asked only for what is missing:
 * `node.id` defaults to the instance id, `driver.instanceId` of `ec2` too, `driver.region` to
 * `AWS_REGION`, `AWS_DEFAULT_REGION` and then the instance's own.
 *
 * For `opsworks` without `driver.instanceId`, `instanceId` is left empty: the driver looks OpsWorks's own id up
 * by `ec2InstanceId`.
 *
 * @throws AgentError, whose sentence says which key of the configuration would make the question needless.
 */
export async function resolveIdentity(
  config: Pick<AgentConfig, 'node' | 'driver'> & Partial<Pick<AgentConfig, 'store' | 'peers' | 'discovery'>>,
  dependencies: { readonly env: MetadataOptions['env']; readonly metadata: InstanceMetadata },
): Promise<ResolvedIdentity> {
  const { metadata, env } = dependencies;
  const driver = config.node.role === 'candidate' ? config.driver : null;
  const onAws = isOnAws(driver) ? driver : null;
  const lacksInstanceId = onAws !== null && onAws.instanceId === null;
  const missing = [
    ...(config.node.id === null ? ['node.id'] : []),
    ...(lacksInstanceId ? ['driver.instanceId'] : []),
  ];
  const ec2InstanceId =
    missing.length === 0 ? null : await wanted(missing, metadata.instanceId(), NODE_ID.kind);
  const id = config.node.id ?? ec2InstanceId ?? '';
  const { store = null, peers = [], discovery = null } = config;
  const byTag = searches({ peers, discovery, node: config.node });
  const isRegional = onAws !== null || byTag || (store?.kind === 'dynamodb' && store.region === null);
  if (!isRegional) return { id, instanceId: driver === null ? '' : id, region: null, ec2InstanceId };
  const configured = onAws?.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? '';
  const region =
    configured === ''
      ? await wanted(
          [onAws !== null ? 'driver.region' : byTag ? 'AWS_REGION' : 'store.region'],
          metadata.region(),
          regionKind,
        )
      : configured;
  if (onAws === null) return { id, instanceId: driver === null ? '' : id, region, ec2InstanceId };
  const instanceId =
    onAws.instanceId ?? (DRIVER_KINDS[onAws.kind].instancesOf === 'ec2' ? (ec2InstanceId ?? '') : '');
  return { id, instanceId, region, ec2InstanceId };
}

/** What metadata says is held to the same form as what the configuration says. */
async function wanted(
  keys: readonly string[],
  asked: Promise<string>,
  kind: ValueKind<string>,
): Promise<string> {
  try {
    const value = await asked;
    const reading = kind.read(scalarNode(value));
    if (reading.kind === 'value') return reading.value;
    const message = `instance metadata says ${reading.found}, which is not ${kind.expected}`;
    throw new AgentError('METADATA_MALFORMED', message, 'fatal');
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const set = keys.join(' and ');
    const missing = keys.length === 1 ? 'is' : 'are';
    const message = `${set} ${missing} not configured, and ${error.message}; set ${set}`;
    throw new AgentError(error.code, message, error.disposition, error);
  }
}
