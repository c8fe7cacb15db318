/**
 * Where operators have keys: what one signs is done, on every node and across a restart. Whoever has all that a witness has
 * pauses nothing, resumes nothing and orders no move, with new orders or with old ones.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { IDENTITY_HEADER } from '../../packages/agent/src/auth/identities.ts';
import {
  generateIdentity,
  parseIdentity,
  type SigningIdentity,
  signAs,
} from '../../packages/agent/src/auth/identity.ts';
import { signOrder } from '../../packages/agent/src/auth/operators.ts';
import { requestBytes, signRequest } from '../../packages/agent/src/auth/signature.ts';
import { settingsIn } from '../../packages/cluster/src/index.ts';
import {
  decodeMessage,
  encodeMessage,
  type HandoverRecord,
  type NodeRecord,
  orderText,
  type PauseOrder,
  type PauseRecord,
} from '../../packages/protocol/src/index.ts';
import { type Forger, forgerOf, SIGNATURE_HEADER } from './support/forge.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { IDS, type Id, nodes, patientSettings as settings } from './support/three-nodes.ts';
import { rejected } from './support/unchanged.ts';

type Pair = ReturnType<typeof generateIdentity>;

interface Configuration {
  readonly peers: readonly { readonly id: Id }[];
  readonly auth: object;
}

/** Every node gets a key pair, the others' public keys, and ann as the operator. */
async function giveKeys(scene: Scene, keys: Readonly<Record<Id, Pair>>, ann: Pair): Promise<void> {
  for (const id of IDS) {
    const { agent, folder } = scene.cluster.node(id);
    const identity = join(folder, 'identity.key');
    await writeFile(identity, keys[id].privateKey, { mode: 0o600 });
    const before = settingsIn(await readFile(agent.configFile, 'utf8')) as unknown as Configuration; // as the cluster wrote it
    const peers = before.peers.map((peer) => ({ ...peer, publicKey: keys[peer.id].publicKey }));
    const operators = [{ name: 'ann', publicKey: ann.publicKey }];
    await writeFile(
      agent.configFile,
      JSON.stringify({ ...before, peers, auth: { ...before.auth, identity, operators } }),
    );
    const since = agent.log.position;
    agent.reload();
    await agent.log.waitFor('identities', { since, withinMs: 60_000 });
  }
}

/** Speaks as pluto, with pluto's own key, to one node; what it says of itself is what the test wants. */
class StolenWitness {
  readonly #scene: Scene;
  readonly #forger: Forger;
  readonly #own: SigningIdentity;
  #echo: { session: string; t: number } | null = null;
  #version = 1;

  constructor(scene: Scene, forger: Forger, own: SigningIdentity) {
    this.#scene = scene;
    this.#forger = forger;
    this.#own = own;
  }

  async say(pause: PauseRecord, handovers: readonly HandoverRecord[]): Promise<number> {
    const status = await this.#post(pause, handovers);
    return status === 409 ? this.#post(pause, handovers) : status;
  }

  async #post(pause: PauseRecord, handovers: readonly HandoverRecord[]): Promise<number> {
    this.#version += 1;
    const node: NodeRecord = {
      ...{ id: 'pluto', incarnation: 90, role: 'witness', priority: 100, instanceId: '', fit: 'fit' },
      ...{ leaving: false, ready: false, electorate: '', version: '1', addresses: [], pause, handovers },
    };
    const payload = { version: this.#version, ack: 0, node };
    const message = this.#forger.message({ from: 'pluto', to: 'neptune', echo: this.#echo, payload });
    const request = { method: 'POST', path: '/v1/gossip', body: encodeMessage(message) };
    const headers = {
      [SIGNATURE_HEADER]: signRequest(this.#forger.keys, request),
      [IDENTITY_HEADER]: signAs(this.#own, requestBytes(request)),
    };
    const { api } = this.#scene.cluster.node('neptune').agent;
    const { status, body } = await api.send(request.path, { method: 'POST', headers, body: request.body });
    const answer = decodeMessage(body);
    if (answer.kind === 'message') this.#echo = { session: answer.message.session, t: answer.message.t };
    return status;
  }
}

scenario('orders are their operator’s alone', { nodes, settings }, async (scene) => {
  const keys = { saturn: generateIdentity(), neptune: generateIdentity(), pluto: generateIdentity() };
  const ann = generateIdentity();
  const annsFile = join(scene.cluster.folder, 'ann.key');
  await writeFile(annsFile, ann.privateKey, { mode: 0o600 });
  await giveKeys(scene, keys, ann);
  const paused = async (id: Id) => (await scene.status(id)).pause;
  const order = (verb: string, ...args: readonly string[]) =>
    scene.command('saturn', verb, ...args, '--identity', annsFile);

  // What an operator signs.
  await scene.eventually('a pause that is signed to be stored', async () => {
    const { code } = await order('pause', '--reason', 'keys', '--replace');
    return code === 0;
  });
  await scene.eventually('neptune to know of it', async () => (await paused('neptune')).paused);
  expect(await paused('neptune')).toMatchObject({ paused: true, signed: true, reason: 'keys' });
  const { agent } = scene.cluster.node('neptune');
  await agent.kill();
  agent.start();
  await scene.eventually('neptune to be back', async () => (await scene.status('neptune')).pause.paused);
  const was = await paused('neptune');
  expect(await order('resume')).toMatchObject({ code: 0 });
  await scene.eventually('neptune to be resumed', async () => !(await paused('neptune')).paused);

  // What a witness's keys are good for.
  const { version } = await paused('neptune');
  await scene.cluster.node('pluto').agent.kill();
  const plutos = parseIdentity(keys.pluto.privateKey, 'pluto');
  const witness = new StolenWitness(scene, await forgerOf(scene.cluster), plutos);
  const pauseOf = (by: SigningIdentity, parts: Partial<Omit<PauseOrder, 'proof'>>): PauseOrder => {
    const { owner, reason, until } = was;
    const signedAt = was.signedAt ?? 0;
    const terms = {
      signedAt,
      version: was.version,
      by: was.by,
      paused: true,
      owner,
      reason,
      until,
      ...parts,
    };
    return { ...terms, proof: signOrder(by, orderText('web', { kind: 'pause', order: terms })) };
  };
  const anns = parseIdentity(ann.privateKey, 'ann');
  const old = pauseOf(anns, {});
  const { proof: _, ...unsigned } = pauseOf(plutos, { version: version + 1 });
  const handover: HandoverRecord = {
    ...{ id: 'pluto-1-1', address: scene.cluster.address, to: 'neptune', by: 'ann', reason: '' },
    ...{ state: 'open', detail: '', ttlMs: 60_000, ordered: 1, pause: version },
  };
  const before = await rejected(scene, 'neptune', 'unproven');
  for (const pause of [
    old,
    unsigned,
    pauseOf(plutos, { version: version + 1 }),
    { ...old, version: version + 1 },
  ])
    expect(await witness.say(pause, [handover])).toBe(200);
  expect(await rejected(scene, 'neptune', 'unproven')).toBeGreaterThanOrEqual(before + 4);
  const after = await scene.status('neptune');
  expect([after.pause.paused, after.pause.version, after.handovers]).toEqual([false, version, []]);

  // Orders go on as they did, with one voter fewer.
  expect(await order('handover', '--to', 'neptune', '--timeout', '60s')).toMatchObject({ code: 0 });
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
