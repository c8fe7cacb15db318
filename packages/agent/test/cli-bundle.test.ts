/** `failtome bundle`: what it gathers, what it names as missing, and that it writes over nothing. */
import { readBundle } from '@failtome/recording';
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signResponse } from '../src/auth/signature.ts';
import type { HttpRequest, HttpResult } from '../src/cli/http.ts';
import { MAX_PIECE_BYTES } from '../src/http/recording-routes.ts';
import { answered, cli, KEYS, type World } from './support/cli.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const HOUR = 3_600_000;

interface FakeNode {
  /** By name, when each began and what it holds. */
  readonly recordings?: Readonly<Record<string, { readonly began: number; readonly content: Buffer }>>;
  readonly keys?: typeof KEYS;
  /** Answers 503 so often first. */
  readonly busy?: number;
  readonly cluster?: unknown;
}

/** Nodes by their URL, as agents answer; at other URLs nobody listens. */
function nodes(all: Readonly<Record<string, FakeNode>>): { world: World; made: Map<string, Uint8Array> } {
  const made = new Map<string, Uint8Array>();
  const busy = new Map(Object.entries(all).map(([url, node]) => [url, node.busy ?? 0]));
  const http = async (request: HttpRequest): Promise<HttpResult> => {
    const { origin, pathname, searchParams, search } = new URL(request.url);
    const node = all[origin];
    if (node === undefined) return { kind: 'failed', detail: 'nobody listens there' };
    const left = busy.get(origin) ?? 0;
    if (left > 0) {
      busy.set(origin, left - 1);
      return answered(503, { error: { code: 'overloaded', message: 'busy' } });
    }
    if (pathname !== '/v1/recordings')
      return answered(200, pathname === '/v1/cluster' ? (node.cluster ?? {}) : {});
    const { recordings = {}, keys = KEYS } = node;
    const name = searchParams.get('name');
    const from = Number(searchParams.get('from') ?? 0);
    const listed = Object.entries(recordings).map(([id, { began, content }]) => ({
      name: id,
      began,
      bytes: content.length,
    }));
    const content = recordings[name ?? '']?.content.subarray(from, from + MAX_PIECE_BYTES).toString('base64');
    const told = {
      node: origin.slice(7, 13),
      cluster: 'web',
      version: '1.2.3',
      wall: NOW + 250,
      recorder: {},
      recordings: listed,
    };
    const body = JSON.stringify(name === null ? told : { name, from, content });
    const requestSignature = request.headers?.[SIGNATURE_HEADER] ?? '';
    const signed = { method: 'GET', path: pathname + search, body, status: 200, requestSignature };
    const signature = signResponse(keys, signed);
    return {
      kind: 'answered',
      status: 200,
      header: (wanted) => (wanted === SIGNATURE_HEADER ? signature : null),
      body,
    };
  };
  const createPrivate = async (path: string, bytes: Uint8Array): Promise<void> => {
    if (made.has(path)) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
    made.set(path, bytes);
  };
  return { world: { http, createPrivate }, made };
}

const SATURN = 'http://127.0.0.1:8741';
const NEPTUNE = 'http://10.0.1.11:8741';
const args = ['bundle', '-c', '/etc/failtome/failtome.yaml', '-o', '/tmp/b.tar.gz'];

async function bundleIn(made: Map<string, Uint8Array>) {
  return readBundle(Buffer.from(made.get('/tmp/b.tar.gz') ?? []));
}

test('it has what each node has recorded of that time, whole, and what each shows', async () => {
  const long = Buffer.alloc(2 * MAX_PIECE_BYTES + 5, 'abc');
  const recordings = {
    old: { began: NOW - 9 * HOUR, content: Buffer.from('old') },
    before: { began: NOW - 3 * HOUR, content: Buffer.from('it ends within the time') },
    within: { began: NOW - HOUR, content: long },
  };
  const { world, made } = nodes({ [SATURN]: { recordings }, [NEPTUNE]: { recordings: {} } });
  const { code, out } = await cli(args, world);
  expect(code).toBe(0);
  expect(out).toContain('/tmp/b.tar.gz: ');
  const { manifest, files } = await bundleIn(made);
  expect(manifest).toMatchObject({ cluster: 'web', madeAt: NOW, since: NOW - 2 * HOUR, missing: [] });
  expect(manifest.nodes.map(({ id, version, aheadMs }) => [id, version, aheadMs])).toEqual([
    ['saturn', '1.2.3', 250],
    ['neptune', '1.2.3', 250],
  ]);
  expect([...files.keys()].filter((name) => name.includes('/recordings/'))).toEqual([
    'node-saturn/recordings/before',
    'node-saturn/recordings/within',
  ]);
  expect(files.get('node-saturn/recordings/within')?.equals(long)).toBe(true);
  expect([...files.keys()]).toContain('check.json');
});

test('a node that has no time is asked again', async () => {
  const { world, made } = nodes({ [SATURN]: { busy: 30 }, [NEPTUNE]: {} });
  expect((await cli(args, world)).code).toBe(0);
  expect((await bundleIn(made)).manifest.missing).toEqual([]);
});

test('what could not be had is named, in the file and to who asks', async () => {
  const { world, made } = nodes({ [SATURN]: {} });
  const { code, out } = await cli(args, world);
  const missing = { what: 'neptune: recordings and configuration', why: 'nobody listens there' };
  expect([code, out]).toEqual([0, expect.stringContaining(`not had: ${missing.what}: ${missing.why}`)]);
  const { manifest, files } = await bundleIn(made);
  expect(manifest.missing).toEqual([missing]);
  expect(JSON.parse(String(files.get('reachability.json')))).toEqual([
    { from: null, to: 'saturn', answers: true, why: '' },
    { from: null, to: 'neptune', answers: false, why: 'nobody listens there' },
  ]);
});

test('whether the nodes reach each other is as they say', async () => {
  const cluster = {
    nodes: [
      { id: 'saturn', self: true, state: null, ageMs: 0, failure: null },
      {
        id: 'neptune',
        self: false,
        state: 'dead',
        ageMs: null,
        failure: { code: 'timeout', message: 'no answer' },
      },
    ],
  };
  const { world, made } = nodes({ [SATURN]: { cluster }, [NEPTUNE]: {} });
  await cli(args, world);
  const { files } = await bundleIn(made);
  expect(JSON.parse(String(files.get('reachability.json')))).toContainEqual({
    from: 'saturn',
    to: 'neptune',
    answers: false,
    why: 'no answer',
    state: 'dead',
  });
});

test('an answer that another key has signed is none of the node', async () => {
  const { generateKeySync } = await import('node:crypto');
  const keys = [generateKeySync('hmac', { length: 256 })] as const;
  const { world, made } = nodes({ [SATURN]: {}, [NEPTUNE]: { keys } });
  expect((await cli(args, world)).code).toBe(0);
  expect((await bundleIn(made)).manifest.missing).toContainEqual({
    what: 'neptune: recordings and configuration',
    why: 'its answer is not signed with this key',
  });
});

test('where nobody answers nothing is written', async () => {
  const { world, made } = nodes({});
  const { code, err } = await cli(args, world);
  expect([code, made.size]).toEqual([1, 0]);
  expect(err).toContain('saturn: recordings and configuration: nobody listens there');
});

test('a file that is there stays', async () => {
  const { world, made } = nodes({ [SATURN]: {} });
  made.set('/tmp/b.tar.gz', Buffer.from('mine'));
  const { code, err } = await cli(args, world);
  expect([code, err]).toEqual([1, "/tmp/b.tar.gz can't be written: there is something already\n"]);
});
