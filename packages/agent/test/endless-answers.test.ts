/** Answers without an end, from whoever is asked: each is cut off early, and told as what it is. */
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DescribeAddressesCommand } from '@aws-sdk/client-ec2';
import { DescribeElasticIpsCommand } from '@aws-sdk/client-opsworks';
import type { CheckResult, Event } from '@failtome/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { boundAllAnswers, MAX_ANSWER_BYTES, MAX_INFORMATIONAL } from '../src/adapters/answer-bounds.ts';
import { checkXml, MAX_BODY_BYTES, MAX_XML_BYTES, MAX_XML_DEPTH } from '../src/adapters/aws-answers.ts';
import { type AwsClients, callAws, contextFor, createAwsClients } from '../src/adapters/aws-clients.ts';
import { ExternalIp } from '../src/adapters/external-ip.ts';
import { CheckRunner, checkTarget } from '../src/adapters/http-check.ts';
import { InstanceMetadata } from '../src/adapters/instance-metadata.ts';
import { PeerTransport } from '../src/adapters/transport.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import { envelope, KEYS } from './support/api.ts';
import { listen, networkDependencies } from './support/loopback.ts';

/** A server of these tests sends no more than this, so that a test that fails ends, too. */
const MOST_SENT = 64 * 1_048_576;

/** What is on its way when the other side closes: buffers of the two sockets. */
const IN_FLIGHT = 8 * 1_048_576;

const BODY = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** How an answer begins, and what comes then again and again. */
const ENDLESS = {
  'informational responses': ['', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  continuations: ['', 'HTTP/1.1 100 Continue\r\n\r\n'],
  'a body': [BODY, chunk('x'.repeat(16_384))],
  'a body of single bytes': [BODY, chunk('x')],
  'a status line': ['HTTP/1.1 200 ', 'x'.repeat(1_024)],
  headers: ['HTTP/1.1 200 OK\r\n', 'X-More: 1\r\n'],
  trailers: [`${BODY}0\r\n`, 'X-More: 1\r\n'],
} as const;
type Kind = keyof typeof ENDLESS;
const KINDS = Object.keys(ENDLESS) as readonly Kind[];

interface Flood {
  readonly port: number;
  /** Bytes handed to the system so far, over all connections. */
  sent(): number;
}

async function flood([begin, again]: readonly [string, string]): Promise<Flood> {
  let sent = 0;
  const piece = Buffer.from(again.repeat(Math.ceil(65_536 / again.length)));
  const pour = (socket: Socket): void => {
    while (!socket.destroyed && sent < MOST_SENT) {
      sent += piece.length;
      if (!socket.write(piece)) return void socket.once('drain', () => pour(socket));
    }
    socket.destroy();
  };
  const { port } = await listen((socket) => {
    socket.write(begin);
    pour(socket);
  });
  return { port, sent: () => sent };
}

function check(port: number): Promise<CheckResult> {
  const { clock, names } = networkDependencies();
  const target = checkTarget({
    secure: false,
    connectTo: '127.0.0.1',
    port,
    path: '/',
    host: 'www.example.org',
  });
  const runner = new CheckRunner({ clock, names });
  return new Promise((done) =>
    runner.run({ target, expect: [{ from: 200, to: 399 }], timeoutMs: 2_000 }, done),
  );
}

test.each(KINDS)('a probe and a local check are not held up by %s without end', async (kind) => {
  const service = await flood(ENDLESS[kind]);
  const result = await check(service.port);
  // A service that sends a body serves; what comes in place of one or after it is no HTTP.
  const serves = kind.startsWith('a body');
  expect(result).toMatchObject(serves ? { kind: 'ok' } : { kind: 'failed', reason: 'protocol' });
  expect(service.sent()).toBeLessThan(3 * IN_FLIGHT);
});

test('too many informational responses are told as what they are', async () => {
  const service = await flood(ENDLESS['informational responses']);
  expect(await check(service.port)).toMatchObject({
    detail: `the answer has more than ${MAX_INFORMATIONAL} informational responses`,
  });
});

test('as many informational responses as a server may have reason to send do no harm', async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(MAX_INFORMATIONAL);
  const { port } = await listen((socket) =>
    socket.end(`${hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
  );
  expect(await check(port)).toMatchObject({ kind: 'ok', status: 200 });
});

test.each(KINDS)('an external-IP service that sends %s without end is no proof', async (kind) => {
  const service = await flood(ENDLESS[kind]);
  const { inbox, ...dependencies } = networkDependencies();
  const port = new ExternalIp({ urls: [`http://127.0.0.1:${service.port}/`] }, dependencies);
  onTestFinished(() => port.close());
  port.ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 1,
    address: '198.51.100.7',
    timeoutMs: 2_000,
  });
  const event = await inbox.next();
  expect(event).toMatchObject({ kind: 'external-ip', result: { kind: 'failed' } });
  expect(service.sent()).toBeLessThan(3 * IN_FLIGHT);
});

test.each(KINDS)('instance metadata that sends %s without end is refused', async (kind) => {
  const service = await flood(ENDLESS[kind]);
  const { names } = networkDependencies();
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${service.port}` };
  const metadata = new InstanceMetadata({ env, requestTimeoutMs: 20_000 }, { names });
  await expect(metadata.instanceId()).rejects.toMatchObject({ code: expect.stringMatching(/^METADATA_/) });
  expect(service.sent()).toBeLessThan(3 * IN_FLIGHT);
});

test.each(KINDS)('a peer that sends %s without end has not answered', async (kind) => {
  const service = await flood(ENDLESS[kind]);
  const posted: Event[] = [];
  const outcome = new Promise<Event>((resolve) => {
    const transport = new PeerTransport(
      {
        peers: [{ id: 'neptune', url: `http://127.0.0.1:${service.port}` }],
        keys: KEYS,
        identities: SHARED_KEY,
      },
      {
        post: (event) => {
          posted.push(event);
          resolve(event);
        },
        reply: () => undefined,
      },
    );
    onTestFinished(() => transport.close());
    transport.send({
      kind: 'send',
      sendId: 1,
      to: 'neptune',
      route: '/v1/gossip',
      message: envelope({ seq: 1 }),
      fresh: false,
      timeoutMs: 20_000,
      after: 0,
    });
  });
  expect(await outcome).toMatchObject({ kind: 'send-failed', reason: 'malformed' });
  expect(service.sent()).toBeLessThan(IN_FLIGHT);
});

function clientsOf(port: number): AwsClients {
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  const clients = createAwsClients({ region: 'eu-central-1', topicArn: null });
  onTestFinished(() => {
    clients.close();
    vi.unstubAllEnvs();
  });
  return clients;
}

/** One call each to a service that speaks XML and to one that speaks JSON. */
async function callBoth(port: number): Promise<readonly (string | null)[]> {
  const clients = clientsOf(port);
  const { ec2, opsworks } = clients;
  const context = contextFor(20_000, () => undefined);
  const outcomes = await Promise.all([
    callAws(
      clients,
      {
        service: 'ec2',
        operation: 'DescribeAddresses',
        send: (options) => ec2.send(new DescribeAddressesCommand({}), options),
      },
      context,
    ),
    callAws(
      clients,
      {
        service: 'opsworks',
        operation: 'DescribeElasticIps',
        send: (options) => opsworks.send(new DescribeElasticIpsCommand({}), options),
      },
      context,
    ),
  ]);
  return outcomes.map((outcome) =>
    outcome.kind === 'failed' && outcome.failure.kind === 'unknown' ? outcome.failure.code : outcome.kind,
  );
}

test.each(KINDS)(
  'an AWS endpoint that sends %s without end is given up, and its answer unknown',
  async (kind) => {
    const service = await flood(ENDLESS[kind]);
    const [xml, json] = await callBoth(service.port);
    for (const code of [xml, json]) expect(code).toMatch(/^(AnswerTooLarge|HPE_HEADER_OVERFLOW|ECONNRESET)$/);
    expect(service.sent()).toBeLessThan(4 * IN_FLIGHT);
  },
);

const XML = '<?xml version="1.0" encoding="UTF-8"?>';

test.each([
  ['nested without end', `${XML}${'<a>'.repeat(100_000)}`, 'HostileAnswer'],
  ['with document types without end', `${'<!DOCTYPE>'.repeat(100_000)}<a/>`, 'HostileAnswer'],
  ['larger than any of AWS', `${XML}<r>${'<a></a>'.repeat(200_000)}</r>`, 'AnswerTooLarge'],
])('XML %s does not hold the loop up', async (_what, body, code) => {
  const { port } = await listen((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  );
  const delay = monitorEventLoopDelay({ resolution: 10 });
  void delay.enable();
  const [xml] = await callBoth(port);
  void delay.disable();
  expect(xml).toBe(code);
  // The parser alone would take ten times as long, and for document types minutes.
  expect(delay.max / 1e6).toBeLessThan(2_000);
});

test('answers as AWS sends them pass', () => {
  const item = '<item><publicIp>198.51.100.7</publicIp><tagSet><item><key>a</key></item></tagSet><x/></item>';
  const answer = `${XML}\n<!-- a note --><R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><s>${item.repeat(200)}</s></R>`;
  expect(() => checkXml(Buffer.from(answer))).not.toThrow();
  expect(() => checkXml(Buffer.from(`{"a":"${'<b>'.repeat(1_000)}"}`))).not.toThrow();
  const deep = `${'<a>'.repeat(MAX_XML_DEPTH)}${'</a>'.repeat(MAX_XML_DEPTH)}`;
  expect(() => checkXml(Buffer.from(deep))).not.toThrow();
  expect(() => checkXml(Buffer.from(`<b>${deep}</b>`))).toThrow('nested deeper');
  expect(() => checkXml(Buffer.from(`<r>${'x'.repeat(MAX_XML_BYTES)}</r>`))).toThrow('bytes of XML');
  expect(MAX_BODY_BYTES).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
});

test.each(['informational responses', 'a body'] as const)(
  'a request that a library makes by itself is bounded too: %s',
  async (kind) => {
    const service = await flood(ENDLESS[kind]);
    const unbound = boundAllAnswers();
    onTestFinished(unbound);
    const ended = new Promise<Error>((resolve) => {
      const request = httpRequest({ host: '127.0.0.1', port: service.port }, (response) =>
        response.on('error', resolve).resume(),
      );
      request.on('error', resolve).end();
    });
    expect(await ended).toMatchObject({ code: 'AnswerTooLarge' });
    expect(service.sent()).toBeLessThan(MAX_ANSWER_BYTES + IN_FLIGHT);
  },
);
