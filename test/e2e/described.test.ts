/** What whole agents answer, before, during and after a failover, is what `/openapi.json` says. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'vitest';
import { answerFits } from '../../packages/agent/test/api/answers.ts';
import { type Scene, scenario } from './support/scenario.ts';

const ROUTES = [
  '/',
  '/v1/status',
  '/v1/cluster',
  '/v1/why',
  '/v1/history',
  '/metrics',
  '/openapi.json',
  '/operations',
  '/livez',
  '/readyz',
];

async function faultIn(path: string, answer: Response): Promise<string> {
  const type = answer.headers.get('content-type') ?? '';
  return answerFits(`GET ${path.split('?')[0]} ${answer.status}`, { type, body: await answer.text() });
}

/** Every node's answers, and the two reports that only nodes ask for. */
async function compare({ cluster }: Scene): Promise<void> {
  for (const { id, agent } of cluster.nodes) {
    for (const path of [...ROUTES, '/v1/status?with=decisions,history', '/v1/history?limit=3']) {
      const answer = await fetch(agent.api.url + path);
      const fault = await faultIn(path, answer);
      expect([id, answer.status, fault]).toEqual([id, 200, '']);
    }
  }
}

async function holders({ cluster }: Scene): Promise<readonly number[]> {
  return Promise.all(
    cluster.nodes.map(async ({ agent }) => {
      const answer = await fetch(`${agent.api.url}/v1/holder`);
      expect(await faultIn('/v1/holder', answer)).toBe('');
      return answer.status;
    }),
  );
}

scenario('every answer of a pair is as described, whatever happens', {}, async (scene) => {
  const { cluster } = scene;
  await compare(scene);
  expect(await holders(scene)).toEqual([200, 503]);
  expect((await scene.command('saturn', 'pause', '--for', '1h', '--reason', 'a test')).code).toBe(0);
  await cluster.node('saturn').web.kill();
  await scene.sees('neptune', 'down');
  await compare(scene);
  expect((await scene.command('saturn', 'resume')).code).toBe(0);
  await scene.moved('neptune');
  await compare(scene);
  expect(await holders(scene)).toEqual([503, 200]);
  // Out of the built agent it is the very document that the repository has.
  const { body } = await cluster.node('saturn').agent.api.get('/openapi.json');
  expect(await new Validator().validate(JSON.parse(body))).toEqual({ valid: true });

  const { api } = cluster.node('neptune').agent;
  const stream = await fetch(`${api.url}/v1/events`);
  const reader = stream.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  const text = new TextDecoder().decode(first?.value);
  expect(
    answerFits('GET /v1/events 200', { type: stream.headers.get('content-type') ?? '', body: text }),
  ).toBe('');
  await cluster.node('saturn').agent.kill();
  await scene.calls('neptune', 'saturn', 'dead');
  const { body: cut } = await api.get('/v1/cluster');
  expect(answerFits('GET /v1/cluster 200', { type: 'application/json', body: cut })).toBe('');
});
