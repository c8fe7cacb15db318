/** Bundles come back as they were packed; damaged, cut or hostile ones are refused within bounds, and with a reason. */
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { packTar } from 'modern-tar';
import { expect, test } from 'vitest';
import { type BundleManifest, MAX_UNPACKED_BYTES, packBundle, readBundle } from '../src/bundle.ts';

const ABOUT: Omit<BundleManifest, 'format' | 'version' | 'files'> = {
  failtome: '1.2.3',
  cluster: 'web',
  madeAt: 1_700_000_000_000,
  since: 1_699_999_000_000,
  nodes: [{ id: 'saturn', url: 'http://10.0.1.12:8741', version: '1.2.3', aheadMs: 3, withinMs: 1 }],
  missing: [{ what: 'neptune', why: 'nobody listens there' }],
};
const FILES = [
  { name: 'node-saturn/status.json', content: Buffer.from('{}') },
  {
    name: `node-${'x'.repeat(64)}/recordings/0000000001-1795793183847.recording`,
    content: Buffer.alloc(5_000, 7),
  },
];
const packed = await packBundle(ABOUT, FILES);

test('a bundle comes back as it was packed', async () => {
  const { manifest, files } = await readBundle(packed);
  expect(manifest).toMatchObject(ABOUT);
  expect([...files]).toEqual(FILES.map(({ name, content }) => [name, content]));
});

test('wherever it is cut short, it is refused', async () => {
  for (let length = 0; length < packed.length; length += 7)
    await expect(readBundle(packed.subarray(0, length))).rejects.toThrow(/^it is (cut short|no gzip file)/);
});

test('a byte that has changed is noticed, or changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = Buffer.from(packed);
      changed[at] = (changed[at] ?? 0) ^ bits;
      const read = await readBundle(changed).catch((error: unknown) => error);
      if (read instanceof Error) expect(read.message).toMatch(/^it |^[\w./-]+ is /);
      else expect(read).toMatchObject({ manifest: ABOUT });
    }),
    { numRuns: 300 },
  );
});

test('a file that unpacks to more than it may is not unpacked further', async () => {
  const part = Buffer.alloc(MAX_UNPACKED_BYTES / 8);
  const bomb = gzipSync(Buffer.concat(Array.from({ length: 9 }, () => part)), { level: 1 });
  expect(bomb.length).toBeLessThan(8_000_000);
  await expect(readBundle(bomb)).rejects.toThrow('it unpacks to more than');
});

interface Entry {
  readonly name: string;
  readonly content?: string;
  readonly type?: 'file' | 'symlink' | 'directory';
}

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = await packTar(
    entries.map(({ name, content = '', type = 'file' }) => ({
      header: {
        name,
        size: type === 'file' ? content.length : 0,
        type,
        ...(type === 'symlink' ? { linkname: '/etc/passwd' } : {}),
      },
      ...(type === 'file' ? { body: content } : {}),
    })),
  );
  return gzipSync(Buffer.from(tar));
}

const manifestOf = (change: object): Entry => ({
  name: 'manifest.json',
  content: JSON.stringify({ format: 'failtome-bundle', version: 1, ...ABOUT, files: [], ...change }),
});

test.each<[what: string, entries: readonly Entry[], why: RegExp]>([
  ['a path that climbs', [{ name: '../../etc/cron.d/x' }], /a name that none may have/],
  ['a path that climbs on its way', [{ name: 'node-a/../../x' }], /a name that none may have/],
  ['an absolute path', [{ name: '/etc/passwd' }], /a name that none may have/],
  ['a name with a control character', [{ name: 'a\u001b[2Jb' }], /a name that none may have/],
  ['a link', [{ name: 'a', type: 'symlink' }], /a is a symlink/],
  ['no manifest', [{ name: 'a' }], /it has no manifest/],
  ['a file twice', [manifestOf({}), { name: 'a' }, { name: 'a' }], /a is in it twice/],
  ['a file that nobody named', [manifestOf({}), { name: 'a' }], /does not name/],
  ['a manifest of something else', [manifestOf({ format: 'other' })], /of something else/],
  ['a later version', [manifestOf({ version: 99 })], /of version 99, and this program knows 1/],
  ['a manifest of another form', [manifestOf({ nodes: [{ id: 7 }] })], /another form/],
  ['a manifest that is no JSON', [{ name: 'manifest.json', content: '{' }], /no JSON/],
  [
    'a size that is forged in the manifest',
    [manifestOf({ files: [{ name: 'a', bytes: 9e15, sha256: 'x' }] }), { name: 'a' }],
    /a is not what its manifest says/,
  ],
  [
    'a file that is missing',
    [manifestOf({ files: [{ name: 'a', bytes: 0, sha256: 'x' }] })],
    /and not there/,
  ],
])('%s is refused', async (_, entries, why) => {
  await expect(readBundle(await tarOf(entries))).rejects.toThrow(why);
});

test('a size that is forged in the tar is refused', async () => {
  const tar = gunzipSync(packed);
  // The length of the second entry, in octal, and a checksum that fits it.
  const at = tar.lastIndexOf('node-saturn/status.json');
  for (const size of ['77777777777', '00000000001', '00000100000']) {
    const forged = Buffer.from(tar);
    forged.write(size, at + 124, 'latin1');
    forged.write('        ', at + 148, 'latin1');
    const sum = forged.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    forged.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
    await expect(readBundle(gzipSync(forged))).rejects.toThrow(/^it |^node/);
  }
});
