import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  generateIdentity,
  isSignedBy,
  type PublicKey,
  parseIdentity,
  parsePublicKey,
  readIdentityFile,
  type SigningIdentity,
  signAs,
} from '../src/auth/identity.ts';
import { generateKey } from '../src/auth/keys.ts';
import { Operators, proofOf, signOrder } from '../src/auth/operators.ts';
import { AgentError } from '../src/errors.ts';

function made(): SigningIdentity {
  return parseIdentity(generateIdentity().privateKey, 'saturn.key');
}

function faultOf(text: string): AgentError {
  try {
    parseIdentity(text, 'saturn.key');
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('the identity file was accepted');
}

function publicKey(text: string): PublicKey {
  const parsed = parsePublicKey(text);
  if ('found' in parsed) throw new Error('the public key was refused');
  return parsed;
}

async function identityFile(text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-identity-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'saturn.key');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe('an identity file', () => {
  test('is read back as the key pair that was generated, whatever stands in comments and blank lines', async () => {
    const { privateKey, publicKey: text } = generateIdentity();
    const path = await identityFile(`# saturn\r\n\r\n  ${privateKey}  \r\n`);
    const { identity, warnings } = await readIdentityFile(path);
    expect(identity.publicKey.text).toBe(text);
    expect(warnings).toEqual([]);
  });

  test('may be PEM, as other tools write it', () => {
    const { privateKey, publicKey: text } = generateIdentity();
    const pem = `-----BEGIN PRIVATE KEY-----\n${privateKey}\n-----END PRIVATE KEY-----\n`;
    expect(parseIdentity(pem, 'saturn.key').publicKey.text).toBe(text);
  });

  test.each([
    ['', 'IDENTITY_FILE_EMPTY', 'holds no key: make one with `failtome keygen --identity`'],
    ['# only words\n', 'IDENTITY_FILE_EMPTY', 'holds no key'],
    [`${generateIdentity().privateKey}\n`.repeat(2), 'IDENTITY_FILE_TOO_MANY', 'more than one line'],
    [generateIdentity().publicKey, 'IDENTITY_FILE_FAULTY', 'line 1: a public key, where the private half'],
    [`\n${generateKey()}`, 'IDENTITY_FILE_FAULTY', "line 2: a cluster's key"],
    [`"${generateIdentity().privateKey}"`, 'IDENTITY_FILE_FAULTY', 'take the quotation marks away'],
    [generateIdentity().privateKey.slice(0, -1), 'IDENTITY_FILE_FAULTY', 'not a private Ed25519 key'],
    [`MC4CAQAwBQYDK2VwBCIEI${'/'.repeat(43)}`, 'IDENTITY_FILE_FAULTY', 'not a private Ed25519 key'],
  ])('of %j is refused', (text, code, message) => {
    const fault = faultOf(text);
    expect(fault.code).toBe(code);
    expect(fault.message).toContain(message);
  });

  test('is never repeated in an error, and its key does not print what it holds', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/!]{12,70}$/), (secret) => {
        expect(inspect(faultOf(secret))).not.toContain(secret);
      }),
    );
    const { privateKey } = generateIdentity();
    const identity = parseIdentity(privateKey, 'saturn.key');
    expect(`${inspect(identity)}${JSON.stringify(identity)}`).not.toContain(privateKey.slice(22, 40));
  });

  test.each([0o644, 0o660, 0o604])('of mode %o is used, with a warning', async (mode) => {
    const { warnings } = await readIdentityFile(await identityFile(generateIdentity().privateKey, mode));
    expect(warnings).toEqual([
      expect.stringMatching(`^identity file .* has the mode 0${mode.toString(8)}.*chmod 0640`),
    ]);
  });

  test('that is missing, a folder or huge is named as such', async () => {
    const path = await identityFile('#'.repeat(20_000));
    await expect(readIdentityFile(path)).rejects.toMatchObject({ code: 'IDENTITY_FILE_TOO_LARGE' });
    await expect(readIdentityFile(`${path}.gone`)).rejects.toMatchObject({
      code: 'IDENTITY_FILE_MISSING',
      message: expect.stringContaining('failtome keygen --identity'),
    });
    await expect(readIdentityFile(join(path, '..'))).rejects.toMatchObject({
      code: 'IDENTITY_FILE_UNREADABLE',
    });
  });
});

describe('a public key', () => {
  test('is read as it was printed', () => {
    const { privateKey, publicKey: text } = generateIdentity();
    expect(publicKey(` ${text} `)).toMatchObject({ text, id: parseIdentity(privateKey, '').publicKey.id });
  });

  test('is not one of the secrets, which are never repeated', () => {
    const { privateKey } = generateIdentity();
    expect(parsePublicKey(privateKey)).toMatchObject({ found: 'a private key (not shown)' });
    expect(parsePublicKey(generateKey())).toMatchObject({ found: 'a key of 32 bytes (not shown)' });
  });

  test.each(['', 'MCow', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==', `MCowBQYDK2VwAyEA${'/'.repeat(42)}9=`])(
    'is not %j',
    (text) => {
      expect(parsePublicKey(text)).toMatchObject({ found: null, hint: expect.stringMatching(/./) });
    },
  );
});

describe('a signature', () => {
  const identity = made();
  const message = Buffer.from('saturn votes');

  test('holds under any key of the signer, for these bytes alone', () => {
    const signature = signAs(identity, message);
    expect(signature).toMatch(/^[A-Za-z0-9_-]{86}$/);
    expect(isSignedBy([made().publicKey, identity.publicKey], message, signature)).toBe(true);
    expect(isSignedBy([made().publicKey], message, signature)).toBe(false);
    expect(isSignedBy([identity.publicKey], Buffer.from('saturn vetoes'), signature)).toBe(false);
    expect(isSignedBy([], message, signature)).toBe(false);
  });

  test('has one spelling only', () => {
    const signature = signAs(identity, message);
    // The last of 86 characters carries two bits of the signature and four that have to be 0.
    const last = { A: 'B', Q: 'R', g: 'h', w: 'x' }[signature.slice(-1)] ?? '';
    for (const other of [`${signature.slice(0, -1)}${last}`, `${signature}==`, signature.slice(1), '']) {
      expect(isSignedBy([identity.publicKey], message, other)).toBe(false);
    }
  });
});

describe('operators', () => {
  const [ann, annsNext, bob] = [made(), made(), made()];
  const operators = new Operators([
    { name: 'ann', publicKeys: [ann.publicKey, annsNext.publicKey] },
    { name: 'bob', publicKeys: [bob.publicKey] },
  ]);
  const message = Buffer.from('pause');

  test('are told apart by the key that signed, and nobody else counts', () => {
    expect(operators.provenBy(message, proofOf(ann, message))).toBe('ann');
    expect(operators.provenBy(message, proofOf(annsNext, message))).toBe('ann');
    expect(operators.provenBy(message, proofOf(bob, message))).toBe('bob');
    expect(operators.provenBy(message, proofOf(made(), message))).toBeNull();
    expect(new Operators([]).provenBy(message, proofOf(ann, message))).toBeNull();
  });

  test("one's signature under another's name is nobody's", () => {
    const [, signature] = proofOf(made(), message).split(':');
    expect(operators.provenBy(message, `${ann.publicKey.id}:${signature}`)).toBeNull();
    for (const proof of ['', ':', ann.publicKey.id, `ann:${signature}`, `${proofOf(ann, message)} `]) {
      expect(operators.provenBy(message, proof)).toBeNull();
    }
  });

  test("an order's proof is of its text, and no message's", () => {
    const proof = signOrder(ann, 'pause');
    expect(operators.orderedBy('pause', proof)).toBe('ann');
    expect(operators.orderedBy('resume', proof)).toBeNull();
    expect(operators.provenBy(message, proof)).toBeNull();
    expect(operators.orderedBy('pause', proofOf(ann, message))).toBeNull();
  });
});
