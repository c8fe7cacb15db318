/** Web hooks as they are told of events, over real sockets, and their secrets. */
import { chmod } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { readWebhookSecrets } from '../src/auth/webhook-secrets.ts';
import type { WebhookSettings } from '../src/config/types.ts';
import { listen } from './support/loopback.ts';
import { EVENT, hook, KEY, secretFile, tell } from './support/receivers.ts';

/** A web hook that answers every request with this, and what it was sent. */
async function hookAt(answer: string, form: WebhookSettings['form'] = 'json', keyFile: string | null = null) {
  const bodies: string[] = [];
  const requests: string[] = [];
  const { port } = await listen((socket, _, request) => {
    const [head = '', begun = ''] = request.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    let body = begun;
    const done = (): void => {
      if (Buffer.byteLength(body, 'latin1') < length) return;
      requests.push(head);
      bodies.push(Buffer.from(body, 'latin1').toString('utf8'));
      socket.end(answer);
    };
    socket.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
      done();
    });
    done();
  });
  const url = `http://127.0.0.1:${port}/hooks/T0/s3cret?x=1`;
  return { webhook: hook({ url, form, keyFile }), bodies, requests };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a web hook', () => {
  test('gets the event as JSON, by a POST to its whole URL', async () => {
    const { webhook, bodies, requests } = await hookAt(OK);
    const { result } = await tell({ webhooks: [webhook] });
    expect(result).toMatchObject({ kind: 'accepted', request: { service: 'webhook', result: 'ok' } });
    expect(requests[0]?.split('\r\n')[0]).toBe('POST /hooks/T0/s3cret?x=1 HTTP/1.1');
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      version: 1,
      id: 'saturn-7-12',
      event: 'blocked',
      at: '2026-01-02T03:04:05Z',
      cluster: 'web',
      node: 'saturn',
      address: '203.0.113.7',
      subject: EVENT.subject,
      text: EVENT.message,
      details: { reason: 'paused' },
    });
  });

  test.each([
    ['the key that it has', `${KEY}\n`],
    ['a key as receivers write it', `# new\nwhsec_${KEY}\n`],
    ['its old key, while it is changed', `${Buffer.alloc(32, 7).toString('base64')}\n${KEY}\n`],
  ])('verifies by %s, with a library that others wrote', async (_, keys) => {
    const { webhook, bodies, requests } = await hookAt(OK, 'json', await secretFile(keys));
    await tell({ webhooks: [webhook] });
    const headers = Object.fromEntries(
      (requests[0] ?? '')
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(': ') as [string, string]), // each has one
    );
    const body = bodies[0] ?? '';
    expect(new Webhook(KEY).verify(body, headers)).toMatchObject({ id: 'saturn-7-12' });
    expect(headers['webhook-id']).toBe('saturn-7-12');
    expect(() => new Webhook(KEY).verify(body.replace('web', 'wab'), headers)).toThrow();
    expect(() => new Webhook(KEY).verify(body, { ...headers, 'webhook-id': 'saturn-7-13' })).toThrow();
  });

  test('of Slack gets a text in which nothing is markup', async () => {
    const { webhook, bodies } = await hookAt(OK, 'slack');
    await tell({ webhooks: [webhook] });
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      text: '*HAProxy failover blocked*\n203.0.113.7 is down and no node may take it\nsaturn: &lt;b&gt; &amp; "unfit"',
    });
  });

  test('of PagerDuty gets an alert, and its end resolves it', async () => {
    const keyFile = await secretFile('R0123456789ABCDEF0123456789ABCDE\n');
    const { webhook, bodies } = await hookAt(
      'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n',
      'pagerduty',
      keyFile,
    );
    await tell({ webhooks: [webhook] });
    await tell({ webhooks: [webhook] }, { ...EVENT, id: 'saturn-7-13', event: 'served' });
    const [alert, end] = bodies.map((body): unknown => JSON.parse(body));
    expect(alert).toMatchObject({
      routing_key: 'R0123456789ABCDEF0123456789ABCDE',
      event_action: 'trigger',
      dedup_key: 'failtome web 203.0.113.7 outage',
      payload: {
        summary: '203.0.113.7 is down and no node may take it',
        source: 'saturn',
        severity: 'critical',
        timestamp: '2026-01-02T03:04:05Z',
        class: 'blocked',
        custom_details: { id: 'saturn-7-12', reason: 'paused' },
      },
    });
    expect(end).toMatchObject({ event_action: 'resolve', dedup_key: 'failtome web 203.0.113.7 outage' });
  });

  test.each([
    ['204 No Content', 'json', 'accepted', false],
    ['302 Found\r\nLocation: http://127.0.0.1:1/', 'json', 'failed', false],
    ['400 Bad Request', 'json', 'failed', true],
    ['400 Bad Request', 'pagerduty', 'failed', false],
    ['401 Unauthorized', 'json', 'failed', false],
    ['413 Content Too Large', 'slack', 'failed', true],
    ['429 Too Many Requests', 'json', 'failed', false],
    ['503 Service Unavailable', 'json', 'failed', false],
  ] as const)(
    'that answers %s in the form %s has %s it; refused for good: %s',
    async (status, form, kind, refused) => {
      const { webhook } = await hookAt(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`, form);
      const { result } = await tell({ webhooks: [webhook] });
      expect(result).toMatchObject({ kind, ...(kind === 'failed' ? { refused } : {}) });
    },
  );

  test('that nobody listens at, or whose name does not resolve, has failed, and the word of it holds no secret', async () => {
    for (const url of ['http://127.0.0.1:1/hooks/s3cret', 'http://nowhere.invalid/hooks/s3cret']) {
      const { result } = await tell({ webhooks: [hook({ url })] });
      expect(result.kind).toBe('failed');
      expect(JSON.stringify(result)).not.toContain('s3cret');
    }
  });

  test('that never answers has failed when its time is up, and its connection is closed', async () => {
    const silent = await listen(() => undefined);
    const { result } = await tell(
      { webhooks: [hook({ url: `http://127.0.0.1:${silent.port}/` })] },
      { ...EVENT, timeoutMs: 100 },
    );
    expect(result).toMatchObject({ kind: 'failed', detail: 'connected, but no answer within 100 ms' });
    await expect.poll(() => silent.open.size).toBe(0);
  });

  test.each([
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(65_536), 'accepted'],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X-More: 1\r\n'.repeat(6_000), 'failed'],
    ['informational responses', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3_000), 'failed'],
  ])('that sends %s without end is cut off', async (_, begin, again, kind) => {
    let sent = 0;
    const { port } = await listen((socket) => {
      socket.write(begin);
      const pour = (): void => {
        while (!socket.destroyed && sent < 64 * 1_048_576) {
          sent += again.length;
          if (!socket.write(again)) return void socket.once('drain', pour);
        }
        socket.destroy();
      };
      pour();
    });
    const { result } = await tell({ webhooks: [hook({ url: `http://127.0.0.1:${port}/` })] });
    expect(result.kind).toBe(kind);
    expect(sent).toBeLessThan(32 * 1_048_576);
  });

  test('whose certificate nobody vouches for is told nothing', async () => {
    const strange = await listen((socket) => socket.end(OK), { tls: true });
    const { result } = await tell({ webhooks: [hook({ url: `https://127.0.0.1:${strange.port}/` })] });
    expect(result.kind).toBe('failed');
    expect(strange.requests.join('')).toBe('');
  });

  test('that a reload took away while its event waited for the disk is no fault of the agent', async () => {
    const { result } = await tell({ webhooks: [] });
    expect(result).toMatchObject({ kind: 'failed', detail: 'ops is not configured' });
  });
});

describe('the secrets of a web hook', () => {
  const read = (parts: Partial<WebhookSettings>) => readWebhookSecrets(hook(parts));

  test('are read from files, and a URL without TLS to elsewhere is warned of without its path', async () => {
    const urlFile = await secretFile('# ops\nhttp://hooks.example.org/T0/s3cret\n');
    const { url, warnings } = await read({ urlFile });
    expect(url).toBe('http://hooks.example.org/T0/s3cret');
    expect(warnings).toEqual([expect.stringContaining('http: whoever is on the way can read it')]);
    expect(warnings.join()).not.toContain('s3cret');
  });

  test.each([
    ['two URLs', 'urlFile', 'https://a.example/s3cret\nhttps://b.example/\n'],
    ['no URL', 'urlFile', 's3cret\n'],
    ['a URL with a password', 'urlFile', 'https://a:s3cret@a.example/\n'],
    ['nothing', 'urlFile', '# s3cret\n'],
    ['a key that is too short', 'keyFile', 'czNjcmV0\n'],
    ['no key', 'keyFile', 's3cret!\n'],
    ['three keys', 'keyFile', `${KEY}\n${KEY}\n${KEY}\n`],
  ] as const)('are refused where a file holds %s, without what it holds', async (_, key, text) => {
    const path = await secretFile(text);
    const error: unknown = await read({ url: 'https://a.example/', [key]: path }).catch(
      (reason: unknown) => reason,
    );
    expect(String(error)).toContain(path);
    expect(String(error)).not.toMatch(/s3cret|czNjcmV0|MfKQ/);
  });

  test('are warned of where others may read them', async () => {
    const keyFile = await secretFile(`${KEY}\n`);
    await chmod(keyFile, 0o644);
    const { warnings } = await read({ url: 'https://a.example/', keyFile });
    expect(warnings).toEqual([expect.stringContaining('chmod 0640')]);
  });
});
