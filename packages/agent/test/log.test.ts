import { readFileSync } from 'node:fs';
import type { Fact } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { AGENT_EVENTS, eventsOf, factEventNames } from '../src/observe/events.ts';
import { createLog, type Log, type LogOptions, REJECTION_QUIET_MS } from '../src/observe/log.ts';

const address = '203.0.113.7';
const entry = {
  id: 'saturn-1-1',
  kind: 'takeover',
  address,
  from: 'neptune',
  to: 'saturn',
  result: 'served',
  reason: 'address-down',
  epoch: 3,
  at: 0,
  steps: [{ step: 'total', durationMs: 2345.6 }],
  requestIds: ['r-1'],
} as const;
const failedProbe: Fact = {
  kind: 'probe',
  probeId: 1,
  address,
  result: { kind: 'failed', reason: 'timeout', detail: '', durationMs: 1000 },
};
const goodProbe: Fact = {
  kind: 'probe',
  probeId: 1,
  address,
  result: { kind: 'ok', status: 200, durationMs: 3 },
};
const forged: Fact = { kind: 'rejected', reason: 'signature', from: 'someone' };

function logging(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const destination = {
    write: (line: string) => lines.push(line),
    flush: () => lines,
    end: async () => undefined,
    onLoss: () => undefined,
  };
  return {
    log: createLog({ level: 'debug', format: 'json', colour: false, ...options }, destination),
    lines,
  };
}

const parsed = (lines: readonly string[]): Record<string, unknown>[] => lines.map((line) => JSON.parse(line));

test('every event stands in docs/logging.md, and nothing else does', () => {
  const docs = readFileSync(new URL('../../../docs/logging.md', import.meta.url), 'utf8');
  const listed = Array.from(
    docs.matchAll(/^\| `([a-z-]+)` +\| (?:debug|info|warn|error|fatal)/gm),
    ([, name]) => name,
  );
  expect(listed.sort()).toEqual([...factEventNames(), ...AGENT_EVENTS].sort());
});

test('a line is one JSON object with level, time, who, event, sentence and fields', () => {
  const { log, lines } = logging();
  log.bind({ node: 'saturn', cluster: 'web' });
  log.observe([{ kind: 'peer', peer: 'neptune', from: 'alive', to: 'dead', reason: 'silent for 3 s' }], 0);
  expect(lines[0]).toMatch(/^\{.*\}\n$/);
  expect(parsed(lines)).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      node: 'saturn',
      cluster: 'web',
      event: 'peer',
      msg: 'peer neptune is dead: silent for 3 s',
      peer: 'neptune',
      from: 'alive',
      to: 'dead',
      reason: 'silent for 3 s',
    },
  ]);
});

test.each<[string, Fact, string]>([
  ['a takeover that serves', { kind: 'concluded', entry }, 'warn'],
  [
    'a takeover whose address does not answer',
    { kind: 'concluded', entry: { ...entry, result: 'moved' } },
    'error',
  ],
  ['a lost race', { kind: 'concluded', entry: { ...entry, result: 'lost-race' } }, 'info'],
  ['a handover that serves', { kind: 'concluded', entry: { ...entry, kind: 'handover' } }, 'info'],
  ['a blocked address', { kind: 'blocked', address, downMs: 60_000, reason: 'local-unfit' }, 'error'],
  ['a write that failed', { kind: 'storage', ok: false, code: 'ENOSPC' }, 'error'],
  ['a write that succeeds again', { kind: 'storage', ok: true, code: '' }, 'info'],
  [
    'an address that went down',
    { kind: 'verdict', address, from: 'up', to: 'down', reason: '3 failed' },
    'warn',
  ],
  [
    'an address that came up',
    { kind: 'verdict', address, from: 'down', to: 'up', reason: '2 in a row' },
    'info',
  ],
  ['a heartbeat', { kind: 'heartbeat', peer: 'neptune', result: 'ok', rttMs: 1 }, 'debug'],
  ['a forged message', forged, 'warn'],
  ['a message of an earlier session', { ...forged, reason: 'session' }, 'debug'],
  [
    'state that cannot be read',
    { kind: 'started', incarnation: 2, storage: 'unreadable', detail: 'cut off' },
    'error',
  ],
])('%s is told at its level', (_name, fact, level) => {
  expect(eventsOf(fact).map((event) => event.level)).toEqual([level]);
});

test('the fields of one line do not show in the next', () => {
  const { log, lines } = logging();
  log.bind({ node: 'saturn' });
  log.tell('info', 'signal', 'one', { signal: 'SIGHUP' });
  log.tell('info', 'agent-ready', 'two');
  expect(Object.keys(parsed(lines)[1] ?? {}).sort()).toEqual(['event', 'level', 'msg', 'node', 'time']);
});

test('a conclusion keeps its own kind beside the event', () => {
  const { log, lines } = logging();
  log.observe([{ kind: 'concluded', entry }], 0);
  expect(parsed(lines)[0]).toMatchObject({
    event: 'concluded',
    entry: 'takeover',
    result: 'served',
    requestIds: ['r-1'],
    msg: 'takeover of 203.0.113.7 from neptune to saturn: served in 2346 ms, address-down',
  });
});

test('each request to the cloud is an event, with the error code', () => {
  const { log, lines } = logging();
  const ok = {
    service: 'ec2',
    operation: 'DescribeAddresses',
    result: 'ok',
    code: null,
    requestId: 'r-1',
    durationMs: 3,
  } as const;
  const refused = {
    ...ok,
    operation: 'AssociateAddress',
    result: 'refused',
    code: 'UnauthorizedOperation',
  } as const;
  log.observe([{ kind: 'cloud-requests', address, requests: [ok, refused] }], 0);
  expect(parsed(lines).map(({ event, level, code }) => [event, level, code])).toEqual([
    ['cloud-request', 'debug', null],
    ['cloud-request', 'warn', 'UnauthorizedOperation'],
  ]);
});

test('a probe is told at info when its result differs from the one before, else at debug', () => {
  const { log, lines } = logging();
  for (const fact of [goodProbe, goodProbe, failedProbe, failedProbe, goodProbe]) log.observe([fact], 0);
  expect(parsed(lines).map(({ level }) => level)).toEqual(['debug', 'debug', 'info', 'debug', 'info']);
});

test('messages rejected for one reason are logged once in a while, another reason at once', () => {
  const { log, lines } = logging();
  log.observe([forged, forged], 0);
  log.observe([forged, { ...forged, reason: 'replayed' }], 1000);
  log.observe([forged], REJECTION_QUIET_MS);
  expect(parsed(lines).map(({ reason }) => reason)).toEqual(['signature', 'replayed', 'signature']);
});

test('a stranger’s messages do not hide a peer’s, and many strangers do not fill the disk', () => {
  const { log, lines } = logging();
  log.observe([forged, { ...forged, from: '10.0.1.11 (neptune)' }], 0);
  expect(parsed(lines).map(({ msg }) => msg)).toEqual([
    'message from someone rejected: signature',
    'message from 10.0.1.11 (neptune) rejected: signature',
  ]);
  for (let stranger = 0; stranger < 1_000; stranger += 1) {
    log.observe([{ ...forged, from: `192.0.2.${stranger}` }], 1);
  }
  expect(lines).toHaveLength(64);
});

test('below the level nothing is written, and the level can change', () => {
  const { log, lines } = logging({ level: 'warn' });
  log.tell('info', 'signal', 'SIGHUP');
  expect(lines).toEqual([]);
  log.setLevel('info');
  log.tell('info', 'signal', 'SIGHUP', { name: 'SIGHUP' });
  expect(parsed(lines)).toMatchObject([{ event: 'signal', msg: 'SIGHUP', name: 'SIGHUP' }]);
});

test('on a terminal a line is time, level, event and sentence', () => {
  const { log, lines } = logging({ format: 'text' });
  log.tell('warn', 'reload-refused', 'log.levle: unknown key');
  expect(lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}Z warn {2}reload-refused {3}log\.levle: unknown key\n$/),
  ]);
});

test('colours are used only when asked for', () => {
  const { log, lines } = logging({ format: 'text', colour: true });
  log.tell('error', 'crashed', 'no');
  expect(lines[0]?.startsWith('\u001b[31m')).toBe(true);
  expect(lines[0]?.endsWith('\u001b[0m\n')).toBe(true);
});

test.each(['json', 'text'] as const)(
  'text that turns text around is shown by its codes in the %s format',
  (format) => {
    const { log, lines } = logging({ format });
    log.tell('warn', 'signal', 'paused by \u202egro.live\u2069\u009b31m\u2028next', { from: 'a\u2066b' });
    expect(lines.join('')).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/u);
    expect(lines[0]).toContain(String.raw`paused by \u202egro.live\u2069\u009b31m\u2028next`);
    if (format === 'json') expect(parsed(lines)[0]).toMatchObject({ from: 'a\u2066b' });
  },
);

test('control characters from outside never reach the terminal', () => {
  const { log, lines } = logging({ format: 'text' });
  log.tell('warn', 'signal', 'a\u001b[2Jb\nc\u009bd');
  expect(lines[0]).toContain(String.raw`a\u001b[2Jb\u000ac\u009bd`);
});
