/** Operators' own keys in commands, and the preflight's questions about who may speak for whom. */
import { type CommandOutcome, decodeMessage } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { IDENTITY_HEADER } from '../src/auth/identities.ts';
import { generateIdentity, parseIdentity, signAs } from '../src/auth/identity.ts';
import { Operators } from '../src/auth/operators.ts';
import { requestBytes, responseBytes, signResponse } from '../src/auth/signature.ts';
import { CONFIG, cli, fakeAgent, KEYS, STATUS } from './support/cli.ts';

const [SATURN, NEPTUNE, ANN] = [generateIdentity(), generateIdentity(), generateIdentity()];
const idOf = (identity: { readonly privateKey: string }): string =>
  parseIdentity(identity.privateKey, '').publicKey.id;

const done = (): CommandOutcome => ({ state: 'done', id: '4', detail: '' });
const operators = new Operators([{ name: 'ann', publicKeys: [parseIdentity(ANN.privateKey, '').publicKey] }]);

describe('an order', () => {
  const FILES = { '/ann.key': ANN.privateKey, '/own.key': SATURN.privateKey };
  const configured = CONFIG.replace('cluster.key }', 'cluster.key, identity: /own.key }');

  /** Who signed each message of a command, in order; null: nobody that is known. */
  async function signers(argv: readonly string[], world: Parameters<typeof cli>[1] = {}) {
    const agent = fakeAgent({ outcome: done });
    const ran = await cli(argv, { http: agent.http, ...world });
    const posts = agent.requests.filter(({ method }) => method === 'POST');
    const by = posts.map(({ url, headers = {}, body = '' }) => {
      const proof = headers[IDENTITY_HEADER];
      const bytes = requestBytes({ method: 'POST', path: new URL(url).pathname, body });
      return proof === undefined ? 'unsigned' : operators.provenBy(bytes, proof);
    });
    return { ...ran, by };
  }

  test.each([['pause'], ['resume'], ['handover'], ['handover', '--cancel']])(
    '%s %s is signed with the identity that is named, challenge and all',
    async (...argv) => {
      const { code, by } = await signers([...argv, '--identity', '/ann.key'], { files: FILES });
      expect([code, by]).toEqual([0, ['ann', 'ann']]);
    },
  );

  test('is signed by the one that the environment names, also at a URL', async () => {
    const env = { FAILTOME_IDENTITY: '/ann.key', FAILTOME_KEY_FILE: '/k' };
    expect((await signers(['pause'], { files: FILES, env })).by).toEqual(['ann', 'ann']);
    const atUrl = await signers(['pause', '--url', 'http://10.0.1.12:8741'], { files: FILES, env });
    expect(atUrl.by).toEqual(['ann', 'ann']);
  });

  test("is signed by the node's own where none is named, which is no operator's unless it is listed", async () => {
    const files = { ...FILES, '/etc/failtome/failtome.yaml': configured };
    expect((await signers(['pause'], { files })).by).toEqual([null, null]);
    expect((await signers(['pause'])).by).toEqual(['unsigned', 'unsigned']);
  });

  test("goes unsigned where the node's own can't be read, and not at all where a named one can't", async () => {
    const files = { '/etc/failtome/failtome.yaml': configured };
    expect((await signers(['pause'], { files })).by).toEqual(['unsigned', 'unsigned']);
    const named = await signers(['pause', '--identity', '/gone'], { files });
    expect(named).toMatchObject({ code: 2, by: [], err: expect.stringContaining('/gone') });
  });

  test("that is refused for want of an operator says so in the agent's words", async () => {
    const message = 'the command is not signed by an operator';
    const agent = fakeAgent();
    const { code, err } = await cli(['pause'], {
      http: async (request) =>
        request.method === 'GET'
          ? agent.http(request)
          : {
              kind: 'answered',
              status: 403,
              header: () => null,
              body: JSON.stringify({ error: { code: 'operator', message } }),
            },
    });
    expect([code, err]).toEqual([1, `http://127.0.0.1:8741 refused the command: ${message}\n`]);
  });

  test('takes no answer that another node signed', async () => {
    const files = {
      ...FILES,
      '/etc/failtome/failtome.yaml': CONFIG.replace(
        'peers: [',
        `peers: [{ id: saturn, url: "http://10.0.1.12:8741", publicKey: ${SATURN.publicKey} }, `,
      ),
    };
    const posted: string[] = [];
    const by = async (identity: { readonly privateKey: string } | null) => {
      const agent = fakeAgent({ outcome: done });
      return cli(['pause'], {
        files,
        http: async (request) => {
          const message = decodeMessage(request.body ?? '');
          if (message.kind === 'message') posted.push(message.message.payload.command?.kind ?? '');
          const result = await agent.http(request);
          if (result.kind === 'failed' || request.method === 'GET' || identity === null) return result;
          const response = {
            ...{ method: 'POST', path: new URL(request.url).pathname, body: result.body },
            ...{ status: result.status, requestSignature: request.headers?.['x-failtome-signature'] ?? '' },
          };
          const own = responseBytes(response);
          const headers: Record<string, string> = {
            'x-failtome-signature': signResponse(KEYS, response),
            [IDENTITY_HEADER]: signAs(parseIdentity(identity.privateKey, ''), own),
          };
          return { ...result, header: (name) => headers[name] ?? null };
        },
      });
    };
    expect((await by(SATURN)).code).toBe(0);
    expect(posted).toEqual(['handover-status', 'pause']);
    posted.length = 0;
    for (const other of [NEPTUNE, null]) {
      expect(await by(other)).toMatchObject({
        code: 1,
        err: 'the answer of http://127.0.0.1:8741 is not signed by the publicKey that peers has for saturn\n',
      });
    }
    // No order has been shown to whom it wasn't meant for.
    expect(posted).toEqual(['handover-status', 'handover-status']);
  });

  test.each([
    ['mars', 'which is no node of this configuration, where nodes have public keys', ''],
    ['neptune', 'and this configuration is for saturn', 'node: { id: saturn }\n'],
  ])('is not given to an agent that calls itself %s', async (id, why, own) => {
    const yaml = CONFIG.replace('node: { id: saturn }\n', own).replace(
      '8741" }]',
      `8741", publicKey: ${NEPTUNE.publicKey} }]`,
    );
    const agent = fakeAgent({ status: { ...STATUS, node: { ...STATUS.node, id } }, outcome: done });
    const files = { ...FILES, '/etc/failtome/failtome.yaml': yaml };
    const ran = await cli(['pause', '--identity', '/ann.key'], { files, http: agent.http });
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining(why)]);
    expect(agent.requests.every(({ method }) => method === 'GET')).toBe(true);
  });
});

describe('check', () => {
  interface Sides {
    /** The file of this node's own key pair. */
    readonly own?: string | null;
    /** What peers has for neptune. */
    readonly theirs?: string | null;
    /** What neptune's status tells. */
    readonly told?: { readonly identity: string | null; readonly forUs: readonly string[] };
    readonly entry?: string;
  }

  async function checked({ own = SATURN.privateKey, theirs = NEPTUNE.publicKey, told, entry }: Sides) {
    const { identity, forUs } = told ?? { identity: idOf(NEPTUNE), forUs: [idOf(SATURN)] };
    const status = {
      ...STATUS,
      auth: 'identities',
      identity,
      node: { ...STATUS.node, id: 'neptune' },
      peers: [{ ...STATUS.peers[0], id: 'saturn', identities: forUs }],
    };
    const self =
      entry === undefined ? '' : `, { id: saturn, url: "http://10.0.1.12:8741", publicKey: ${entry} }`;
    const yaml = CONFIG.replace(
      'cluster.key }',
      own === null ? '$&' : 'cluster.key, identity: /own.key }',
    ).replace('8741" }]', `8741"${theirs === null ? '' : `, publicKey: ${theirs}`} }${self}]`);
    const files = { '/etc/failtome/failtome.yaml': yaml, ...(own === null ? {} : { '/own.key': own }) };
    const outcome = () => ({ state: 'failed', id: 'check', detail: 'unknown' }) as const;
    const { out } = await cli(['check', '--json'], { files, http: fakeAgent({ status, outcome }).http });
    const { lines } = JSON.parse(out) as {
      lines: { name: string; state: string; found: string; fix: string }[];
    };
    return lines.filter(({ name }) => /identit|key$/.test(name) && name !== 'peer neptune: key');
  }

  const line = (name: string, state: string, found: string, fix = '') =>
    expect.objectContaining({
      name,
      state,
      found: expect.stringContaining(found),
      fix: expect.stringContaining(fix),
    });

  test("shows the mode, the own key, and that each side has the other's", async () => {
    const lines = await checked({});
    expect(lines).toContainEqual(line('identities', 'ok', 'identities: messages are authenticated by'));
    expect(lines).toContainEqual(line('identity file', 'ok', SATURN.publicKey));
    expect(lines).toContainEqual(line('peer neptune: its key', 'ok', 'the one that peers has for it'));
    expect(lines).toContainEqual(line("peer neptune: this node's key", 'ok', 'the one that it has'));
  });

  test.each<readonly [string, Sides, ReturnType<typeof line>]>([
    [
      'no identity file',
      { own: generateIdentity().publicKey },
      line('identity file', 'fail', 'a public key', 'failtome keygen --identity > /own.key'),
    ],
    [
      "an entry of this node's own with another key",
      { entry: generateIdentity().publicKey },
      line('identity file', 'fail', 'is not the one that peers has for saturn', SATURN.publicKey),
    ],
    [
      'a peer that signs with another key',
      { theirs: generateIdentity().publicKey },
      line(
        'peer neptune: its key',
        'fail',
        'none that peers has for it',
        'Put what `failtome keygen --public` prints on neptune',
      ),
    ],
    [
      'a peer that does not sign',
      { told: { identity: null, forUs: [idOf(SATURN)] } },
      line(
        'peer neptune: its key',
        'fail',
        'it signs with no key of its own',
        'Set auth.identity on neptune',
      ),
    ],
    [
      'a peer that has another key for this node',
      { told: { identity: idOf(NEPTUNE), forUs: ['x'] } },
      line("peer neptune: this node's key", 'fail', 'it has another for this node', SATURN.publicKey),
    ],
    [
      'a peer that has none for this node',
      { told: { identity: idOf(NEPTUNE), forUs: [] } },
      line("peer neptune: this node's key", 'warn', "whoever has the cluster's key", SATURN.publicKey),
    ],
    [
      'a peer that wants this node to sign, which has nothing to sign with',
      { own: null, theirs: null },
      line("peer neptune: this node's key", 'fail', 'wants this node to sign', 'Set auth.identity'),
    ],
  ])('tells of %s, and what to do', async (_, sides, expected) => {
    expect(await checked(sides)).toContainEqual(expected);
  });
});
