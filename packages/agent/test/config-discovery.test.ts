/** Peers whose URLs are left out: how the configuration says that they are to be found. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { readFoundPeers, writeFoundPeers } from '../src/adapters/found-peers.ts';
import { configDigest } from '../src/config/config-digest.ts';
import { checkConfig, faultLines, readFileBounded } from '../src/config/load.ts';
import { searches, soughtIn, urlsAt, withFound } from '../src/config/located.ts';
import { effectiveYaml } from '../src/config/print.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import { judgeReload } from '../src/reload.ts';

const FROM = 'from: { ec2Tag: failtome-web }';
const NODES =
  'nodes: [{ id: saturn }, { id: neptune }, { id: pluto, role: witness, url: "http://10.0.3.10:8741" }]';

function file(peers: string, more = ''): string {
  return `cluster: web
node: { id: saturn }
peers: ${peers}
auth: { keyFile: /k }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: ec2 }
${more}`;
}

function faultsOf(yaml: string): readonly string[] {
  const read = checkConfig('f.yaml', Buffer.from(yaml), {});
  return read.kind === 'faulty' ? faultLines(read.faults, 'f.yaml') : [];
}

function loaded(yaml: string) {
  const read = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (read.kind === 'faulty') throw new Error(faultLines(read.faults, 'f.yaml').join('\n'));
  return read;
}

test('who votes is the same whether the list is plain or peers are found', () => {
  const { config } = loaded(file(`{ ${FROM}, ${NODES} }`));
  const plain = loaded(
    file(
      '[{ id: saturn, url: "http://a:1" }, { id: neptune, url: "http://b:1" }, { id: pluto, role: witness, url: "http://10.0.3.10:8741" }]',
    ),
  ).config;
  const identity = { id: 'saturn', instanceId: 'i-1', region: null };
  expect(toProtocolConfig(config, identity, '1').peers).toEqual(toProtocolConfig(plain, identity, '1').peers);
  expect(configDigest(config, 'saturn')).toBe(configDigest(plain, 'saturn'));
});

test('what is found is filled in where a URL is left out, and nowhere else', () => {
  const { config } = loaded(file(`{ from: { ec2Tag: t, port: 9000 }, ${NODES} }`));
  expect(soughtIn(config, 'saturn')).toEqual(['neptune']);
  const { discovery } = config;
  if (discovery === null) throw new Error('nothing is to be found');
  const addresses = new Map([
    ['neptune', '10.0.1.11'],
    ['pluto', '10.0.1.99'],
    ['eris', '10.0.1.98'],
  ]);
  const filled = withFound(config, urlsAt(addresses, discovery));
  expect(filled.peers.map(({ id, url }) => [id, url])).toEqual([
    ['saturn', null],
    ['neptune', 'http://10.0.1.11:9000'],
    ['pluto', 'http://10.0.3.10:8741'],
  ]);
  const moved = withFound(filled, urlsAt(new Map([['neptune', 'fd00::2']]), discovery));
  expect(moved.peers[1]?.url).toBe('http://[fd00::2]:9000');
  expect(withFound(moved, new Map()).peers[1]?.url).toBe('http://[fd00::2]:9000');
});

test('EC2 is asked only where something is to be found', () => {
  const all = file(`{ ${FROM}, nodes: [{ id: neptune, url: "http://10.0.1.11:8741" }] }`);
  expect(searches(loaded(all).config)).toBe(false);
  expect(searches(loaded(all.replace('node: { id: saturn }\n', '')).config)).toBe(true);
  expect(searches(loaded(file(`{ ${FROM}, ${NODES} }`)).config)).toBe(true);
});

test('the effective configuration of peers that are found loads again as the same', () => {
  const read = loaded(file(`{ ${FROM}, ${NODES} }`));
  const text = effectiveYaml(read.settings, 'f.yaml');
  expect(parse(text).peers).toMatchObject({
    from: { ec2Tag: 'failtome-web', port: 8741, scheme: 'http' },
    nodes: [{ id: 'saturn' }, { id: 'neptune', url: null }, { id: 'pluto' }],
  });
  expect(loaded(text).config).toEqual(read.config);
});

test.each([
  [
    `{ ${NODES} }`,
    'peers[0].url: found nothing, expected an http or https URL of host and port that the other nodes can reach',
  ],
  [
    '[{ id: neptune }]',
    'peers[0].url: found nothing, expected an http or https URL of host and port that the other nodes can reach',
  ],
  [`{ ${FROM} }`, 'peers: found nothing, expected a list of at least one { id, url, role }'],
  [
    `{ ${FROM}, nodes: [] }`,
    'peers: found an empty list, expected at least one { id, url, role } (f.yaml:3)',
  ],
  [`{ ${FROM}, nodes: { id: neptune } }`, 'peers.nodes: found a map, expected a list (f.yaml:3)'],
  [
    `{ from: {}, ${NODES} }`,
    'peers.from.ec2Tag: found nothing, expected the key of a tag, of 1 to 127 letters, digits and `_.:/=+@-`',
  ],
  [
    `{ from: { ec2Tag: "web*" }, ${NODES} }`,
    'peers.from.ec2Tag: found "web*", expected the key of a tag, of 1 to 127 letters, digits and `_.:/=+@-` (f.yaml:3)',
  ],
  [
    `{ from: { ec2Tag: "aws:cloudformation:stack-name" }, ${NODES} }`,
    'peers.from.ec2Tag: found "aws:cloudformation:stack-name", expected the key of a tag, of 1 to 127 letters, digits and `_.:/=+@-` (f.yaml:3)',
  ],
  [
    `{ from: { ec2Tag: t, port: 0 }, ${NODES} }`,
    'peers.from.port: found 0, expected a whole number from 1 to 65535 (f.yaml:3)',
  ],
  [
    `{ from: { tag: t }, ${NODES} }`,
    'peers.from.tag: found an unknown key, expected one of ec2Tag, port and scheme',
  ],
  [
    `{ ${FROM}, voters: [a], ${NODES} }`,
    'peers.voters: found an unknown key, expected one of from and nodes',
  ],
  [
    `{ from: { ec2Tag: t, scheme: https }, ${NODES} }`,
    'peers.from.scheme: found https, expected http, because there is no api.tls (f.yaml:3)',
  ],
  [
    `{ ${FROM}, nodes: [{ id: saturn }] }`,
    'peers: found no node but this one, expected at least one other node',
  ],
])('peers: %s is refused', (peers, line) => {
  expect(faultsOf(file(peers)).join('\n')).toContain(line);
});

test('with TLS, what is found is spoken to over TLS, but for a cluster that is being changed over', () => {
  const peers = `{ ${FROM}, nodes: [{ id: neptune }] }`;
  const tls = 'api: { tls: { certFile: /c, keyFile: /k, caFile: /a } }\n';
  expect(faultsOf(file(peers, tls))).toEqual([
    'peers.from.scheme: found http, expected https, because there is api.tls (the default)',
  ]);
  expect(faultsOf(file(peers, tls.replace('caFile: /a', 'caFile: /a, plain: accept')))).toEqual([]);
});

test('whether peers are found at all needs a restart, and by what tag does not', async () => {
  const present = loaded(file(`{ ${FROM}, ${NODES} }`));
  const judge = async (peers: string) => {
    const result = await judgeReload(loaded(file(peers)), {
      ...{ config: present.config, id: 'saturn', file: 'f.yaml', certificate: null },
      state: () => ({ addresses: {} }),
    });
    return result.kind === 'refused' ? result.lines.filter((line) => line.startsWith('peers')) : [];
  };
  expect(await judge(`{ from: { ec2Tag: other }, ${NODES} }`)).toEqual([]);
  expect(await judge('[{ id: neptune, url: "http://10.0.1.11:8741" }]')).toEqual([
    'peers.from: changed from "there" to "absent", which takes effect only after a restart',
  ]);
});

test('where peers were found is kept for the same cluster and the same tag, and a broken file is none', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'found-'));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const of = { stateDir, cluster: 'web', tag: 't' };
  const read = (more: object = {}) => readFoundPeers({ ...of, ...more }, readFileBounded);
  expect(await read()).toEqual(new Map());
  await writeFoundPeers(of, new Map([['neptune', '10.0.1.11']]));
  expect(await read()).toEqual(new Map([['neptune', '10.0.1.11']]));
  expect(await read({ cluster: 'other' })).toEqual(new Map());
  expect(await read({ tag: 'other' })).toEqual(new Map());
  const path = join(stateDir, 'peers.json');
  await writeFile(
    path,
    '{"cluster":"web","tag":"t","addresses":{"neptune":"evil.example","pluto":7,"eris":"fd00::1"}}',
  );
  expect(await read()).toEqual(new Map([['eris', 'fd00::1']]));
  for (const text of ['', '{', 'null', '[]', '{"cluster":"web","tag":"t"}']) {
    await writeFile(path, text);
    expect(await read(), text).toEqual(new Map());
  }
});
