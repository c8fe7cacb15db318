/** What `failtome check` tries of web hooks and programs: they are told nothing. */
import { describe, expect, test } from 'vitest';
import { preflightReceivers } from '../src/adapters/preflight-receivers.ts';
import type { AgentConfig } from '../src/config/types.ts';
import { listen, refusedPort } from './support/loopback.ts';
import { hook } from './support/receivers.ts';

describe('the check of receivers', () => {
  const lines = (notify: Partial<AgentConfig['notify']>, env = {}) =>
    preflightReceivers(
      { notify: { sns: null, webhooks: [], exec: null, blockedAfterMs: null, ...notify } },
      env,
    );

  test('connects to a web hook and sends it nothing', async () => {
    const silent = await listen(() => undefined);
    const url = `http://127.0.0.1:${silent.port}/hooks/s3cret`;
    const [line] = await lines({ webhooks: [hook({ url, events: ['taken'] })] });
    expect(line).toMatchObject({
      name: 'web hook ops',
      state: 'ok',
      found: `http://127.0.0.1:${silent.port}/… takes connections: 1 event; nothing was sent`,
    });
    expect(silent.requests.join('')).toBe('');
  });

  test.each([
    ['that nobody listens at', async () => `http://127.0.0.1:${await refusedPort()}/s3cret`, /ECONNREFUSED/],
    ['whose name does not resolve', async () => 'https://nowhere.invalid/s3cret', /nowhere\.invalid/],
    [
      'whose certificate nobody vouches for',
      async () => `https://127.0.0.1:${(await listen(() => undefined, { tls: true })).port}/s3cret`,
      /self-signed|certificate/,
    ],
  ])('fails for a web hook %s, without what is secret', async (_, url, reason) => {
    const found = await lines({ webhooks: [hook({ url: await url() })] });
    expect(found).toMatchObject([
      { name: 'web hook ops', state: 'fail', found: expect.stringMatching(reason) },
    ]);
    expect(JSON.stringify(found)).not.toContain('s3cret');
  });

  test('fails for a file that is not there', async () => {
    const found = await lines({ webhooks: [hook({ urlFile: '/nonexistent/url' })] });
    expect(found).toMatchObject([
      { state: 'fail', found: expect.stringContaining('/nonexistent/url does not exist') },
    ]);
  });

  test.each([
    ['by its whole path', ['/bin/sh'], '', 'ok'],
    ['by its name, in PATH', ['sh'], '/nonexistent:/bin', 'ok'],
    ['that is not in PATH', ['sh'], '/nonexistent', 'fail'],
    ['that may not be run', [import.meta.filename], '', 'fail'],
  ])('looks whether a program may be run: %s', async (_, command, PATH, state) => {
    const exec = { command, timeoutMs: 1_000, events: [] };
    expect(await lines({ exec }, { PATH })).toMatchObject([{ name: 'program of notify.exec', state }]);
  });
});
