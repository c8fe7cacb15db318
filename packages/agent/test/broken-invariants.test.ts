/** An invariant that breaks inside a request or an exchange ends the agent, as it does anywhere else, and is nobody's answer. */
import type { Event } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { PeerTransport } from '../src/adapters/transport.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import { throwUncaught } from '../src/errors.ts';
import { Inbox } from '../src/http/inbox.ts';
import { answerTo, buildApi, envelope, KEYS } from './support/api.ts';

test('a message that breaks one is thrown where nothing catches it, and its request stays unanswered', async () => {
  const acts: (() => void)[] = [];
  const inbox = new Inbox(
    {},
    {
      post: () => {
        throw new Error('time stepped back');
      },
      later: (act) => acts.push(act),
    },
  );
  const result = inbox.submit('/v1/gossip', envelope());
  expect(acts).toHaveLength(1);
  expect(() => acts[0]?.()).toThrow('time stepped back');
  inbox.close();
  expect(await result).toEqual({ kind: 'no-reply' });
});

test('what is thrown uncaught is thrown in a turn of its own', () => {
  const acts: (() => void)[] = [];
  throwUncaught(new Error('broken'), (act) => acts.push(act));
  expect(() => acts[0]?.()).toThrow('broken');
});

test('an answer whose judging breaks one is no failure of its peer’s', async () => {
  const api = buildApi({ answer: (event) => answerTo(event) });
  const port = await api.listen();
  const identities = Object.assign(Object.create(SHARED_KEY), {
    isOwnWord: () => {
      throw new Error('a broken invariant');
    },
  });
  const posted: Event[] = [];
  const transport = new PeerTransport(
    {
      peers: [{ id: 'neptune', url: `http://127.0.0.1:${port}` }],
      keys: KEYS,
      identities,
    } as ConstructorParameters<typeof PeerTransport>[0], // of a peer no more than its URL is used
    { post: (event) => posted.push(event), reply: () => undefined },
  );
  onTestFinished(() => transport.close());
  const uncaught = new Promise<unknown>((resolve) => process.once('unhandledRejection', resolve));
  transport.send({
    ...{ kind: 'send', sendId: 1, to: 'neptune', route: '/v1/gossip', fresh: false, timeoutMs: 5_000 },
    message: envelope(),
  });
  expect(await uncaught).toEqual(new Error('a broken invariant'));
  expect(posted).toEqual([]);
});
