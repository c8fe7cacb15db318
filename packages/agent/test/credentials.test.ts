import { expect, test } from 'vitest';
import {
  ASK_AGAIN_MS,
  type AwsIdentity,
  Credentials,
  type CredentialsNews,
  RENEW_BEFORE_MS,
} from '../src/adapters/credentials.ts';

const WALL = Date.UTC(2030, 0, 1);

interface Stage {
  readonly credentials: Credentials<AwsIdentity>;
  readonly news: CredentialsNews[];
  /** What the source answers from now on; null: it has none. */
  offer(identity: AwsIdentity | null): void;
  pass(ms: number): void;
  asked(): number;
}

function identity(name: string, expiresInMs?: number): AwsIdentity {
  const expiration = expiresInMs === undefined ? {} : { expiration: new Date(WALL + expiresInMs) };
  return { accessKeyId: name, secretAccessKey: `secret of ${name}`, ...expiration };
}

function stage(first: AwsIdentity | null): Stage {
  let offered = first;
  let nowMs = 0;
  let asks = 0;
  const news: CredentialsNews[] = [];
  const ask = async (): Promise<AwsIdentity> => {
    asks += 1;
    if (offered === null)
      throw Object.assign(new Error('nothing there'), { name: 'CredentialsProviderError' });
    return offered;
  };
  const credentials = new Credentials({ ask }, { monotonicMs: () => nowMs, wallMs: () => WALL + nowMs });
  credentials.watch((one) => news.push(one));
  return {
    credentials,
    news,
    offer: (next) => {
      offered = next;
    },
    pass: (ms) => {
      nowMs += ms;
    },
    asked: () => asks,
  };
}

test('the source is asked once, and remembered while nothing is wrong', async () => {
  const { credentials, pass, asked } = stage(identity('first'));
  for (let call = 0; call < 5; call += 1) {
    expect((await credentials.provider()).accessKeyId).toBe('first');
    pass(ASK_AGAIN_MS);
  }
  expect(asked()).toBe(1);
  expect(credentials.provider.memoized).toBe(true);
});

test('a refusal asks the source at once; what it has anew is worth another try of the call', async () => {
  const { credentials, news, offer, pass } = stage(identity('first'));
  await credentials.provider();
  pass(60_000);
  offer(identity('second'));
  const { generation } = credentials;
  expect(await credentials.refused(generation, 'ExpiredToken')).toBe(true);
  expect((await credentials.provider()).accessKeyId).toBe('second');
  expect(news).toEqual([{ kind: 'refused', code: 'ExpiredToken' }, { kind: 'renewed' }]);
  // A call that had gone out with the first ones says nothing of the second.
  expect(await credentials.refused(generation, 'ExpiredToken')).toBe(true);
  expect(news).toHaveLength(2);
});

test('while it has no others it is asked at a bounded pace, before each call and after each refusal', async () => {
  const { credentials, news, offer, pass, asked } = stage(identity('first'));
  await credentials.provider();
  pass(60_000);
  expect(await credentials.refused(credentials.generation, 'AuthFailure')).toBe(false);
  expect(asked()).toBe(2);
  for (let call = 0; call < 20; call += 1) {
    await credentials.provider();
    expect(await credentials.refused(credentials.generation, 'AuthFailure')).toBe(false);
  }
  expect(asked()).toBe(2);
  pass(ASK_AGAIN_MS);
  offer(identity('second'));
  expect((await credentials.provider()).accessKeyId).toBe('second');
  expect(news.map(({ kind }) => kind)).toEqual(['refused', 'renewed']);
});

test('a call that goes through ends the doubt: one service was wrong, the credentials are not', async () => {
  const { credentials, pass, asked } = stage(identity('first'));
  await credentials.provider();
  pass(60_000);
  await credentials.refused(credentials.generation, 'AuthFailure');
  credentials.accepted(credentials.generation);
  pass(60_000);
  await credentials.provider();
  expect(asked()).toBe(2);
});

test('credentials that are about to end are replaced beforehand, those that have ended before the next call', async () => {
  const { credentials, offer, pass, asked } = stage(identity('first', RENEW_BEFORE_MS + 60_000));
  await credentials.provider();
  pass(60_001);
  offer(identity('second', 3 * RENEW_BEFORE_MS));
  expect((await credentials.provider()).accessKeyId).toBe('first');
  expect((await credentials.provider()).accessKeyId).toBe('second');
  expect(asked()).toBe(2);
  await credentials.renew();
  pass(3 * RENEW_BEFORE_MS);
  offer(identity('third'));
  expect((await credentials.provider()).accessKeyId).toBe('third');
});

test('a source that is away takes nothing away, and is told of once', async () => {
  const { credentials, news, offer, pass } = stage(identity('first'));
  await credentials.provider();
  pass(60_000);
  offer(null);
  expect(await credentials.refused(credentials.generation, 'ExpiredToken')).toBe(false);
  pass(ASK_AGAIN_MS);
  expect((await credentials.provider()).accessKeyId).toBe('first');
  expect(news).toEqual([
    { kind: 'refused', code: 'ExpiredToken' },
    { kind: 'unavailable', detail: 'CredentialsProviderError: nothing there' },
  ]);
});

test('where there were none from the beginning the error of the source is thrown, until it has some', async () => {
  const { credentials, offer, pass } = stage(null);
  await expect(credentials.provider()).rejects.toThrow('nothing there');
  offer(identity('first'));
  await expect(credentials.provider()).rejects.toThrow('nothing there');
  pass(ASK_AGAIN_MS);
  expect((await credentials.provider()).accessKeyId).toBe('first');
});

test('an operator who says that there are new ones is believed at once', async () => {
  const { credentials, offer } = stage(identity('first'));
  await credentials.provider();
  offer(identity('second'));
  await credentials.renew();
  expect((await credentials.provider()).accessKeyId).toBe('second');
});

test('a source that does not answer is waited for no longer than its time', async () => {
  const never = new Credentials(
    { ask: () => new Promise<AwsIdentity>(() => undefined), askTimeoutMs: 20 },
    { monotonicMs: () => 0, wallMs: () => WALL },
  );
  await expect(never.provider()).rejects.toThrow('has not answered in time');
});
