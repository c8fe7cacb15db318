import { GATES, initialState, statusOf, type WhyView, whyOf } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { generateIdentity, parseIdentity } from '../src/auth/identity.ts';
import { BALLOT_ADVICE, REASON_ADVICE } from '../src/cli/advice.ts';
import type { RunRequest } from '../src/cli/dependencies.ts';
import { checkConfig } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import { CONFIG, cli, fakeAgent, STATUS } from './support/cli.ts';

describe('the command line', () => {
  test.each<readonly [argv: readonly string[], message: string]>([
    [[], 'Usage: failtome'],
    [['fly'], "unknown command 'fly'"],
    [['statsu'], '(Did you mean status?)'],
    [['status', '--colour'], "unknown option '--colour'"],
    [['why', 'one', 'two'], 'too many arguments'],
    [['config', '--from-stack-json'], 'argument missing'],
    [['pause', '--for', '10'], 'Write a duration such as 30s, 10m or 1h.'],
    [['pause', '--for', '0s'], 'Write a duration such as 30s, 10m or 1h.'],
    [['handover', '--timeout', 'soon'], 'Write a duration such as 30s, 10m or 1h.'],
    [['pause', '--reason', 'x'.repeat(201)], 'At most 200 characters, and it has 201.'],
    [['status', '--url', '10.0.1.12:8741'], '--url: found "10.0.1.12:8741", expected an http or https URL'],
    [['status', '-c', '/missing.yaml'], '/missing.yaml: found no such file'],
    [
      ['check', '--url', 'http://10.0.1.12:8741'],
      '--url: found "http://10.0.1.12:8741", expected --config FILE',
    ],
    [
      ['pause', '--url', 'http://10.0.1.12:8741'],
      '--key-file: found nothing, expected the path of the cluster key',
    ],
  ])('%j is a fault of usage: exit 2, and it says so', async (argv, message) => {
    const { code, out, err } = await cli(argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(out).toBe('');
  });

  test.each([['--help'], ['--version'], ['help']])('%s is no fault', async (argument) => {
    const { code, out } = await cli([argument]);
    expect(code).toBe(0);
    expect(out).not.toBe('');
  });

  test('every verb takes --json', async () => {
    const { out } = await cli(['--help']);
    const verbs = Array.from(out.matchAll(/^ {2}([a-z]+) /gm), ([, verb = '']) => verb).filter(
      (verb) => verb !== 'help',
    );
    expect(verbs.length).toBeGreaterThan(10);
    for (const verb of verbs) {
      const { err } = await cli([verb, '--json', '--no-such-option']);
      expect(err, verb).toContain("unknown option '--no-such-option'");
    }
  });

  test('every verb tells its options', async () => {
    const verbs = [
      'run',
      'check',
      'status',
      'why',
      'history',
      'handover',
      'pause',
      'resume',
      'keygen',
      'config',
    ];
    const { out } = await cli(['--help']);
    for (const verb of verbs) {
      expect(out).toContain(`  ${verb}`);
      expect((await cli([verb, '--help'])).out).toContain(`Usage: failtome ${verb}`);
    }
  });
});

describe('run', () => {
  test('does not start with a faulty configuration: exit 2, one line a fault', async () => {
    const started: RunRequest[] = [];
    const files = {
      '/f.yaml': CONFIG.replace('cluster: web', 'clustr: web').replace('kind: ec2', 'kind: gce'),
    };
    const { code, err } = await cli(['run', '--config', '/f.yaml'], {
      files,
      runAgent: async (request) => {
        started.push(request);
        return 0;
      },
    });
    expect(code).toBe(2);
    expect(started).toEqual([]);
    expect(
      err
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['clustr', 'driver.kind', 'cluster']);
    expect(err).toContain('did you mean cluster?');
  });

  test('hands the configuration over, and ends as the agent ends', async () => {
    const started: RunRequest[] = [];
    const { code, err } = await cli(['run', '-c', '/f.yaml'], {
      files: { '/f.yaml': CONFIG.replace('{ kind: ec2 }', '{ kind: ec2, displace: allow }') },
      env: { FAILTOME_PRIORITY: '7' },
      runAgent: async (request) => {
        started.push(request);
        return 2;
      },
    });
    expect([code, err]).toEqual([2, '']);
    expect(started).toMatchObject([
      { file: '/f.yaml', config: { cluster: 'web', node: { id: 'saturn', priority: 7 } }, version: '1.2.3' },
    ]);
    expect(started[0]?.warnings).toEqual([
      'driver.displace: allow: taking an address may throw another Elastic IP off this node',
    ]);
  });
});

describe('status', () => {
  test.each([
    ['the same voters', 'e1ec7043', 'alive', 'Electorate e1ec7043, the same on every node\n'],
    ['other voters', '0badcafe', 'alive', 'saturn has 0badcafe: they are configured with different voters'],
    [
      'other voters, and dead',
      '0badcafe',
      'dead',
      'Electorate e1ec7043, the same on every node that is heard\n',
    ],
  ])('a peer with %s is told', async (_, electorate, state, expected) => {
    const peers = STATUS.peers.map((peer) => ({ ...peer, id: 'saturn', electorate, state }));
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, peers } }));
    expect(out).toContain(expected);
  });

  test('of an agent that tells of itself alone, shows what it knows of the others', async () => {
    const { http, requests } = fakeAgent();
    const { code, out } = await cli(['status'], { http });
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'Cluster web, as told by 1 of 2 nodes (saturn was asked, failtome 1.2.3)',
        '',
        'ADDRESS         STATE      HOLDER   NEXT    HOLD-DOWN',
        '54.173.141.243  protected  neptune  saturn  45 s left',
        '',
        'NODE     ROLE       STATE      HEARD       FIT  READY   VERSION',
        'saturn   candidate  this node  -           fit  yes     1.2.3',
        'neptune  candidate  alive      200 ms ago  fit  holder  1.2.3',
        '',
        'ADDRESS         SEEN BY  VERDICT  HOW OLD     DECISION',
        '54.173.141.243  saturn   up       300 ms ago  hold (address-up)',
        '54.173.141.243  neptune  up       700 ms ago  -',
        '',
        'ADDRESS         BALLOT OF  VOTER    VOTE    REASON',
        '54.173.141.243  saturn     saturn   grant   down',
        '54.173.141.243  saturn     neptune  refuse  up',
        '',
        'Electorate e1ec7043, the same on every node',
        '',
      ].join('\n'),
    );
    expect(requests.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:8741/v1/cluster',
      // It is of an earlier version.
      'http://127.0.0.1:8741/v1/status',
    ]);
  });

  test('says who paused, until when and why', async () => {
    const pause = {
      ...STATUS.pause,
      paused: true,
      owner: 'ann',
      reason: 'new HAProxy',
      until: Date.UTC(2026, 1, 1),
    };
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, pause } }));
    expect(out).toContain('Automatic takeover is paused by ann until 2026-02-01 00:00:00Z: new HAProxy\n');
  });

  test('colours a terminal only, and not under NO_COLOR', async () => {
    const { http } = fakeAgent();
    const sequence = '\u001b[';
    expect((await cli(['status'], { http, isTTY: true })).out).toContain(sequence);
    expect((await cli(['status'], { http, isTTY: false })).out).not.toContain(sequence);
    expect((await cli(['status'], { http, isTTY: true, env: { NO_COLOR: '1' } })).out).not.toContain(
      sequence,
    );
  });

  test('READY has a word for who need not be ready, or cannot be asked', async () => {
    const peer = STATUS.peers[0];
    const peers = (['not-ready', 'dead', 'witness', 'unknown'] as const).map((word) => ({
      ...peer,
      id: `n-${word}`,
      readiness: { word, because: [] },
    }));
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, peers } }));
    const shown = [...out.matchAll(/^n-(\S+) .* fit +(\S+) /gm)].map(
      ([, word, ready]) => `${word}: ${ready}`,
    );
    expect(shown).toEqual(['not-ready: no', 'dead: dead', 'witness: witness', 'unknown: unknown']);
  });

  test('says what would stand in the way of this node', async () => {
    const readiness = { word: 'not-ready', because: ['paused: by ann', 'lent: to mars'] };
    const status = { ...STATUS, node: { ...STATUS.node, readiness } };
    const { out } = await cli(['status'], fakeAgent({ status }));
    expect(out).toContain('saturn is not ready to take over: paused: by ann; lent: to mars\n');
  });

  test('of an agent that tells only whether its preflight holds, shows that', async () => {
    const { readiness: _, ...node } = STATUS.node;
    const { out } = await cli(
      ['status'],
      fakeAgent({ status: { ...STATUS, node: { ...node, ready: false } } }),
    );
    expect(out).toMatch(/^saturn .* fit +no /m);
  });

  test('lets nothing from another machine control the terminal', async () => {
    const status = { ...STATUS, cluster: 'web\u001b[2J\r\nforged: \u202eenil\u2069' };
    const { out } = await cli(['status'], { ...fakeAgent({ status }), isTTY: false });
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(out.split('\n')[0]).toContain('forged:  enil');
    const { out: json } = await cli(['status', '--json'], { ...fakeAgent({ status }), isTTY: false });
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(json)).toMatchObject({ cluster: status.cluster });
  });

  test('reads an agent that tells less, or something else', async () => {
    const sparse = {
      version: '0.9',
      cluster: 'web',
      node: { id: 'saturn' },
      addresses: [{ ip: '192.0.2.1' }],
      peers: 5,
    };
    const { code, out } = await cli(['status'], fakeAgent({ status: sparse }));
    expect(code).toBe(0);
    expect(out).toMatch(/^192\.0\.2\.1 +saturn +unknown +-/m);
  });

  test('prints what the agent said as JSON', async () => {
    const { out } = await cli(['status', '--json', '--node'], fakeAgent());
    expect(JSON.parse(out)).toEqual(STATUS);
  });

  test('exits with 1 when nobody answers, and says what to look at', async () => {
    const { code, err } = await cli(['status']);
    expect(code).toBe(1);
    expect(err).toBe(
      'http://127.0.0.1:8741 gave no answer: nobody listens there. Does the agent run there?\n',
    );
  });

  test('asks where the agent listens', async () => {
    const { http, requests } = fakeAgent();
    await cli(['status', '--node'], { http, env: { FAILTOME_LISTEN: '[::]:9000' } });
    await cli(['status', '--node'], { http, env: { FAILTOME_LISTEN: '10.0.1.12:9000' } });
    await cli(['status', '--node', '--url', 'http://peer.example:8741/'], { http });
    expect(requests.map(({ url }) => url)).toEqual([
      'http://[::1]:9000/v1/status',
      'http://10.0.1.12:9000/v1/status',
      'http://peer.example:8741/v1/status',
    ]);
  });
});

const WHY: WhyView = {
  address: '54.173.141.243',
  outcome: 'hold',
  reason: 'local-unfit',
  detail: 'its own HAProxy has been unfit for 3 s',
  mode: 'takeover',
  handovers: [],
  gates: [
    { name: 'role', state: 'passed', passed: true, reason: 'a candidate', code: null, ageMs: null },
    {
      name: 'local',
      state: 'closed',
      passed: false,
      reason: 'local-unfit: refused',
      code: 'local-unfit',
      ageMs: 400,
    },
    {
      name: 'verdict',
      state: 'closed',
      passed: false,
      reason: 'address-up: it answers',
      code: 'address-up',
      ageMs: 300,
    },
    {
      name: 'displace',
      state: 'closed',
      passed: false,
      reason: 'would-displace: 192.0.2.9',
      code: 'would-displace',
      ageMs: null,
    },
    {
      name: 'guard',
      state: 'not-asked',
      passed: null,
      reason: 'not asked while local is closed',
      code: null,
      ageMs: null,
    },
  ],
  lastBallot: '1 of 2 leases, 1 of 2 sighted see it down; saturn: grant (down), neptune: refuse (up)',
  refusals: [],
};

describe('why', () => {
  const views = { '/v1/why?ip=54.173.141.243': WHY };

  test('prints the ladder: each gate, what it saw, how old, and what would have to change', async () => {
    const { code, out } = await cli(['why'], fakeAgent({ views }));
    expect(code).toBe(0);
    expect(out).toBe(
      [
        '54.173.141.243: hold (local-unfit): its own HAProxy has been unfit for 3 s',
        '      GATE      SAW                              HOW OLD',
        'pass  role      a candidate                      -',
        'stop  local     local-unfit: refused             400 ms ago',
        'stop  verdict   address-up: it answers           300 ms ago',
        'stop  displace  would-displace: 192.0.2.9        -',
        '-     guard     not asked while local is closed  -',
        '',
        'Last ballot: 1 of 2 leases, 1 of 2 sighted see it down; saturn: grant (down), neptune: refuse (up)',
        '  saturn, down: It sees the address down, and lends its lease.',
        '  neptune, up: It sees the address up: find out why this node does not.',
        '',
        'What would have to change:',
        "  local-unfit: This node's own HAProxy has to be fit by what `local` asks: the address would fail here too.",
        '  would-displace: The other Elastic IP on this network interface has to go elsewhere, or addresses[].privateIp has to name another one.',
        '',
      ].join('\n'),
    );
  });

  test('tells that the address is away from its home, and what it waits for', async () => {
    const home = { node: 'neptune', word: 'away', because: 'it goes within 02:00-05:00 UTC' };
    const line = '54.173.141.243 is away from its home neptune: it goes within 02:00-05:00 UTC\n';
    const ask = { '/v1/why?ip=54.173.141.243': { ...WHY, home } };
    expect((await cli(['why'], fakeAgent({ views: ask }))).out).toContain(line);
    const there = { '/v1/why?ip=54.173.141.243': { ...WHY, home: { ...home, word: 'home', because: '' } } };
    expect((await cli(['why'], fakeAgent({ views: there }))).out).not.toContain('home');
  });

  test('gives no advice where nobody has to do anything', async () => {
    const gates = [
      {
        name: 'not-holder',
        state: 'closed',
        passed: false,
        reason: 'is-holder: it',
        code: 'is-holder',
        ageMs: 1,
      },
    ];
    const view = { ...WHY, reason: 'is-holder', gates, lastBallot: null };
    const { out } = await cli(['why'], fakeAgent({ views: { '/v1/why?ip=54.173.141.243': view } }));
    expect(out).toContain('stop  not-holder  is-holder: it');
    expect(out).not.toContain('What would have to change');
    expect(out).not.toContain('Nothing');
  });

  test('reads a ladder that tells only what passed', async () => {
    const gates = WHY.gates.map(({ state: _, ...gate }) => gate);
    const { out } = await cli(
      ['why'],
      fakeAgent({ views: { '/v1/why?ip=54.173.141.243': { ...WHY, gates } } }),
    );
    expect(out.match(/^(pass|stop|-) /gm)).toEqual(['pass ', 'stop ', 'stop ', 'stop ', '- ']);
  });

  test('of an address that the cluster does not share, exits with 1 and names those it does', async () => {
    const { code, err } = await cli(['why', '192.0.2.99'], fakeAgent({ views }));
    expect(code).toBe(1);
    expect(err).toContain('this cluster shares 54.173.141.243');
  });

  test('as JSON, is what the agent said', async () => {
    expect(JSON.parse((await cli(['why', '--json'], fakeAgent({ views }))).out)).toEqual(WHY);
  });
});

test('what the protocol itself shows of a node that has just started can be read', async () => {
  const loaded = checkConfig('f.yaml', Buffer.from(CONFIG), {});
  if (loaded.kind === 'faulty') throw new Error('faulty');
  const identity = { id: 'saturn', instanceId: 'i-0abc', region: null };
  const state = initialState(toProtocolConfig(loaded.config, identity, '1.2.3'));
  const now = { at: 1_000, wall: Date.UTC(2026, 0, 31, 12) };
  const agent = fakeAgent({
    status: statusOf(state, now),
    views: { '/v1/why?ip=54.173.141.243': whyOf(state, '54.173.141.243', now) },
  });
  const status = await cli(['status'], agent);
  expect(status.out).toMatch(/^54\.173\.141\.243 +no standby +unknown +- +none/m);
  expect(status.out).toMatch(/^54\.173\.141\.243 +saturn +unknown +-/m);
  expect(status.out).toMatch(/^neptune +candidate +unknown +never/m);
  const why = await cli(['why'], agent);
  expect(why.out.match(/^(pass|stop|-) /gm)).toHaveLength(GATES.length);
  expect(why.out).toContain('starting: ');
  expect(why.out).not.toContain('What would have to change:');
});

test('every reason has one sentence of advice', () => {
  for (const sentence of [...Object.values(REASON_ADVICE), ...Object.values(BALLOT_ADVICE)]) {
    expect(sentence).toMatch(/^[A-Z].*[^.]\.$/);
  }
});

describe('keygen', () => {
  test('prints the key and nothing else', async () => {
    expect(await cli(['keygen'])).toEqual({ code: 0, out: 'a-new-key\n', err: '' });
  });

  test('prints an identity as its file, and the public half where a redirected output does not hide it', async () => {
    const { code, out, err } = await cli(['keygen', '--identity']);
    expect(code).toBe(0);
    const { publicKey } = parseIdentity(out, 'saturn.key');
    expect(out.split('\n')).toEqual([
      `# The public key of this identity: ${publicKey.text}`,
      expect.any(String),
      '',
    ]);
    expect(err).toBe(`public key: ${publicKey.text}\n`);
    expect((await cli(['keygen', '--identity'], { isTTY: true })).err).toBe('');
  });

  test('prints the public half of an identity that is there, and says what is wrong with a file that holds none', async () => {
    const { privateKey, publicKey } = generateIdentity();
    const files = { '/saturn.key': privateKey, '/public.key': publicKey };
    expect(await cli(['keygen', '--public', '/saturn.key'], { files })).toEqual({
      code: 0,
      out: `${publicKey}\n`,
      err: '',
    });
    const asJson = await cli(['keygen', '--public', '/saturn.key', '--json'], { files });
    expect(JSON.parse(asJson.out)).toEqual({ publicKey });
    const wrong = await cli(['keygen', '--public', '/public.key'], { files });
    expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringContaining('line 1: a public key') });
    expect((await cli(['keygen', '--public', '/gone'], { files })).code).toBe(2);
  });

  test('prints both halves of an identity as JSON', async () => {
    const { out, err } = await cli(['keygen', '--identity', '--json']);
    const { privateKey, publicKey } = JSON.parse(out);
    expect(parseIdentity(privateKey, 'saturn.key').publicKey.text).toBe(publicKey);
    expect(err).toBe('');
  });
});

describe('config', () => {
  test('prints what counts and where it came from', async () => {
    const { code, out, err } = await cli(['config'], { env: { FAILTOME_PRIORITY: '7' } });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('  priority: 7 # FAILTOME_PRIORITY\n');
    expect(out).toContain('  kind: ec2 # /etc/failtome/failtome.yaml:8\n');
    expect(out).toContain('holdDown: 60s # default\n');
  });

  test('as JSON, has the shape of the file and an origin for each value', async () => {
    const json = JSON.parse((await cli(['config', '--json'])).out);
    expect(json).toMatchObject({
      file: '/etc/failtome/failtome.yaml',
      config: { cluster: 'web', addresses: [{ ip: '54.173.141.243', probe: { interval: '1s' } }] },
      origins: { cluster: { kind: 'file', line: 1 }, 'addresses[0].probe.interval': { kind: 'default' } },
      warnings: [],
    });
  });

  test('never shows the password of the own check', async () => {
    const files = { '/f.yaml': CONFIG.replace('http://127.0.0.1/', 'http://ann:hunter2@127.0.0.1/') };
    for (const json of [[], ['--json']]) {
      const { code, out, err } = await cli(['config', '-c', '/f.yaml', ...json], { files });
      expect(code).toBe(0);
      expect(out + err).not.toContain('hunter2');
    }
  });

  test('from a stack’s JSON with parts missing: prints what it can, names the rest, exits with 1', async () => {
    const files = {
      '/stack.json': JSON.stringify({
        stack: { primary_ip: '54.173.141.243', failover_topic: '<my SNS ARN>' },
      }),
    };
    const { code, out, err } = await cli(['config', '--from-stack-json', '/stack.json'], { files });
    expect(code).toBe(1);
    expect(out).toContain('  - ip: "54.173.141.243"\n');
    expect(err).toContain('notify.sns.topicArn: ');
    expect((await cli(['config', '--from-stack-json', '/none.json'])).code).toBe(2);
    expect((await cli(['config', '--from-stack-json', '/bad'], { files: { '/bad': '[' } })).code).toBe(2);
  });
});
