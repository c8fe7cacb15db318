import { Agent } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { DescribeAddressesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { worthRepeating } from '@failtome/ports';
import { afterEach, describe, expect, test } from 'vitest';
import { failureOf, requestIdOf } from '../src/adapters/aws-failure.ts';

/** An error as the SDK makes it of an answer. */
function serviceError(name: string, httpStatusCode: number, message = 'no'): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode, requestId: 'r-1' },
  });
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

const named = (name: string, message = 'no') => Object.assign(new Error(message), { name });

const CASES: readonly (readonly [what: string, error: unknown, expected: string])[] = [
  ['EC2’s throttle, a 503', serviceError('RequestLimitExceeded', 503), 'throttled RequestLimitExceeded'],
  ['OpsWorks’s throttle, a 400', serviceError('ThrottlingException', 400), 'throttled ThrottlingException'],
  ['SNS’s throttle', serviceError('Throttling', 400), 'throttled Throttling'],
  ['any 429', serviceError('SomethingNew', 429), 'throttled SomethingNew'],
  ['a missing permission', serviceError('UnauthorizedOperation', 403), 'refused UnauthorizedOperation'],
  ['expired credentials', serviceError('RequestExpired', 400), 'refused RequestExpired'],
  ['a failed authentication', serviceError('AuthFailure', 401), 'refused AuthFailure'],
  ['a failure of the service', serviceError('InternalError', 500), 'unknown InternalError'],
  ['a service away, a 503', serviceError('Unavailable', 503), 'unknown Unavailable'],
  ['a server that gave up waiting, a 408', serviceError('RequestTimeout', 408), 'unknown RequestTimeout'],
  ['a 403 without a code of AWS’s', serviceError('UnknownError', 403), 'unknown Http403'],
  [
    'a page in place of XML',
    Object.assign(named('SyntaxError'), { $metadata: { httpStatusCode: 200 } }),
    'unknown Http200',
  ],
  ['nobody listening', systemError('ECONNREFUSED', 'connect'), 'refused ECONNREFUSED'],
  ['no route', systemError('ENETUNREACH', 'connect'), 'refused ENETUNREACH'],
  ['no such name', systemError('ENOTFOUND', 'getaddrinfo'), 'refused ENOTFOUND'],
  [
    'nobody on any family',
    Object.assign(
      new AggregateError([systemError('ECONNREFUSED', 'connect'), systemError('ETIMEDOUT', 'connect')]),
      { code: 'ECONNREFUSED' },
    ),
    'refused ECONNREFUSED',
  ],
  [
    'a family that broke after the request left',
    Object.assign(
      new AggregateError([systemError('ECONNREFUSED', 'connect'), systemError('ECONNRESET', 'read')]),
      { code: 'ECONNRESET' },
    ),
    'unknown ECONNRESET',
  ],
  ['a connection reset while reading', systemError('ECONNRESET', 'read'), 'unknown ECONNRESET'],
  ['a connection reset while writing', systemError('ECONNRESET', 'write'), 'unknown ECONNRESET'],
  [
    'a time-out of the socket',
    Object.assign(named('TimeoutError'), { code: 'ETIMEDOUT' }),
    'unknown ETIMEDOUT',
  ],
  ['no credentials', named('CredentialsProviderError'), 'refused CredentialsProviderError'],
  ['no region', new Error('Region is missing'), 'refused RegionMissing'],
  ['something thrown that is no error', 'oops', 'unknown Thrown'],
  ['something else', new RangeError('bug'), 'unknown RangeError'],
];

test.each(CASES)('%s counts as it should', (_what, error, expected) => {
  const failure = failureOf(error, false);
  const kind = failure.kind === 'refused' && failure.throttled ? 'throttled' : failure.kind;
  expect(`${kind} ${failure.code}`).toBe(expected);
});

test('a call that was given up is unknown, and named so', () => {
  expect(failureOf(named('AbortError'), true)).toMatchObject({ kind: 'unknown', code: 'Timeout' });
});

test('an answer that came before a call was given up keeps its meaning', () => {
  expect(failureOf(serviceError('UnauthorizedOperation', 403), true)).toMatchObject({ kind: 'refused' });
});

test.each([
  "The Canonical String for this request should have been 'POST\n/\n\nx-amz-security-token:SECRET'",
  'Authorization header requires Credential=AKIASECRET/20250101',
])('a message that repeats what was signed is not passed on', (message) => {
  expect(JSON.stringify(failureOf(serviceError('SignatureDoesNotMatch', 403, message), false))).not.toContain(
    'SECRET',
  );
});

test('a message is one bounded line', () => {
  const { message } = failureOf(serviceError('Odd', 400, `a\nb ${'x'.repeat(2000)}`), false);
  expect(message).toMatch(/^a b x+…$/);
  expect(message.length).toBeLessThanOrEqual(501);
});

test('an answer without an id has none', () => {
  expect(requestIdOf(serviceError('A', 400))).toBe('r-1');
  expect(requestIdOf(new Error('no'))).toBeNull();
  expect(requestIdOf(undefined)).toBeNull();
});

test.each([
  [serviceError('UnauthorizedOperation', 403), false],
  [serviceError('Throttling', 400), true],
  [serviceError('InternalError', 500), true],
  [named('CredentialsProviderError'), false],
])('%s is worth another read: %s', (error, expected) => {
  expect(worthRepeating(failureOf(error, false))).toBe(expected);
});

describe('with the SDK itself', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  type NodeHttpHandlerOptions = { readonly httpAgent?: Agent; readonly connectionTimeout?: number };

  /** A server that does as it is told with each connection. */
  async function listen(onConnection: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo; // a TCP server's address is never a string
    return port;
  }

  async function failureAt(endpoint: string, handler: NodeHttpHandlerOptions = {}) {
    const client = new EC2Client({
      endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: { requestTimeout: 500, throwOnRequestTimeout: true, ...handler },
    });
    closing.push(async () => client.destroy());
    return client.send(new DescribeAddressesCommand({})).then(
      () => {
        throw new Error('it should have failed');
      },
      (error: unknown) => failureOf(error, false),
    );
  }

  test('a port where nobody listens is a definite no', async () => {
    const port = await listen(() => undefined);
    for (const close of closing.splice(0)) await close();
    expect(await failureAt(`http://127.0.0.1:${port}`)).toMatchObject({
      kind: 'refused',
      code: 'ECONNREFUSED',
    });
  });

  test('a name that does not exist is a definite no', async () => {
    expect(await failureAt('http://ec2.invalid')).toMatchObject({ kind: 'refused' });
  });

  test('a connection that does not come about in time is a definite no', async () => {
    const httpAgent = new Agent({ lookup: () => undefined });
    expect(await failureAt('http://ec2.invalid', { httpAgent, connectionTimeout: 50 })).toMatchObject({
      kind: 'refused',
      code: 'ConnectTimeout',
    });
    httpAgent.destroy();
  });

  test('a server that says nothing is unknown', async () => {
    const port = await listen((socket) => socket.resume());
    expect(await failureAt(`http://127.0.0.1:${port}`)).toMatchObject({ kind: 'unknown', code: 'ETIMEDOUT' });
  });

  test('a server that hangs up on the request is unknown', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.destroy()));
    expect(await failureAt(`http://127.0.0.1:${port}`)).toMatchObject({
      kind: 'unknown',
      code: 'ECONNRESET',
    });
  });

  test.each([200, 403, 503])('a page with status %s in place of an answer is unknown', async (status) => {
    const page = '<html><body>Please log in</body>';
    const port = await listen((socket) =>
      socket.once('data', () =>
        socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: ${page.length}\r\n\r\n${page}`),
      ),
    );
    expect(await failureAt(`http://127.0.0.1:${port}`)).toMatchObject({ kind: 'unknown' });
  });
});
