/** The verbs `list` and `run`, as the command line calls them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommandContext, UsageError } from '../src/commands/context.ts';
import { addList } from '../src/commands/list-command.ts';
import { addRun } from '../src/commands/run-command.ts';

const KEPT = `scenario: mine
proves: The standby takes over.
cluster: { nodes: [a, b] }
seeds: 2
timeline:
  - { at: 12s, haproxy: { node: a, state: dead } }
run: { for: 20s }
expect: { takers: [b] }
`;

const AGENT = `cluster: web
peers:
  - { id: saturn, url: "http://10.0.1.12:8741" }
  - { id: neptune, url: "http://10.0.1.11:8741" }
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 192.0.2.9 }]
driver: { kind: ec2 }
`;

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-scenarios-'));
  writeFileSync(file('mine.yaml'), KEPT);
  writeFileSync(file('agent.txt'), AGENT);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function call(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = '';
  let code = 0;
  const context: CommandContext = {
    signal: new AbortController().signal,
    write: (text) => {
      out += text;
    },
    colour: false,
    finish: (to) => {
      code = to;
    },
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addList(program, context);
  addRun(program, context);
  await program.parseAsync([...argv], { from: 'user' });
  return { code, out };
}

test('list tells name, nodes and sentence of every scenario, in lines or as JSON', async () => {
  expect((await call('list', '--dir', folder)).out).toBe('mine  2  The standby takes over.\n');
  expect(JSON.parse((await call('list', '--dir', folder, '--json')).out)).toEqual([
    { name: 'mine', nodes: 2, proves: 'The standby takes over.' },
  ]);
  expect((await call('list')).out).toContain('web-server-killed');
});

test('run tells the story and every expectation, for each seed, and ends with 0', async () => {
  const { code, out } = await call('run', file('mine.yaml'));
  expect(code).toBe(0);
  for (const part of [
    'mine: The standby takes over.',
    'fault: haproxy',
    'kept    taken by b',
    'seed 2: kept, 1 of 1',
  ])
    expect(out).toContain(part);
});

test('a broken expectation ends with 1, and says what was found', async () => {
  const { code, out } = await call('run', file('mine.yaml'), '--seed', '5', '--set', 'expect.takers=[a]');
  expect(code).toBe(1);
  expect(out).toContain('BROKEN  taken by a; found: taken by b');
  expect(out).toContain('seed 5');
});

test("an agent's configuration brings its own nodes and addresses", async () => {
  const { code, out } = await call('run', file('mine.yaml'), '--seed', '1', '--config', file('agent.txt'));
  expect(out).toContain('kept    taken by neptune');
  expect(out).toContain('192.0.2.9');
  expect(code).toBe(0);
});

test('a trace and a report of the run are written', async () => {
  const [trace, html] = [file('run.jsonl'), file('run.html')];
  await call('run', file('mine.yaml'), '--seed', '1', '--trace', trace, '--html', html);
  expect(JSON.parse(readFileSync(trace, 'utf8').split('\n')[0] ?? '')).toMatchObject({
    kind: 'header',
    title: 'mine',
  });
  expect(readFileSync(html, 'utf8')).toContain('<html');
});

test.each([
  ['no such name', ['run', 'web-server-kiled'], 'did you mean web-server-killed?'],
  ['no such file', ['run', './nowhere.yaml'], 'no such file'],
  ['a setting that there is not', ['run', 'web-server-killed', '--set', 'probe.fal=2'], 'did you mean fall?'],
  ['seeds twice', ['run', 'web-server-killed', '--seed', '1', '--seeds', '2'], 'either --seed or --seeds'],
  ['no such folder', ['list', '--dir', '/nowhere'], 'no such folder'],
])('%s is a wrong call', async (_, argv, message) => {
  const failed = call(...argv);
  await expect(failed).rejects.toThrow(UsageError);
  await expect(failed).rejects.toThrow(message);
});

test('a seed that is no number is a wrong call', async () => {
  await expect(call('run', 'web-server-killed', '--seed', 'x')).rejects.toMatchObject({
    code: 'commander.invalidArgument',
  });
});

test('all files with faults are told together', async () => {
  const bad = mkdtempSync(join(tmpdir(), 'failtome-bad-'));
  writeFileSync(join(bad, 'one.yaml'), 'scenario: one\n');
  writeFileSync(join(bad, 'two.yaml'), KEPT.replace('node: a', 'node: z'));
  try {
    await expect(call('list', '--dir', bad)).rejects.toThrow(/one\.yaml[\s\S]*two\.yaml:6:\d+: timeline/);
  } finally {
    rmSync(bad, { recursive: true });
  }
});
