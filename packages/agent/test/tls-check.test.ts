/** What `failtome check` says of this node's certificate: whether it can be used, until when, and what peers make of it. */
import { expect, test } from 'vitest';
import {
  authority,
  type CertificateOptions,
  issue,
  writeCertificate,
} from '../../../test/support/certificates.ts';
import { checkCertificate } from '../src/cli/check-tls.ts';
import { checkConfig } from '../src/config/load.ts';
import { temporaryFolder } from './support/tls.ts';

const DAY_MS = 86_400_000;

interface Case {
  readonly made?: CertificateOptions;
  readonly by?: 'ours' | 'another';
  /** The node's own key stands in its entry of `peers`. */
  readonly identity?: boolean;
}

async function linesOf({ made = {}, by = 'ours', identity = false }: Case): Promise<readonly string[]> {
  const [ca, other] = await Promise.all([authority(), authority()]);
  const options = { names: ['10.0.1.12'], issuer: by === 'ours' ? ca : other, ...made };
  const issued = await issue(options);
  const { certFile, keyFile, caFile } = writeCertificate(temporaryFolder(), 'node', issued, ca);
  const key = issued.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const text = `cluster: web
node: { id: saturn }
api: { tls: { certFile: ${certFile}, keyFile: ${keyFile}, caFile: ${caFile} } }
peers:
  - { id: saturn, url: "https://10.0.1.12:8741"${identity ? `, publicKey: "${key}"` : ''} }
  - { id: neptune, url: "https://10.0.1.11:8741" }
auth: { keyFile: /key }
addresses: [{ ip: 203.0.113.7 }]
driver: { kind: ec2 }
`;
  const result = checkConfig('failtome.yaml', Buffer.from(text), {});
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  const lines = await checkCertificate(result.config, result.settings, 'failtome.yaml', Date.now());
  return lines.map(({ state, found, fix }) => `${state}: ${found}${fix === '' ? '' : ` -> ${fix}`}`);
}

test.each<[string, Case, readonly RegExp[]]>([
  ['a good one', {}, [/^ok: .*node\.crt, valid until /]],
  ['one that is known by the id', { made: { names: ['saturn'] } }, [/^ok: /]],
  [
    'one that ends soon',
    { made: { fromMs: -90 * DAY_MS, forMs: 5 * DAY_MS } },
    [/^warn: .*expires on .* -> Renew it/],
  ],
  [
    'one that has expired',
    { made: { fromMs: -9 * DAY_MS, forMs: -DAY_MS } },
    [/^fail: .*expired on .* -> Renew it/],
  ],
  ['one that is not valid yet', { made: { fromMs: DAY_MS } }, [/^fail: .*is not valid before /]],
  [
    'one with other names',
    { made: { names: ['www.example.org'] } },
    [/^ok: /, /^fail: none of its names is 10\.0\.1\.12 or saturn.* -> .*IP:10\.0\.1\.12, DNS:saturn/],
  ],
  [
    'one of another authority',
    { by: 'another' },
    [/^ok: /, /^fail: no authority in .*node\.ca has signed it.* -> /],
  ],
  [
    'one with the key that the others have for it',
    { made: { algorithm: 'ed25519', names: [] }, by: 'another', identity: true },
    [/^ok: /],
  ],
])('%s', async (_what, given, told) => {
  expect(await linesOf(given)).toEqual(told.map((pattern) => expect.stringMatching(pattern)));
});
