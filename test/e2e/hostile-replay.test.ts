/** Real messages of a real peer, recorded between the two and sent again: later, elsewhere, changed, after restarts. */
import { expect } from 'vitest';
import { SIGNATURE_HEADER } from './support/forge.ts';
import { listenIn, type Recorded } from './support/recorder.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { expectUnchanged, rejected } from './support/unchanged.ts';

/** Sends a recorded request to a node, byte for byte, or with something changed. */
async function replay(
  scene: Scene,
  to: string,
  { path, headers, body }: Recorded,
  change: { readonly path?: string; readonly body?: string; readonly signature?: string } = {},
): Promise<{ readonly status: number; readonly refused: unknown }> {
  const { api } = scene.cluster.node(to).agent;
  const answer = await api.send(change.path ?? path, {
    method: 'POST',
    headers: { [SIGNATURE_HEADER]: change.signature ?? headers[SIGNATURE_HEADER] ?? '' },
    body: change.body ?? body,
  });
  const { payload, error } = JSON.parse(answer.body);
  return { status: answer.status, refused: payload?.refused ?? error?.code };
}

scenario(
  'a recorded heartbeat is refused when it is sent again, changed, elsewhere, or back',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { recorder, close } = await listenIn(cluster, 'neptune', 'saturn');
    try {
      const accepted = ({ answer }: Recorded) => answer.status === 200;
      const recorded = await recorder.next('a heartbeat', accepted);
      await expectUnchanged(scene, 'saturn', async () => {
        const before = await rejected(scene, 'saturn', 'replayed');
        for (const count of [1, 2, 3]) {
          expect(await replay(scene, 'saturn', recorded)).toEqual({ status: 409, refused: 'replayed' });
          expect(await rejected(scene, 'saturn', 'replayed')).toBe(before + count);
        }
      });
      await expectUnchanged(scene, 'saturn', async () => {
        const forged = { status: 401, refused: 'signature' };
        const later = recorded.body.replace(/"seq":\d+/, '"seq":999999');
        expect(await replay(scene, 'saturn', recorded, { body: later })).toEqual(forged);
        expect(await replay(scene, 'saturn', recorded, { body: `${recorded.body} ` })).toEqual(forged);
        const other = recorded.path === '/v1/vote' ? '/v1/gossip' : '/v1/vote';
        expect(await replay(scene, 'saturn', recorded, { path: other })).toEqual(forged);
        expect(await replay(scene, 'saturn', recorded, { path: `${recorded.path}?again` })).toEqual({
          ...forged,
        });
        // An answer, sent as if it were a request.
        const { body, headers } = recorded.answer;
        const signature = headers[SIGNATURE_HEADER] ?? '';
        expect(await replay(scene, 'saturn', recorded, { body, signature })).toEqual(forged);
        expect(await replay(scene, 'neptune', recorded, { body, signature })).toEqual(forged);
      });
      await expectUnchanged(scene, 'neptune', async () => {
        const before = await rejected(scene, 'neptune', 'reflected');
        expect(await replay(scene, 'neptune', recorded)).toEqual({ status: 403, refused: 'reflected' });
        expect(await rejected(scene, 'neptune', 'reflected')).toBe(before + 1);
      });
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    } finally {
      await close();
    }
  },
);

scenario('what was recorded before a restart of either side is refused after it', {}, async (scene) => {
  const { cluster } = scene;
  const { recorder, close } = await listenIn(cluster, 'neptune', 'saturn');
  try {
    const heartbeat = await recorder.next('a heartbeat', ({ answer }) => answer.status === 200);
    const refused = { status: 409, refused: 'session' };

    await cluster.node('saturn').agent.restart();
    const renewed = await recorder.next(
      'neptune to be heard by the new saturn',
      ({ answer, message }) =>
        answer.status === 200 && message.echo?.session !== heartbeat.message.echo?.session,
    );
    await cluster.settled();
    await expectUnchanged(scene, 'saturn', async () => {
      expect(await replay(scene, 'saturn', heartbeat)).toEqual({ status: 409, refused: 'session' });
      // What counted in this run was counted once.
      expect((await replay(scene, 'saturn', renewed)).status).toBe(409);
    });

    await cluster.node('neptune').agent.restart();
    await recorder.next(
      'the new neptune to be heard',
      ({ answer, message }) => answer.status === 200 && message.session !== heartbeat.message.session,
    );
    await cluster.settled();
    await expectUnchanged(scene, 'saturn', async () => {
      for (const old of [heartbeat, renewed]) {
        expect(await replay(scene, 'saturn', old)).toEqual(refused);
        // Once more: the challenge that the first one was given is none that it can answer.
        expect(await replay(scene, 'saturn', old)).toEqual(refused);
      }
    });
    await scene.calls('saturn', 'neptune', 'alive');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  } finally {
    await close();
  }
});

scenario('a recorded ballot lends nothing when it is sent again', {}, async (scene) => {
  const { cluster } = scene;
  const { recorder, close } = await listenIn(cluster, 'neptune', 'saturn');
  try {
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    const ballot = await recorder.next(
      'a ballot',
      ({ message, answer }) => (message.payload.ballots ?? []).length > 0 && answer.status === 200,
    );
    await scene.eventually(
      'saturn to have its lease back',
      async () => (await scene.view('saturn')).lent === null,
    );
    await expectUnchanged(scene, 'saturn', async () => {
      for (let count = 0; count < 3; count += 1)
        expect((await replay(scene, 'saturn', ballot)).status).toBe(409);
    });
    expect((await scene.view('saturn')).lent).toBeNull();
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  } finally {
    await close();
  }
});
