/** `failtome-sim cloud` and its control listener, as docs/cloud.md has them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addCloud } from '../src/commands/cloud-command.ts';
import { ip, start, stateFile, steer, view, type Where } from './running-cloud.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/cloud.md'), 'utf8');

/** A row's first column in a table whose head begins with this. */
function columnOf(head: string): readonly string[] {
  const [, table = ''] = page.split(`| ${head} |`);
  const rows = table.split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.flatMap((row) => /^\| `(.+?)` \|/.exec(row)?.[1] ?? []);
}

test('says as one line of JSON where everything is, runs until it is told to stop, and frees its ports', async () => {
  const { first, lines, stop } = await start({});
  const told: Where = JSON.parse(first);
  expect(told).toMatchObject({
    state: null,
    topics: ['arn:aws:sns:us-east-1:123456789012:failover'],
    addresses: [{ publicIp: ip, holder: 'i-saturn' }],
    instances: [
      { id: 'i-saturn', backend: { host: '127.0.0.1', port: 9 }, views: [{ publicIp: ip }] },
      { id: 'i-neptune', environment: { AWS_ENDPOINT_URL: told.endpoint } },
    ],
  });
  await steer(told.control, { do: 'disassociate', publicIp: ip });
  expect(lines).toHaveLength(1);
  await stop();
  await expect(fetch(told.control)).rejects.toThrow();
});

test('says for people where everything is and what to export, and then tells what happens', async () => {
  const { lines } = await start({ json: false });
  const text = lines.join('\n');
  const [, control = ''] = /control +(\S+)/.exec(text) ?? [];
  for (const part of [
    'endpoint     http://127.0.0.1:',
    `address      ${ip}, held by i-saturn, for the world at http://${ip}:`,
    'address      54.173.141.243, held by nobody, takes no connections',
    'i-saturn, web server at http://127.0.0.1:9/',
    'i-neptune, without a web server',
    'export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:',
  ])
    expect(text).toContain(part);
  expect(text).not.toContain('{');
  await steer(control, { do: 'associate', publicIp: ip, instanceId: 'i-neptune' });
  expect(lines.at(-1)).toMatch(
    /^\d\d:\d\d:\d\dZ {2}127\.54\.0\.1 is associated with i-neptune \(eipassoc-\w+\), by the operator$/,
  );
});

/** The first of `count` ports that nobody has at the moment. */
async function freeRun(count: number): Promise<number> {
  for (let first = 23_000 + (process.pid % 500) * 20; first < 65_000; first += count) {
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error('there are no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

test('takes fixed ports, in the order of the documentation', async () => {
  const port = await freeRun(6);
  const { first } = await start({ listen: `127.0.0.1:${port}`, ports: port + 1 });
  const told: Where = JSON.parse(first);
  expect(told.endpoint).toBe(`http://127.0.0.1:${port}`);
  const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);
  expect(told.instances.map(({ guard }) => portOf(guard))).toEqual([port + 1, port + 1]);
  expect(
    told.instances.map(({ environment }) => portOf(environment.AWS_EC2_METADATA_SERVICE_ENDPOINT)),
  ).toEqual([port + 2, port + 3]);
  expect(told.instances.flatMap(({ views }) => views.map(({ view }) => view.port))).toEqual([
    port + 4,
    port + 5,
  ]);
});

test('gives the loser of an address a public one of its own when the option says', async () => {
  const told: Where = JSON.parse((await start({ newPublicAddressMs: 0 })).first);
  await steer(told.control, { do: 'disassociate', publicIp: ip });
  const answer = await fetch(told.instances[0]?.guard ?? '', { signal: AbortSignal.timeout(5_000) });
  expect((await answer.text()).trim()).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
});

test('refuses a time without a unit', async () => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addCloud(program, {
    signal: AbortSignal.abort(),
    write: () => undefined,
    colour: false,
    finish: () => undefined,
  });
  program.commands[0]?.exitOverride().configureOutput({ writeErr: () => undefined });
  const asked = program.parseAsync(['cloud', '--new-public-address', '20'], { from: 'user' });
  await expect(asked).rejects.toThrow('a time like 20s is wanted');
});

describe('with a state file', () => {
  test('goes on where it ended: holders, permissions, messages, ids, and credentials that were handed out', async () => {
    const state = stateFile();
    const before = await start({ state });
    const { control, instances }: Where = JSON.parse(before.first);
    const metadata = instances[1]?.environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? '';
    const key = await roleKey(metadata, 'i-neptune');
    await steer(control, { do: 'associate', publicIp: ip, instanceId: 'i-neptune' });
    await steer(control, { do: 'instance-state', instanceId: 'i-saturn', state: 'stopped' });
    const snapshot = await view(control);
    await before.stop();

    const after = await start({ state });
    const told: Where = JSON.parse(after.first);
    expect(told).toMatchObject({
      state: { file: state, kind: 'restored' },
      addresses: [{ holder: 'i-neptune' }],
    });
    const again = await view(told.control);
    expect(again).toMatchObject({ addresses: snapshot.addresses, associationLog: snapshot.associationLog });
    expect(again.nowMs).toBeGreaterThan(snapshot.nowMs);
    expect(
      await roleKey(told.instances[1]?.environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? '', 'i-neptune'),
    ).toBe(key);
    await steer(told.control, { do: 'associate', publicIp: ip, instanceId: 'i-saturn' });
    const ids = (await view(told.control)).associationLog.map(({ association }) => association.id);
    expect(new Set(ids).size).toBe(3);
  });

  test.each([
    [
      'another set of instances',
      { instances: ['i-pluto'], addresses: [] },
      /about the instances i-neptune, i-saturn, not i-pluto/,
    ],
    ['another set of addresses', { addresses: [] }, /about the addresses/],
  ])('refuses %s', async (_, other, message) => {
    const state = stateFile();
    await (await start({ state })).stop();
    await expect(start({ state, ...other })).rejects.toThrow(message);
  });

  test.each([
    ['no JSON', 'x', /isn't JSON/],
    ['another kind of file', '{}', /isn't the state of a cloud/],
    ['another version', '{"format":"failtome-cloud","version":99}', /version 99, not 1/],
  ])('refuses %s, and leaves it alone', async (_, text, message) => {
    const state = stateFile();
    writeFileSync(state, text);
    await expect(start({ state })).rejects.toThrow(message);
    expect(readFileSync(state, 'utf8')).toBe(text);
  });
});

async function roleKey(metadata: string, id: string): Promise<string> {
  const token = await fetch(`${metadata}latest/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const headers = { 'x-aws-ec2-metadata-token': await token.text() };
  const role = await fetch(`${metadata}latest/meta-data/iam/security-credentials/failtome-${id}`, {
    headers,
  });
  const { AccessKeyId } = (await role.json()) as { readonly AccessKeyId: string }; // IMDS's answer
  return AccessKeyId;
}

describe('the page on it', () => {
  test('has every option', () => {
    const program = new Command();
    addCloud(program, {
      signal: new AbortController().signal,
      write: () => undefined,
      colour: false,
      finish: () => undefined,
    });
    const known = program.commands.flatMap(({ options }) => options.map(({ long }) => long));
    expect(columnOf('option').map((option) => option.split(' ')[0])).toEqual(known);
  });

  test('has every view, and every command and effect with an example that works', async () => {
    const { control }: Where = JSON.parse((await start({})).first);
    expect(columnOf('view')).toEqual(Object.keys(await view(control)));
    const namesIn = ({ body }: { readonly body: unknown }): readonly string[] =>
      (/must be one of (.+)\./.exec(JSON.stringify(body))?.[1] ?? '').split(', ').sort();
    const commands = columnOf('command').map((text) => JSON.parse(text));
    expect(commands.map((command) => String(command.do)).sort()).toEqual(namesIn(await steer(control, {})));
    for (const command of commands)
      expect([command, (await steer(control, command)).status]).toEqual([command, 200]);
    const effects = columnOf('`effect`').map((text) => JSON.parse(text));
    const unknown = { do: 'arm', fault: { action: '*', effect: { kind: '' } } };
    expect(effects.map(({ kind }) => String(kind)).sort()).toEqual(namesIn(await steer(control, unknown)));
    for (const effect of effects)
      expect((await steer(control, { do: 'arm', fault: { action: '*', effect } })).status).toBe(200);
  });
});
