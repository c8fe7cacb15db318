import { describe, expect, test } from 'vitest';
import { generateIdentity, parsePublicKey } from '../src/auth/identity.ts';
import { generateKey } from '../src/auth/keys.ts';
import { checkConfig, faultLines, warningLines } from '../src/config/load.ts';
import { effectiveJson, effectiveYaml } from '../src/config/print.ts';
import { ownKeyWarnings } from '../src/config/public-key-rules.ts';

const [SATURN, NEPTUNE, PLUTO, ANN] = Array.from({ length: 4 }, generateIdentity);
const keyOf = (identity: { readonly publicKey: string } | undefined): string => identity?.publicKey ?? '';

interface Keys {
  readonly saturn?: string;
  readonly neptune?: string;
  readonly pluto?: string;
  readonly auth?: string;
}

function yamlOf({ saturn, neptune, pluto, auth = '' }: Keys): string {
  const peer = (id: string, key: string | undefined, host: number): string =>
    `  - { id: ${id}, url: "http://10.0.1.${host}:8741"${key === undefined ? '' : `, publicKey: ${key}`} }`;
  return `cluster: web
node: { id: saturn }
peers:
${peer('saturn', saturn, 10)}
${peer('neptune', neptune, 11)}
${peer('pluto', pluto, 12)}
auth: { keyFile: /etc/failtome/cluster.key${auth} }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: exec, command: [/bin/true] }
local: { url: "http://127.0.0.1/" }
notify: { sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:failover" } }
`;
}

const read = (yaml: string) => checkConfig('f.yaml', Buffer.from(yaml), {});
const linesOf = (yaml: string): readonly string[] => {
  const result = read(yaml);
  return result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
};
const warningsOf = (keys: Keys): readonly string[] => warningLines(read(yamlOf(keys)).warnings);
function loaded(keys: Keys) {
  const result = read(yamlOf(keys));
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result;
}

const IDENTITY = ', identity: /etc/failtome/identity.key';
const OPERATORS = `, operators: [{ name: ann, publicKey: ${keyOf(ANN)} }]`;
const ALL = { neptune: keyOf(NEPTUNE), pluto: keyOf(PLUTO) };

describe('a faulty key is told with its place, and never repeated where it may be secret', () => {
  const fault =
    'found (.*), expected a public key of 60 characters (MCowBQYDK2VwAyEA…), or a list of 1 to 4 of them';
  const told = (found: string, hint: string): string =>
    `peers[1].publicKey: ${fault.replace('(.*)', found)}${hint} (f.yaml:5)`;

  test.each([
    [
      keyOf(NEPTUNE).slice(0, -2),
      `"${keyOf(NEPTUNE).slice(0, -2)}"`,
      '; `failtome keygen --public FILE` prints it',
    ],
    ['7', '7', '; `failtome keygen --public FILE` prints it'],
    ['[]', 'a list of 0', ''],
    [`[${keyOf(NEPTUNE)}, x]`, '"x" at position 1', '; `failtome keygen --public FILE` prints it'],
    [`[${Array.from({ length: 5 }, () => generateIdentity().publicKey).join(', ')}]`, 'a list of 5', ''],
    [
      NEPTUNE?.privateKey ?? '',
      'a private key (not shown)',
      '; make a new one, because this one was written here; --public prints the half that belongs here',
    ],
    [
      generateKey(),
      'a key of 32 bytes (not shown)',
      '; if it is the cluster key, make a new one, because this one was written here',
    ],
  ])('%s', (written, found, hint) => {
    expect(linesOf(yamlOf({ neptune: written }))).toEqual([told(found, hint)]);
  });

  test('a private key in the place of its file', () => {
    const [line = ''] = linesOf(yamlOf({ auth: `, identity: ${SATURN?.privateKey}` }));
    expect(line).toMatch(/^auth\.identity: found a key \(not shown\), .*; make a new key.*\(f\.yaml:7\)$/);
  });
});

describe('one key is one sender', () => {
  test('of two peers, of a peer and an operator, and twice in one list', () => {
    const key = keyOf(NEPTUNE);
    const expected = 'expected each key at one place, because whoever has it could speak for both';
    expect(linesOf(yamlOf({ neptune: key, pluto: key }))).toEqual([
      `peers[2].publicKey: found the key ${key}, ${expected}; peers[1].publicKey has it too (f.yaml:6)`,
    ]);
    expect(
      linesOf(yamlOf({ neptune: key, auth: `, operators: [{ name: ann, publicKey: ${key} }]` })),
    ).toEqual([
      `auth.operators[0].publicKey: found the key ${key}, ${expected}; peers[1].publicKey has it too (f.yaml:7)`,
    ]);
    expect(linesOf(yamlOf({ neptune: `[${key}, ${key}]` }))).toHaveLength(1);
  });
});

describe('operators', () => {
  test.each([
    [
      'operators: []',
      'auth.operators: found an empty list, expected at least one { name, publicKey } (f.yaml:7)',
    ],
    ['operators: ann', 'auth.operators: found "ann", expected a list of at least one { name, publicKey }'],
    ['operators: [{ publicKey: KEY }]', 'auth.operators[0].name: found nothing, expected a name of'],
    ['operators: [{ name: ann }]', 'auth.operators[0].publicKey: found nothing, expected a public key of'],
    [
      'operators: [{ name: ann, publicKey: KEY }, { name: ann, publicKey: OTHER }]',
      'auth.operators[1].name: found ann, expected a name of its own; auth.operators[0].name is the same; publicKey takes a list',
    ],
  ])('%s is refused', (written, line) => {
    const auth = `, ${written.replace('KEY', keyOf(ANN)).replace('OTHER', keyOf(PLUTO))}`;
    expect(linesOf(yamlOf({ auth }))).toEqual([expect.stringContaining(line)]);
  });

  test('may be left out, and are printed as they were given', () => {
    expect(loaded({ auth: ', operators: ' }).config.auth.operators).toEqual([]);
    const { settings } = loaded({ ...ALL, auth: IDENTITY + OPERATORS });
    expect(effectiveYaml(settings, 'f.yaml')).toContain(
      `    - name: ann # f.yaml:7\n      publicKey: ${keyOf(ANN)} # f.yaml:7\n`,
    );
    expect(effectiveJson(settings).config).toMatchObject({
      auth: { identity: '/etc/failtome/identity.key', operators: [{ name: 'ann', publicKey: keyOf(ANN) }] },
    });
  });
});

describe('what is on the way, or half done, is warned of', () => {
  test.each<readonly [string, Keys, readonly string[]]>([
    ['the shared key alone', {}, []],
    ['identities, operators and all', { ...ALL, auth: IDENTITY + OPERATORS }, []],
    [
      'only an identity',
      { auth: IDENTITY },
      ["peers: without publicKey, who has the cluster's key speaks for neptune, pluto"],
    ],
    [
      'one peer without a key',
      { neptune: keyOf(NEPTUNE), auth: IDENTITY + OPERATORS },
      ["peers: without publicKey, who has the cluster's key speaks for pluto"],
    ],
    [
      'no identity of its own',
      { ...ALL, auth: OPERATORS },
      [
        'auth.identity: absent, while peers have a publicKey: the peers cannot tell this node from who only has the cluster key',
      ],
    ],
    [
      'no operators',
      { ...ALL, auth: IDENTITY },
      ["auth.operators: absent: with identities, an operator's command is refused (pause, resume, handover)"],
    ],
    [
      'operators without identities',
      { auth: OPERATORS },
      ["auth.operators: counts for commands, while who has the cluster's key speaks for any node"],
    ],
  ])('%s', (_, keys, warnings) => {
    expect(warningsOf(keys)).toEqual(warnings);
  });

  test("a node's own entry that isn't its identity's, and an identity that is somebody else's", () => {
    const own = parsePublicKey(keyOf(SATURN));
    if ('found' in own) throw new Error('a generated key is refused');
    const warnings = (keys: Keys): readonly string[] =>
      warningLines(ownKeyWarnings(loaded(keys).config, 'saturn', own));
    const good = { ...ALL, auth: IDENTITY + OPERATORS };
    expect(warnings({ ...good, saturn: keyOf(SATURN) })).toEqual([]);
    expect(warnings({ ...good, saturn: `[${generateIdentity().publicKey}, ${keyOf(SATURN)}]` })).toEqual([]);
    expect(warnings(good)).toEqual([]);
    expect(warnings({ ...good, saturn: generateIdentity().publicKey })).toEqual([
      expect.stringMatching(
        /^auth\.identity: its public key MCow.* is not the one that peers has for saturn/,
      ),
    ]);
    expect(warnings({ ...good, pluto: keyOf(SATURN) })).toEqual([
      'auth.identity: it is also the key of pluto: give each a key of its own',
    ]);
  });
});
