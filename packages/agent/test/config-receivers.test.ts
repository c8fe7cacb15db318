/** Receivers of notifications as a file names them: what is refused, what follows, what is never shown. */
import { describe, expect, test } from 'vitest';
import { configDigest } from '../src/config/config-digest.ts';
import { checkConfig, faultLines, warningLines } from '../src/config/load.ts';
import { effectiveJson, effectiveYaml } from '../src/config/print.ts';

const BASE = `cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /k }
addresses: [{ ip: 54.173.141.243 }]
local: { url: "http://127.0.0.1/" }
driver: { kind: ec2 }
`;
const URL = 'https://hooks.example.org/T0/s3cret';

const check = (notify: string) => checkConfig('f.yaml', Buffer.from(`${BASE}notify: ${notify}\n`), {});

function loaded(notify: string) {
  const result = check(notify);
  if (result.kind === 'faulty') throw new Error(faultLines(result.faults, 'f.yaml').join('\n'));
  return result;
}

function faultsOf(notify: string): readonly string[] {
  const result = check(notify);
  return result.kind === 'faulty' ? result.faults.map(({ path, found }) => `${path}: ${found}`) : [];
}

describe('refused is', () => {
  test.each([
    ['a web hook without a URL', 'webhook: {}', 'notify.webhook[0].url: nothing'],
    ['one with two', `webhook: { url: "${URL}", urlFile: /u }`, 'notify.webhook[0].urlFile: a file'],
    ['PagerDuty without its key', 'webhook: { form: pagerduty }', 'notify.webhook[0].keyFile: nothing'],
    [
      'a key for Slack',
      `webhook: { form: slack, url: "${URL}", keyFile: /k }`,
      'notify.webhook[0].keyFile: a file',
    ],
    [
      'a URL in place of its file',
      `webhook: { urlFile: "${URL}" }`,
      'notify.webhook[0].urlFile: a URL (not shown)',
    ],
    [
      'a form that there is not',
      `webhook: { form: teams, url: "${URL}" }`,
      'notify.webhook[0].form: "teams"',
    ],
    ['an event that there is not', 'events: { sns: [moved] }', 'notify.events.sns: "moved" at position 0'],
    ['no event at all', 'events: { exec: [] }', 'notify.events.exec: a list of 0'],
    ['the name of the topic', `webhook: { name: sns, url: "${URL}" }`, 'notify.webhook[0].name: "sns"'],
    [
      'one name twice',
      `webhook: [{ url: "${URL}" }, { url: "${URL}" }]`,
      'notify.webhook[1].name: "webhook"',
    ],
    ['no program', 'exec: {}', 'notify.exec.command: nothing'],
    [
      'a time-out without its unit',
      'exec: { command: [/a], timeout: 5 }',
      'notify.exec.timeout: 5 (a number without a unit)',
    ],
    [
      'more web hooks than six',
      `webhook: [${Array.from({ length: 7 }, (_, n) => `{ name: h${n}, url: "${URL}" }`).join(', ')}]`,
      'notify.webhook: 7 items',
    ],
  ])('%s', (_, notify, fault) => {
    expect(faultsOf(`{ ${notify} }`)).toEqual([fault]);
  });
});

test('one web hook may stand without its list, and is the same', () => {
  const alone = loaded(`{ webhook: { url: "${URL}" } }`).config.notify;
  expect(alone).toEqual(loaded(`{ webhook: [{ url: "${URL}" }] }`).config.notify);
});

test('what each is told of follows from what is said of all', () => {
  const { config } = loaded(
    `{ webhook: [{ url: "${URL}" }, { form: pagerduty, keyFile: /p }, { form: slack, url: "${URL}", events: [lost] }], events: { webhook: [taken, blocked, served] } }`,
  );
  expect(config.notify.webhooks.map(({ name, events }) => [name, events])).toEqual([
    ['webhook', ['taken', 'blocked', 'served']],
    ['pagerduty', ['blocked', 'served']],
    ['slack', ['lost']],
  ]);
});

test.each([
  ['a witness', 'role: witness'],
  ['a member', 'role: member'],
])('%s tells nobody, and passes over what is faulty there', (_, role) => {
  const text = BASE.replace('id: saturn', `id: saturn, ${role}`);
  const peers = text.replace('[{ id: n', '[{ id: mars, url: "http://10.0.1.13:8741" }, { id: n');
  const result = checkConfig('f.yaml', Buffer.from(`${peers}notify: { webhook: { form: teams } }\n`), {});
  if (result.kind === 'faulty') throw new Error(faultLines(result.faults, 'f.yaml').join('\n'));
  expect(result.config.notify).toMatchObject({ sns: null, webhooks: [], exec: null });
  expect(warningLines(result.warnings).join('\n')).toContain('notify.webhook[0].form');
});

describe('a URL that lets whoever has it speak', () => {
  test('is shown up to its path, as text and as JSON', () => {
    const { settings } = loaded(`{ webhook: { url: "${URL}" } }`);
    const shown = `${effectiveYaml(settings, 'f.yaml')}${JSON.stringify(effectiveJson(settings))}`;
    expect(shown).toContain('https://hooks.example.org/…');
    expect(shown).not.toContain('s3cret');
  });

  test.each(['hooks.example.org/s3cret', 'https://a:s3cret@b/', 'https://b/#s3cret', 'ftp://b/s3cret'])(
    'that is faulty is not shown at all: %s',
    (url) => {
      const result = check(`{ webhook: { url: "${url}" } }`);
      if (result.kind === 'loaded') throw new Error('it was accepted');
      const [line = ''] = faultLines(result.faults, 'f.yaml');
      expect(line).toContain('found a text (not shown)');
      expect(line).not.toContain('s3cret');
    },
  );

  test('is no part of the digest that all may read; what receivers are told of is', () => {
    const digest = (notify: string): string => configDigest(loaded(notify).config, 'saturn');
    const one = digest(`{ webhook: { url: "${URL}" } }`);
    expect(digest(`{ webhook: { url: "${URL}/other" } }`)).toBe(one);
    expect(digest(`{ webhook: { url: "${URL}", events: [lost] } }`)).not.toBe(one);
  });

  test('without TLS to another machine is warned of', () => {
    const warned = (url: string): readonly string[] =>
      loaded(`{ webhook: { url: "${url}" } }`).warnings.map(({ path }) => path);
    expect(warned('http://hooks.example.org/x')).toEqual(['notify.webhook[0].url']);
    expect(warned('http://127.0.0.1:9/x')).toEqual([]);
    expect(warned('http://localhost:9/x')).toEqual([]);
  });
});
