/**
 * The relay's store, and the arbiter's, in etcd 3.4 or later, over its JSON gateway: one range for a read, one transaction for a
 * write that compares the key's revision, or its value.
 *
 * Source: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/, and api/v3's rpc.proto. Keys and values are base64 there, and
 * 64-bit numbers are texts.
 */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import {
  type ArbiterStore,
  MAX_ITEM_CHARS,
  type RelayStore,
  type StoreFailure,
  type StoreRead,
  type StoreSwap,
  type StoreVersion,
  type StoreWrite,
} from '@failtome/ports';
import type { DurationMs } from '@failtome/protocol';
import { httpUrl } from '../config/http-url.ts';
import type { StoreSettings } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { boundAnswer } from './answer-bounds.ts';
import { type EtcdAnswer, type EtcdFields, EtcdLogin, readEtcdPassword, TIMEOUT } from './etcd-login.ts';

/** Base64 takes a third more, and beside the value there is little. */
const MAX_ANSWER_BYTES: number = 2 * MAX_ITEM_CHARS;

/** Shorter than proxies' usual minute, so that a connection is hardly ever closed under a request. */
const IDLE_MS: DurationMs = 30_000;

const MAX_DETAIL_CHARS = 200;

/** What the gateway says where nothing stands under a key. */
const NO_REVISION = '0';

/** The settings of an etcd. */
export type EtcdSettings = Extract<StoreSettings, { kind: 'etcd' }>;

/** What its TLS needs, as read from the files that the settings name. */
export interface EtcdSecrets {
  /** Undefined: the authorities that Node knows. */
  readonly ca?: Buffer;
  /** Both undefined: no client certificate. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * What TLS needs. The password is only looked at: it is read again whenever it is used.
 *
 * @throws AgentError `STORE_FILE` for a file that can't be read, `STORE_PASSWORD_…` for one that holds no password
 */
export async function readEtcdSecrets({
  caFile,
  certFile,
  keyFile,
  login,
}: EtcdSettings): Promise<EtcdSecrets> {
  if (login !== null) await readEtcdPassword(login.passwordFile);
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(contentOf));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function contentOf(path: string | null): Promise<Buffer | undefined> {
  if (path === null) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new AgentError('STORE_FILE', `${path} can't be read: ${code}`, 'fatal', cause);
  }
}

/** One etcd. A call that an endpoint fails goes to nobody else: the next one does. */
export class EtcdStore implements RelayStore, ArbiterStore {
  readonly #settings: EtcdSettings;
  /** Null: no user. */
  readonly #login: EtcdLogin | null;
  readonly #secrets: EtcdSecrets;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  /** Whose turn it is. */
  #turn = 0;

  constructor(settings: EtcdSettings, secrets: EtcdSecrets) {
    this.#settings = settings;
    this.#secrets = secrets;
    const { login } = settings;
    this.#login =
      login && new EtcdLogin(login, (path, body, timeoutMs) => this.#post(path, body, timeoutMs, null));
    const kept = { keepAlive: true, maxSockets: 4, maxFreeSockets: 2, timeout: IDLE_MS };
    this.#agents = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };
  }

  read(key: string, timeoutMs: DurationMs, answered: (result: StoreRead) => void): void {
    const body = { key: this.#encodedKey(key) };
    void this.#ask('/v3/kv/range', body, timeoutMs).then((answer) => answered(readOf(answer)));
  }

  write(
    key: string,
    text: string,
    expected: StoreVersion | null,
    timeoutMs: DurationMs,
    answered: (result: StoreWrite) => void,
  ): void {
    const stands = { target: 'MOD', mod_revision: expected ?? NO_REVISION };
    void this.#put(key, text, stands, timeoutMs).then(answered);
  }

  swap(
    key: string,
    text: string,
    expected: string | null,
    timeoutMs: DurationMs,
    answered: (result: StoreSwap) => void,
  ): void {
    const stands =
      expected === null
        ? { target: 'MOD', mod_revision: NO_REVISION }
        : { target: 'VALUE', value: Buffer.from(expected).toString('base64') };
    void this.#put(key, text, stands, timeoutMs).then((written) =>
      answered(written.kind === 'written' ? { kind: 'written' } : written),
    );
  }

  /** @param stands what etcd has to find there, as its transactions compare it */
  async #put(key: string, text: string, stands: object, timeoutMs: DurationMs): Promise<StoreWrite> {
    const encoded = this.#encodedKey(key);
    const body = {
      compare: [{ key: encoded, result: 'EQUAL', ...stands }],
      success: [{ request_put: { key: encoded, value: Buffer.from(text).toString('base64') } }],
    };
    return writeOf(await this.#ask('/v3/kv/txn', body, timeoutMs));
  }

  /** Close kept connections; what is under way ends by itself. */
  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #encodedKey(key: string): string {
    return Buffer.from(this.#settings.prefix + key).toString('base64');
  }

  /** With the user's token, where there is one: a call that is refused for it hasn't been done, and is made once more. */
  async #ask(path: string, body: unknown, timeoutMs: DurationMs): Promise<EtcdAnswer> {
    const login = this.#login;
    if (login === null) return this.#post(path, body, timeoutMs, null);
    const deadline = performance.now() + timeoutMs;
    const leftMs = (): DurationMs => Math.max(1, deadline - performance.now());
    for (let isRepeated = false; ; isRepeated = true) {
      const shown = login.token(leftMs());
      const given = await shown;
      if (given.kind === 'failed') return given;
      const answer = await this.#post(path, body, leftMs(), given.token);
      if (!login.refused(answer, shown) || isRepeated) return answer;
    }
  }

  /** Never throws: whatever goes wrong is a failure. */
  #post(path: string, body: unknown, timeoutMs: DurationMs, token: string | null): Promise<EtcdAnswer> {
    const { endpoints } = this.#settings;
    const { host, port, secure } = httpUrl(endpoints[this.#turn % endpoints.length] ?? '');
    const sent = JSON.stringify(body);
    const options: RequestOptions = {
      host,
      port,
      method: 'POST',
      path,
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(sent),
        ...(token === null ? {} : { Authorization: token }),
      },
    };
    return new Promise((resolve) => {
      const request = secure
        ? httpsRequest({ ...options, ...this.#secrets, agent: this.#agents.https })
        : httpRequest({ ...options, agent: this.#agents.http });
      const end = (answer: EtcdAnswer): void => {
        clearTimeout(timer);
        if (answer.kind === 'failed') this.#turn += 1;
        resolve(answer);
      };
      const fail = (code: string, detail: string): void => {
        end({ kind: 'failed', code, detail: detail.slice(0, MAX_DETAIL_CHARS) });
        request.destroy();
      };
      const timer = setTimeout(
        () => fail(TIMEOUT, `no answer within ${Math.round(timeoutMs)} ms`),
        timeoutMs,
      );
      request.on('error', (error) => fail(codeOf(error), error.message));
      boundAnswer(request, MAX_ANSWER_BYTES, (error) => fail('malformed', error.message));
      request.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', (error) => fail(codeOf(error), error.message));
        response.on('end', () => end(answerOf(response.statusCode ?? 0, Buffer.concat(parts).toString())));
      });
      request.end(sent);
    });
  }
}

function answerOf(status: number, text: string): EtcdAnswer {
  const body = fieldsOf(parsed(text));
  if (status === 200 && body !== null) return { kind: 'answer', body };
  // Such as `etcdserver: mvcc: database space exceeded`, `etcdserver: no leader`, `etcdserver: user name is empty`.
  const said = body === null ? '' : String(body.message ?? body.error ?? '');
  const detail = `answered with status ${status}${said === '' ? '' : `: ${said}`}`;
  return {
    kind: 'failed',
    code: status === 200 ? 'malformed' : `http-${status}`,
    detail: detail.slice(0, MAX_DETAIL_CHARS),
  };
}

function readOf(answer: EtcdAnswer): StoreRead {
  if (answer.kind === 'failed') return answer;
  const { kvs } = answer.body;
  if (kvs === undefined || (Array.isArray(kvs) && kvs.length === 0)) return { kind: 'none' };
  const pair = Array.isArray(kvs) ? fieldsOf(kvs[0]) : null;
  const version = revisionOf(pair?.mod_revision);
  const { value = '' } = pair ?? {};
  if (version === null || typeof value !== 'string') return MALFORMED;
  return { kind: 'item', version, text: Buffer.from(value, 'base64').toString() };
}

/** Fields that are false or empty are left out of the gateway's answers. */
function writeOf(answer: EtcdAnswer): StoreWrite {
  if (answer.kind === 'failed') return answer;
  if (answer.body.succeeded !== true) return { kind: 'conflict' };
  const version = revisionOf(fieldsOf(answer.body.header)?.revision);
  return version === null ? MALFORMED : { kind: 'written', version };
}

const MALFORMED: StoreFailure = {
  kind: 'failed',
  code: 'malformed',
  detail: 'the answer is none of etcd 3.4 or later',
};

function revisionOf(value: unknown): string | null {
  return typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value) ? value : null;
}

function fieldsOf(value: unknown): EtcdFields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as EtcdFields) // every field is looked at before it is used
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // what isn't JSON is no answer of etcd's
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'unreachable';
}
