/** The store in the configuration: what each kind takes, and what it can't do without. */
import { expect, test } from 'vitest';
import { checkConfig, faultLines } from '../src/config/load.ts';
import { effectiveYaml } from '../src/config/print.ts';
import type { AgentConfig } from '../src/config/types.ts';

const REST = `cluster: web
node: { id: saturn, role: ROLE }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }, { id: pluto, url: "http://10.0.1.12:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: ec2 }
`;

function check(store: string, role = 'candidate') {
  return checkConfig('f.yaml', Buffer.from(`${REST.replace('ROLE', role)}${store}\n`), {});
}

function storeOf(store: string, role?: string): AgentConfig['store'] {
  const result = check(store, role);
  if (result.kind === 'faulty') throw new Error(faultLines(result.faults, 'f.yaml').join('\n'));
  return result.config.store;
}

function faultsOf(store: string): readonly string[] {
  const result = check(store);
  return result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
}

test('a table needs no more than its kind', () => {
  expect(storeOf('store: { kind: dynamodb }')).toEqual({ kind: 'dynamodb', table: 'failtome', region: null });
});

test('an etcd needs its endpoints', () => {
  expect(faultsOf('store: { kind: etcd }')).toEqual([
    expect.stringContaining('store.endpoints: found nothing'),
  ]);
  expect(storeOf('store: { kind: etcd, endpoints: ["http://10.0.3.1:2379"] }')).toMatchObject({
    prefix: '/failtome/',
    caFile: null,
  });
});

test('what another kind takes is refused; a certificate goes with its key, and a user with a password', () => {
  expect(faultsOf('store: { kind: dynamodb, prefix: /x/ }')).toEqual([
    expect.stringContaining('none, because store.kind is dynamodb'),
  ]);
  expect(faultsOf('store: { kind: etcd, endpoints: ["http://10.0.3.1:2379"], table: abc }')).toEqual([
    expect.stringContaining('none, because store.kind is etcd'),
  ]);
  for (const [given, wanted] of [
    ['certFile', 'keyFile'],
    ['keyFile', 'certFile'],
    ['user', 'passwordFile'],
    ['passwordFile', 'user'],
  ])
    expect(faultsOf(`store: { kind: etcd, endpoints: ["https://10.0.3.1:2379"], ${given}: /f }`)).toEqual([
      expect.stringContaining(`store.${wanted}: found nothing`),
    ]);
});

test('a password that goes in the clear and files whose place is uncertain are warned of', () => {
  const warned = (store: string): readonly string[] => {
    const result = check(`store: { kind: etcd, ${store} }`);
    return result.kind === 'faulty'
      ? ['faulty']
      : result.warnings.filter(({ path }) => path.startsWith('store')).map(({ path }) => path);
  };
  const user = 'user: u, passwordFile: /etc/failtome/etcd.pw';
  expect(warned(`endpoints: ["http://10.0.3.1:2379", "https://10.0.3.2:2379"], ${user}`)).toEqual([
    'store.endpoints[0]',
  ]);
  expect(warned(`endpoints: ["http://127.0.0.1:2379"], ${user}`)).toEqual([]);
  expect(warned('endpoints: ["http://10.0.3.1:2379"]')).toEqual([]);
  expect(
    warned('endpoints: ["https://10.0.3.1:2379"], caFile: ca.pem, user: u, passwordFile: etcd.pw'),
  ).toEqual(['store.caFile', 'store.passwordFile']);
});

test('a kind that nobody knows is told with those that there are', () => {
  expect(faultsOf('store: { kind: etdc, endpoints: ["http://10.0.3.1:2379"] }')).toEqual([
    expect.stringContaining('expected dynamodb or etcd'),
  ]);
});

test('a witness relays, and a member does not', () => {
  expect(storeOf('store: { kind: dynamodb }', 'witness')).not.toBe(null);
  expect(storeOf('store: { kind: dynamodb }', 'member')).toBe(null);
});

test('what failtome config prints is read as the same', () => {
  for (const store of [
    'store: { kind: dynamodb, region: eu-west-1 }',
    'store: { kind: etcd, endpoints: ["https://10.0.3.1:2379"], caFile: /ca }',
  ]) {
    const result = check(store);
    if (result.kind === 'faulty') throw new Error('refused');
    const again = checkConfig('g.yaml', Buffer.from(effectiveYaml(result.settings, 'f.yaml')), {});
    expect(again.kind === 'faulty' ? again.faults : again.config.store).toEqual(result.config.store);
  }
});

const PAIR = REST.replace(', { id: pluto, url: "http://10.0.1.12:8741" }', '').replace('ROLE', 'candidate');
const ARBITER = 'agreement: { arbiter: true }\nstore: { kind: dynamodb }\n';

function pairWith(text: string, rest = PAIR) {
  return checkConfig('f.yaml', Buffer.from(`${rest}${text}`), {});
}

function agreementWarnings(text: string) {
  const result = pairWith(text);
  if (result.kind === 'faulty') throw new Error(faultLines(result.faults, 'f.yaml').join('\n'));
  return result.warnings.filter(({ path }) => path.startsWith('agreement'));
}

test('an arbiter is the third voter of a pair, beside its store', () => {
  expect(pairWith(ARBITER)).toMatchObject({ config: { agreement: { arbiter: true } } });
  expect(agreementWarnings(ARBITER)).toEqual([]);
  expect(pairWith('')).toMatchObject({ config: { agreement: { arbiter: false } } });
});

test.each([
  ['without a store', 'agreement: { arbiter: true }\n', PAIR, 'because there is no store'],
  ['beside a third node', ARBITER, REST.replace('ROLE', 'candidate'), 'because 3 nodes can vote'],
  [
    'beside a node of its name',
    ARBITER,
    PAIR.replace('id: neptune', 'id: arbiter'),
    'a node is called arbiter',
  ],
])('an arbiter %s is refused', (_, text, rest, expected) => {
  const result = pairWith(text, rest);
  const lines = result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
  expect(lines).toEqual([expect.stringContaining(expected)]);
  expect(lines[0]).toContain('agreement.arbiter');
});

test('what silence counts as is told to mean nothing beside an arbiter', () => {
  const text = ARBITER.replace('arbiter: true', 'arbiter: true, silentPeer: hold');
  expect(agreementWarnings(text)).toEqual([
    { path: 'agreement.silentPeer', text: expect.stringContaining('means nothing') },
  ]);
});
