/** `failtome init --key-secret`: the key as Secrets Manager has it, asked for with the instance's own role. */
import { afterEach, expect, test } from 'vitest';
import { readKeySecret } from '../../packages/agent/src/adapters/key-secret.ts';
import { generateKey } from '../../packages/agent/src/auth/keys.ts';
import { type AwsWorld, type AwsWorldOptions, openAws, SATURN } from './aws-world.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome/web-AbCdEf';
const worlds: AwsWorld[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function worldWith(text: string, options: AwsWorldOptions = {}): Promise<AwsWorld> {
  const world = await openAws({ ...options, cloud: { secrets: new Map([[ARN, text]]), ...options.cloud } });
  worlds.push(world);
  return world;
}

test.each(['metadata', 'static'] as const)(
  'the key is read with credentials from %s',
  async (credentials) => {
    const key = generateKey();
    const { cloud } = await worldWith(key, { credentials });
    expect(await readKeySecret(ARN)).toBe(`${key}\n`);
    expect(cloud.calls.map(({ action }) => action)).toEqual(['secretsmanager:GetSecretValue']);
    expect(JSON.stringify(cloud.calls)).not.toContain(key);
  },
);

test('a generated text makes the same key on every node', async () => {
  await worldWith('x'.repeat(64));
  expect(await readKeySecret(ARN)).toBe(await readKeySecret(ARN));
});

test('a secret that is not there, or may not be read, is told with its code', async () => {
  const { cloud } = await worldWith(generateKey());
  await expect(readKeySecret(ARN.replace('web', 'other'))).rejects.toThrow(/ResourceNotFoundException/);
  cloud.setPermission(SATURN, 'secretsmanager:GetSecretValue', 'revoked');
  await expect(readKeySecret(ARN)).rejects.toMatchObject({
    code: 'KEY_SECRET_UNREADABLE',
    message: expect.stringContaining('AccessDeniedException'),
  });
});

test('a throttled read is sent again', async () => {
  const key = generateKey();
  const { cloud } = await worldWith(key);
  cloud.fault.arm({ action: 'secretsmanager:GetSecretValue', effect: { kind: 'throttle' }, times: 1 });
  expect(await readKeySecret(ARN)).toBe(`${key}\n`);
});

test('what is in the secret and is no key is not repeated in the error', async () => {
  await worldWith('hunter2');
  await expect(readKeySecret(ARN)).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
  );
});
