/**
 * Two candidates and a witness come from one key for all to a key for each, and change one, under traffic. Then whoever has
 * the witness's keys speaks in nobody else's name, only an operator gives commands, and a failover is what it was.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { IDENTITY_HEADER } from '../../packages/agent/src/auth/identities.ts';
import {
  generateIdentity,
  parseIdentity,
  readIdentityFile,
  type SigningIdentity,
  signAs,
} from '../../packages/agent/src/auth/identity.ts';
import { proofOf } from '../../packages/agent/src/auth/operators.ts';
import { requestBytes, signRequest } from '../../packages/agent/src/auth/signature.ts';
import { settingsIn } from '../../packages/cluster/src/index.ts';
import { type Envelope, encodeMessage } from '../../packages/protocol/src/index.ts';
import { failtome } from './support/command.ts';
import { type Forged, type Forger, forgerOf, SIGNATURE_HEADER } from './support/forge.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { IDS, type Id, nodes, patientSettings as settings } from './support/three-nodes.ts';
import { expectUnchanged, rejected } from './support/unchanged.ts';

/** What a node's configuration says of keys. */
interface Keys {
  readonly identity?: string;
  readonly publicKeys?: Readonly<Partial<Record<Id, readonly string[]>>>;
  readonly operators?: readonly { readonly name: string; readonly publicKey: string }[];
}

interface Configuration {
  readonly peers: readonly { readonly id: Id }[];
  readonly auth: { readonly keyFile: string };
}

/** The configurations of all nodes, changed as an operator would: the file, then SIGHUP. */
class Operation {
  readonly scene: Scene;
  readonly #before = new Map<Id, Configuration>();
  readonly #keys = new Map<Id, Keys>();

  constructor(scene: Scene) {
    this.scene = scene;
  }

  file(id: Id, name = 'identity.key'): string {
    return join(this.scene.cluster.node(id).folder, name);
  }

  async everywhere(change: (id: Id) => Keys): Promise<void> {
    for (const id of IDS) {
      await this.change(id, change(id));
      await this.talked();
    }
  }

  async change(id: Id, change: Keys): Promise<void> {
    const { agent } = this.scene.cluster.node(id);
    const before =
      this.#before.get(id) ??
      (settingsIn(await readFile(agent.configFile, 'utf8')) as unknown as Configuration); // as the cluster has written it
    this.#before.set(id, before);
    const keys = { ...this.#keys.get(id), ...change };
    this.#keys.set(id, keys);
    const { identity, operators, publicKeys = {} } = keys;
    const peers = before.peers.map((peer) => ({ ...peer, publicKey: publicKeys[peer.id] ?? null }));
    const auth = { ...before.auth, identity: identity ?? null, operators: operators ?? null };
    await writeFile(agent.configFile, JSON.stringify({ ...before, peers, auth }));
    await this.reload(id);
  }

  async reload(id: Id): Promise<void> {
    const { agent } = this.scene.cluster.node(id);
    const since = agent.log.position;
    agent.reload();
    await agent.log.waitFor('identities', { since, withinMs: 60_000 });
  }

  /** Every node has spoken to every other since, and been answered. */
  async talked(): Promise<void> {
    const counts = async (): Promise<readonly number[]> =>
      Promise.all(
        IDS.flatMap((id) =>
          IDS.filter((peer) => peer !== id).map((peer) =>
            this.scene.metric(id, 'heartbeats_total', { peer, result: 'ok' }),
          ),
        ),
      );
    const before = await counts();
    await this.scene.eventually('every node to be answered by every other', async () =>
      (await counts()).every((count, index) => count >= (before[index] ?? 0) + 2),
    );
  }

  /** Messages that any node refused, or whose answer it did. */
  async refused(): Promise<number> {
    const each = await Promise.all(
      IDS.flatMap((id) => [
        this.scene.metric(id, 'rejected_messages_total', { reason: 'signature' }),
        this.scene.metric(id, 'heartbeats_total', { result: 'unauthentic' }),
      ]),
    );
    return each.reduce((sum, count) => sum + count, 0);
  }

  async modes(): Promise<readonly unknown[]> {
    return Promise.all(
      IDS.map(async (id) => ({ ...(await this.scene.status(id)) }) as Record<string, unknown>),
    ).then((all) => all.map(({ auth }) => auth));
  }
}

/** A key pair made as the reference says; its public half. */
async function keygen(file: string): Promise<string> {
  const { code, stdout } = await failtome(['keygen', '--identity']);
  expect(code).toBe(0);
  await writeFile(file, stdout, { mode: 0o600 });
  return (await failtome(['keygen', '--public', file])).stdout.trim();
}

/** A message with the cluster's key and with somebody's own. */
async function send(
  scene: Scene,
  forger: Forger,
  by: { readonly own: SigningIdentity; readonly proven?: boolean },
  to: Id,
  path: string,
  change: Partial<Envelope>,
): Promise<Forged> {
  const body = encodeMessage(forger.message({ to, ...change }));
  const request = { method: 'POST', path, body };
  const own =
    by.proven === true ? proofOf(by.own, requestBytes(request)) : signAs(by.own, requestBytes(request));
  const headers = { [SIGNATURE_HEADER]: signRequest(forger.keys, request), [IDENTITY_HEADER]: own };
  return scene.cluster.node(to).agent.api.send(path, { method: 'POST', headers, body });
}

scenario(
  'one key for all becomes a key for each, without one refused message',
  { nodes, settings },
  async (scene) => {
    const operation = new Operation(scene);
    const publicKeys = Object.fromEntries(
      await Promise.all(IDS.map(async (id) => [id, [await keygen(operation.file(id))]] as const)),
    );
    const ann = generateIdentity();
    const annsFile = join(scene.cluster.folder, 'ann.key');
    await writeFile(annsFile, ann.privateKey, { mode: 0o600 });
    const forger = await forgerOf(scene.cluster);
    const { identity: plutos } = await readIdentityFile(operation.file('pluto'));

    // The steps of the reference.
    expect(await operation.modes()).toEqual(['shared-key', 'shared-key', 'shared-key']);
    await operation.everywhere((id) => ({ identity: operation.file(id) }));
    await operation.everywhere(() => ({ operators: [{ name: 'ann', publicKey: ann.publicKey }] }));
    expect(await operation.modes()).toEqual(['mixed', 'mixed', 'mixed']);
    // Until somebody checks, the witness's keys speak for saturn, too: the message is only asked to be fresh.
    const trusted = await send(scene, forger, { own: plutos }, 'neptune', '/v1/gossip', { from: 'saturn' });
    expect(trusted.status).toBe(409);
    await operation.everywhere(() => ({ publicKeys }));
    expect(await operation.modes()).toEqual(['identities', 'identities', 'identities']);

    // Saturn's key is changed.
    const next = await keygen(operation.file('saturn', 'next.key'));
    const both = { ...publicKeys, saturn: [...(publicKeys.saturn ?? []), next] };
    await operation.everywhere(() => ({ publicKeys: both }));
    await operation.change('saturn', { identity: operation.file('saturn', 'next.key') });
    await operation.talked();
    await operation.everywhere(() => ({ publicKeys: { ...publicKeys, saturn: [next] } }));
    expect(await operation.refused()).toBe(0);

    // With all that the witness has: in another's name nothing, and nothing moves.
    const forgeries: readonly (readonly [string, Partial<Envelope>])[] = [
      ['/v1/gossip', { from: 'saturn' }],
      ['/v1/gossip', { from: 'neptune' }],
      ['/v1/vote', { from: 'saturn', payload: { version: 0, ack: 0, answers: [votePretended(scene)] } }],
    ];
    await expectUnchanged(scene, 'neptune', async () => {
      const before = await rejected(scene, 'neptune', 'signature');
      for (const [path, change] of forgeries) {
        const { status, body } = await send(scene, forger, { own: plutos }, 'neptune', path, change);
        expect([status, JSON.parse(body).error.code]).toEqual([401, 'signature']);
        expect(
          (await forger.send(scene.cluster.node('neptune').agent.api, path, { to: 'neptune', ...change }))
            .status,
        ).toBe(401);
      }
      expect(await rejected(scene, 'neptune', 'signature')).toBe(before + 2 * forgeries.length);
    });
    // The key that was taken away counts no more.
    const old = parseIdentity(await readFile(operation.file('saturn'), 'utf8'), 'old');
    expect(
      (await send(scene, forger, { own: old }, 'neptune', '/v1/gossip', { from: 'saturn' })).status,
    ).toBe(401);

    // Operators, and nobody else.
    const pause = ['pause', '--for', '10m', '--reason', 'keys'] as const;
    const unsigned = await scene.command('saturn', ...pause);
    expect([unsigned.code, unsigned.stderr]).toEqual([
      1,
      expect.stringContaining('not signed by an operator'),
    ]);
    const command = {
      from: 'operator.x',
      payload: { version: 0, ack: 0, command: { kind: 'resume', reason: '', owner: 'eve' } },
    } as const;
    const forged = await send(scene, forger, { own: plutos, proven: true }, 'neptune', '/v1/resume', command);
    expect([forged.status, JSON.parse(forged.body).error.code]).toEqual([403, 'operator']);
    expect((await scene.status('saturn')).pause.paused).toBe(false);
    for (const verb of [pause, ['resume'] as const]) {
      const [name, ...args] = verb;
      expect(await scene.command('saturn', name, ...args, '--identity', annsFile)).toMatchObject({
        code: 0,
        stderr: '',
      });
    }

    // A check sees both sides' keys.
    const { stdout } = await scene.command('saturn', 'check', '--json');
    const lines: readonly { readonly name: string; readonly state: string; readonly found: string }[] =
      JSON.parse(stdout).lines;
    expect(
      lines.filter(({ name }) => /: (its|this node's) key$/.test(name)).map(({ state }) => state),
    ).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(lines.find(({ name }) => name === 'identities')?.found).toMatch(/^identities: /);

    // And a failover is what it was.
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    await scene.cluster.node('saturn').vanish();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

function votePretended({ cluster }: Scene) {
  return {
    ...({ address: cluster.address, epoch: 1, candidate: 'neptune', voter: 'saturn', ask: 0 } as const),
    ...({ answer: 'grant', reason: 'down', leaseMs: 8_000, retryMs: 0, highest: 1 } as const),
  };
}
