/** What the configuration says of TLS, and what is wrong with the files that it names, each with its line. */
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authority, issue, writeCertificate } from '../../../test/support/certificates.ts';
import { checkConfig, faultLines, type LoadResult } from '../src/config/load.ts';
import { judgeReload } from '../src/reload.ts';
import { type Certificate, readCertificate, validityOf, WARN_BEFORE_MS } from '../src/tls/certificate.ts';
import { loadCertificate } from '../src/tls/certificate-load.ts';
import { CertificateKeeper } from '../src/tls/keeper.ts';
import { certificateOf, temporaryFolder } from './support/tls.ts';

const DAY_MS = 86_400_000;

function yaml(
  change: { readonly tls?: string; readonly urls?: 'http' | 'https'; readonly keyFile?: string } = {},
): string {
  const { tls = '{ certFile: /c, keyFile: /k }', urls = 'https', keyFile = '/key' } = change;
  return `cluster: web
node: { id: saturn }
api:
  advertise: "${urls}://10.0.1.12:8741"
${tls === '' ? '' : `  tls: ${tls}\n`}peers:
  - { id: saturn, url: "${urls}://10.0.1.12:8741" }
  - { id: neptune, url: "${urls}://10.0.1.11:8741" }
auth: { keyFile: ${keyFile} }
addresses: [{ ip: 203.0.113.7 }]
driver: { kind: ec2, region: us-east-1, instanceId: i-0abc }
`;
}

const load = (text: string): LoadResult => checkConfig('failtome.yaml', Buffer.from(text), {});

function faultsOf(text: string): readonly string[] {
  const result = load(text);
  return result.kind === 'faulty' ? faultLines(result.faults, 'failtome.yaml') : [];
}

test('a section with its two files is all that TLS needs', () => {
  const result = load(yaml());
  expect(result.kind === 'loaded' && result.config.api.tls).toEqual({
    ...{ certFile: '/c', keyFile: '/k', caFile: null, clientAuth: 'none', plain: 'refuse', observe: 'tls' },
  });
  expect(faultsOf(yaml({ tls: '{ certFile: /c }' }))).toEqual([
    'api.tls.keyFile: found nothing, expected the path of a PEM file',
  ]);
});

test('https URLs without api.tls are faults with their lines, and so are http URLs with it', () => {
  expect(faultsOf(yaml({ tls: '' }))).toEqual([
    expect.stringMatching(
      /^api\.advertise: found "https:.*expected an http URL, because there is no api\.tls.*:4\)$/,
    ),
    expect.stringMatching(/^peers\[0\]\.url: .*:6\)$/),
    expect.stringMatching(/^peers\[1\]\.url: .*:7\)$/),
  ]);
  expect(faultsOf(yaml({ urls: 'http' }))).toEqual([
    expect.stringMatching(
      /^api\.advertise: .*expected an https URL.*did you mean https:\/\/10\.0\.1\.12:8741\?.*:4\)$/,
    ),
    expect.stringMatching(/^peers\[0\]\.url: .*:7\)$/),
    expect.stringMatching(/^peers\[1\]\.url: .*:8\)$/),
  ]);
});

test('certificates of clients are wanted only where somebody can be known by one', () => {
  expect(faultsOf(yaml({ tls: '{ certFile: /c, keyFile: /k, clientAuth: required }' }))).toEqual([
    expect.stringMatching(
      /^api\.tls\.clientAuth: found required, expected none, because there is neither.*:5\)$/,
    ),
  ]);
  expect(faultsOf(yaml({ tls: '{ certFile: /c, keyFile: /k, caFile: /a, clientAuth: required }' }))).toEqual(
    [],
  );
});

test('a cluster that is being changed over may have both, which is warned of', () => {
  const result = load(yaml({ urls: 'http', tls: '{ certFile: /c, keyFile: /k, plain: accept }' }));
  expect(result.kind).toBe('loaded');
  expect(result.warnings.map(({ path }) => path)).toContain('api.tls.plain');
  expect(result.warnings.map(({ path }) => path)).not.toContain('api.tls.clientAuth');
});

test('certificates that are wanted of clients while plain HTTP needs none are warned of', () => {
  const tls = '{ certFile: /c, keyFile: /k, caFile: /a, clientAuth: required, plain: accept }';
  const { warnings } = load(yaml({ tls }));
  expect(warnings.find(({ path }) => path === 'api.tls.clientAuth')?.text).toMatch(
    /^required: keeps nobody out/,
  );
});

async function problemsOf(text: string): Promise<readonly string[]> {
  const result = load(text);
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  const loaded = await loadCertificate(result.config, result.settings);
  return loaded.kind === 'faulty' ? faultLines(loaded.faults, 'failtome.yaml') : loaded.warnings;
}

test.each<[string, (folder: string) => void, RegExp]>([
  [
    'no certificate',
    (folder) => writeFileSync(join(folder, 'node.crt'), 'hello'),
    /certFile: .*holds no PEM certificate/,
  ],
  [
    'a broken certificate',
    (folder) =>
      writeFileSync(
        join(folder, 'node.crt'),
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      ),
    /certFile: .*certificate 1 can not be read/,
  ],
  [
    'a directory',
    (folder) => {
      mkdirSync(join(folder, 'd'));
    },
    /certFile: .*is a directory/,
  ],
  ['no key', (folder) => writeFileSync(join(folder, 'node.key'), 'hello'), /keyFile: .*holds no private key/],
  [
    'a key with a passphrase',
    (folder) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const format = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
      writeFileSync(join(folder, 'node.key'), privateKey.export(format));
    },
    /keyFile: .*encrypted with a passphrase/,
  ],
  [
    'the key of another certificate',
    (folder) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(join(folder, 'node.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    },
    /keyFile: .*is not the key of the certificate/,
  ],
  [
    'the certificates in the wrong order',
    (folder) => {
      const own = readFileSync(join(folder, 'node.crt'));
      writeFileSync(join(folder, 'node.crt'), readFileSync(join(folder, 'node.ca')));
      appendFileSync(join(folder, 'node.crt'), own);
    },
    /keyFile: .*the node's own certificate stands first/,
  ],
  [
    'an empty caFile',
    (folder) => writeFileSync(join(folder, 'node.ca'), ''),
    /caFile: .*holds no PEM certificate/,
  ],
])('%s is told with the key and the line of its file', async (what, spoil, told) => {
  const folder = temporaryFolder();
  const ca = await authority();
  const paths = writeCertificate(folder, 'node', await issue({ issuer: ca }), ca);
  spoil(folder);
  const certFile = what === 'a directory' ? join(folder, 'd') : paths.certFile;
  const tls = `{ certFile: ${certFile}, keyFile: ${paths.keyFile}, caFile: ${paths.caFile} }`;
  expect(await problemsOf(yaml({ tls }))).toEqual([
    expect.stringMatching(new RegExp(`^api\\.tls\\.${told.source}.*\\(failtome\\.yaml:5\\)$`)),
  ]);
});

test('files that are not there are told all at once', async () => {
  expect(await problemsOf(yaml({ tls: '{ certFile: /none/c, keyFile: /none/k, caFile: /none/a }' }))).toEqual(
    [
      expect.stringMatching(/^api\.tls\.certFile: found \/none\/c, which does not exist.*:5\)$/),
      expect.stringMatching(/^api\.tls\.keyFile: /),
      expect.stringMatching(/^api\.tls\.caFile: /),
    ],
  );
});

test('a key that others may read is warned of', async () => {
  const issued = await issue();
  const { certFile, keyFile } = writeCertificate(temporaryFolder(), 'node', issued);
  chmodSync(keyFile, 0o644);
  expect(await problemsOf(yaml({ tls: `{ certFile: ${certFile}, keyFile: ${keyFile} }` }))).toEqual([
    expect.stringMatching(/^api\.tls\.keyFile: .*has the mode 0644/),
  ]);
});

test('nothing of a private key is told', async () => {
  const { certFile, keyFile } = writeCertificate(temporaryFolder(), 'node', await issue());
  const reading = await readCertificate({ certFile: keyFile, keyFile, caFile: certFile });
  expect(JSON.stringify(reading)).not.toContain(readFileSync(keyFile, 'utf8').split('\n')[1]);
});

test.each([
  [0, 100 * DAY_MS, 50 * DAY_MS, 'valid'],
  [0, 100 * DAY_MS, 100 * DAY_MS - WARN_BEFORE_MS, 'ends-soon'],
  [0, 100 * DAY_MS, 100 * DAY_MS, 'expired'],
  [10, 100 * DAY_MS, 0, 'not-yet'],
  [0, DAY_MS, 0.7 * DAY_MS, 'valid'],
  [0, DAY_MS, 0.8 * DAY_MS, 'ends-soon'],
])('a certificate from %i to %i is, at %i: %s', (notBefore, notAfter, now, validity) => {
  expect(validityOf({ notBefore, notAfter }, now)).toBe(validity);
});

test('the certificate in use is told at the start, when its end comes near, and when there is another', async () => {
  const [first, second] = [await certificateOf(await issue()), await certificateOf(await issue())];
  const told: string[] = [];
  const shown: number[] = [];
  let now = Date.now();
  const keeper = new CertificateKeeper(first, {
    now: () => now,
    tell: (level, text) => told.push(`${level}: ${text.replace(first.files.certFile, 'FILE')}`),
    show: (notAfter) => shown.push(notAfter),
  });
  keeper.look();
  now = first.notAfter - DAY_MS;
  keeper.look();
  now = first.notAfter;
  keeper.look();
  expect(keeper.replace(first)).toBe(false);
  now = Date.now();
  expect(keeper.replace(second)).toBe(true);
  keeper.close();
  expect(told).toEqual([
    expect.stringMatching(/^info: the certificate in FILE is in use/),
    expect.stringMatching(/^warn: the certificate in FILE expires on/),
    expect.stringMatching(/^error: the certificate in FILE expired on/),
    expect.stringMatching(/^info: the certificate in .* is in use/),
  ]);
  expect(shown.at(-1)).toBe(second.notAfter);
});

/** What a reload says when the files hold `next` instead of `present`. */
async function reloadedWith(
  present: Certificate,
  next: Awaited<ReturnType<typeof issue>>,
): Promise<readonly string[]> {
  const folder = temporaryFolder();
  const { certFile, keyFile } = writeCertificate(folder, 'node', next);
  const key = join(folder, 'cluster.key');
  writeFileSync(key, `${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 });
  const result = load(yaml({ tls: `{ certFile: ${certFile}, keyFile: ${keyFile} }`, keyFile: key }));
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  const judged = await judgeReload(result, {
    ...{ config: result.config, id: 'saturn', file: 'failtome.yaml', certificate: present },
    state: () => ({ addresses: {} }),
  });
  return judged.kind === 'refused' ? judged.lines : [];
}

test('on a reload a new certificate is taken over, and one that is not valid is refused', async () => {
  const present = await certificateOf(await issue());
  expect(await reloadedWith(present, await issue())).toEqual([]);
  const expired = await issue({ fromMs: -2 * DAY_MS, forMs: -DAY_MS });
  expect(await reloadedWith(present, expired)).toEqual([
    expect.stringMatching(
      /^api\.tls\.certFile: found .*expected a certificate that is valid now \(failtome\.yaml:5\)$/,
    ),
  ]);
  // What was in use all the time keeps nothing else from changing.
  expect(await reloadedWith(await certificateOf(expired), expired)).toEqual([]);
});
