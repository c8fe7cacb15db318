import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HistoryEntry, StatusView, WhyView } from '@failtome/protocol';

const requestTimeoutMs = 2_000;
/** More than any answer of an agent. */
const answerBytes = 16 * 1024 * 1024;

/** What an agent's API answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** A sample of a metric: its labels and its value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What an agent shows to anyone who asks, on connections of their own. Every method rejects when it doesn't answer. */
export class AgentApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  status(): Promise<StatusView> {
    return this.#json('/v1/status');
  }

  why(ip: string): Promise<WhyView> {
    return this.#json(`/v1/why?ip=${encodeURIComponent(ip)}`);
  }

  /** Newest first. */
  history(): Promise<readonly HistoryEntry[]> {
    return this.#json('/v1/history');
  }

  /** Whether the agent says that it holds the address. */
  async holds(ip: string): Promise<boolean> {
    return (await this.get(`/v1/holder?ip=${encodeURIComponent(ip)}`)).status === 200;
  }

  async ready(): Promise<HttpAnswer> {
    return this.get('/readyz');
  }

  /** All samples of one metric; the name with or without its `failtome_` prefix. */
  async metric(name: string): Promise<readonly Sample[]> {
    const { body } = await this.get('/metrics');
    const full = name.startsWith('failtome_') ? name : `failtome_${name}`;
    return body.split('\n').flatMap((line) => sampleOf(line, full));
  }

  get(path: string): Promise<HttpAnswer> {
    return exchange(new URL(path, this.url), { method: 'GET' });
  }

  /** Sends anything, for tests that forge. */
  send(
    path: string,
    options: {
      readonly method: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    },
  ): Promise<HttpAnswer> {
    return exchange(new URL(path, this.url), options);
  }

  async #json<T>(path: string): Promise<T> {
    const { status, body } = await this.get(path);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 200)}`);
    return JSON.parse(body) as T; // the agent's own types, as the protocol exports them
  }
}

function exchange(
  url: URL,
  {
    method,
    headers = {},
    body,
  }: {
    readonly method: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | undefined;
  },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(requestTimeoutMs);
    const options = { method, headers, agent: false, signal } as const;
    const onResponse = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > answerBytes)
          sent.destroy(new Error(`${url} answered more than ${answerBytes} bytes.`));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    };
    // Whose certificate it is, is a matter of the agents' own tests.
    const sent: ClientRequest =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, rejectUnauthorized: false }, onResponse)
        : httpRequest(url, options, onResponse);
    sent.on('error', reject);
    sent.end(body);
  });
}

function sampleOf(line: string, name: string): readonly Sample[] {
  const [, found, labels = '', value] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  if (found !== name || value === undefined) return [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return [{ labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])), value: Number(value) }];
}
