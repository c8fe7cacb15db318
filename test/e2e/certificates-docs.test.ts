/** The commands of docs/certificates.md, as they stand there, make certificates that a node and its peers accept. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readIdentityFile } from '../../packages/agent/src/auth/identity.ts';
import { readCertificate } from '../../packages/agent/src/tls/certificate.ts';
import { isSameKey } from '../../packages/agent/src/tls/verification.ts';
import { has } from '../../scripts/requirements.mjs';
import { failtome } from './support/command.ts';

const missing = has('openssl') ? '' : ' (skipped: there is no openssl; apt-get install -y openssl)';
const folder = await mkdtemp(join(tmpdir(), 'failtome-docs-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const page = await readFile(join(import.meta.dirname, '../../docs/certificates.md'), 'utf8');
const [ofAuthority = '', ofIdentity = ''] = [...page.matchAll(/```sh\n([\s\S]+?)```/g)].map(
  ([, text]) => text,
);

function run(commands: string): void {
  execFileSync('sh', ['-e', '-c', commands], { cwd: folder, stdio: 'pipe' });
}

describe.skipIf(missing !== '')(`certificates made as documented${missing}`, () => {
  test('by an authority: for the host and the id, and of that authority', async () => {
    run(ofAuthority);
    const at = (name: string): string => join(folder, name);
    const files = { certFile: at('saturn.crt'), keyFile: at('saturn.key'), caFile: at('ca.crt') };
    const reading = await readCertificate(files);
    if (reading.kind === 'faulty') throw new Error(JSON.stringify(reading.faults));
    const { own, authorities } = reading.certificate;
    expect([own.checkHost('saturn'), own.checkIP('10.0.1.12'), own.ca]).toEqual([
      'saturn',
      '10.0.1.12',
      false,
    ]);
    expect(authorities.some((ca) => own.checkIssued(ca) && own.verify(ca.publicKey))).toBe(true);
  });

  test('of an identity: with that very key, the identity file being its private half', async () => {
    const { stdout } = await failtome(['keygen', '--identity']);
    execFileSync('sh', ['-c', 'umask 027; cat > node.identity'], { cwd: folder, input: stdout });
    run(ofIdentity);
    const keyFile = join(folder, 'node.identity');
    const reading = await readCertificate({ certFile: join(folder, 'node.crt'), keyFile, caFile: null });
    if (reading.kind === 'faulty') throw new Error(JSON.stringify(reading.faults));
    const { identity } = await readIdentityFile(keyFile);
    expect(isSameKey(reading.certificate.own.publicKey, identity.publicKey.key)).toBe(true);
  });
});
