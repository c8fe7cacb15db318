/** Orders that an operator signs at the command line, before they are sent. */
import { type Command, type CommandOutcome, type Envelope, withProvenOrders } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { generateIdentity, parseIdentity } from '../src/auth/identity.ts';
import { Operators } from '../src/auth/operators.ts';
import { CONFIG, cli, type FakeAgentOptions, fakeAgent, STATUS } from './support/cli.ts';

const [ANN, SATURN] = [generateIdentity(), generateIdentity()];
const operators = new Operators([{ name: 'ann', publicKeys: [parseIdentity(ANN.privateKey, '').publicKey] }]);
const NOW = Date.UTC(2026, 0, 31, 12);
const done = (): CommandOutcome => ({ state: 'done', id: '4', detail: '' });
const PROVEN = { ...STATUS, orders: 'proven' as const };
const files = { '/ann.key': ANN.privateKey, '/own.key': SATURN.privateKey };

async function ordered(argv: readonly string[], options: FakeAgentOptions = {}, world: object = {}) {
  const agent = fakeAgent({ outcome: done, status: PROVEN, ...options });
  const ran = await cli([...argv, '--identity', '/ann.key'], { http: agent.http, files, ...world });
  return { ...ran, commands: agent.commands };
}

/** The same commands, without the orders that ann hasn't signed. */
function proven(commands: readonly Command[]): readonly (Command | undefined)[] {
  const isProven = (text: string, proof: string): boolean => operators.orderedBy(text, proof) !== null;
  return commands.map((command) => {
    const message = { cluster: 'web', payload: { version: 0, ack: 0, command } } as Envelope; // all that is looked at
    return withProvenOrders(message, isProven).payload.command;
  });
}

describe('where operators have keys', () => {
  test('a pause is finished and signed, with the time of the own clock and no number that the agent shows', async () => {
    const { code, out, commands } = await ordered(['pause', '--for', '1h', '--reason', 'upgrade']);
    expect([code, out]).toEqual([0, 'No automatic takeover in the whole cluster for 1 h.\n']);
    const order = {
      version: NOW,
      signedAt: NOW,
      by: 'saturn',
      paused: true,
      owner: 'ann@saturn',
      reason: 'upgrade',
      until: NOW + 3_600_000,
    };
    expect(commands).toMatchObject([{ kind: 'pause', order }]);
    expect(proven(commands)).toEqual(commands);
  });

  test('so are a resume, a handover and its withdrawal', async () => {
    const resumed = await ordered(['resume']);
    expect(resumed.commands).toMatchObject([{ kind: 'resume', order: { signedAt: NOW, paused: false } }]);
    const handed = await ordered(['handover', '--timeout', '30s', '--reason', 'patch']);
    expect(handed.commands).toMatchObject([
      {
        kind: 'handover',
        order: {
          id: expect.stringMatching(/^order-/),
          address: '54.173.141.243',
          to: 'saturn',
          by: 'ann@saturn',
          reason: 'patch',
          ordered: NOW,
          pause: NOW,
          until: NOW + 35_000,
        },
      },
    ]);
    const cancelled = await ordered(['handover', '--cancel']);
    expect(cancelled.commands).toMatchObject([{ kind: 'handover-cancel', proof: expect.any(String) }]);
    for (const { commands } of [resumed, handed, cancelled]) expect(proven(commands)).toEqual(commands);
  });

  test('an order that another one came before is signed anew', async () => {
    const outcome = (_: Command, before: number): CommandOutcome =>
      before > 0
        ? { state: 'done', id: '9', detail: '' }
        : { state: 'failed', id: '', detail: 'another order came later', again: true };
    const { code, commands } = await ordered(['pause'], { outcome });
    expect([code, commands.length]).toEqual([0, 2]);
    expect(proven(commands)).toEqual(commands);
  });

  test('whatever the agent shows, no number of it is signed', async () => {
    const pause = { ...STATUS.pause, version: 2 ** 43, signedAt: NOW + 86_400_000 };
    const far = { id: 'x', address: '54.173.141.243', to: 'saturn', ordered: 2 ** 43 };
    const status = { ...PROVEN, pause, handovers: [far] };
    const paused = await ordered(['pause'], { status });
    expect(paused.commands).toMatchObject([{ order: { signedAt: NOW, version: NOW } }]);
    const handed = await ordered(['handover'], { status });
    expect(handed.commands).toMatchObject([{ order: { ordered: NOW, pause: NOW } }]);
  });

  test('an order that is overtaken each time is not done, and says why', async () => {
    const outcome = (): CommandOutcome => ({ state: 'failed', id: '', detail: 'another came', again: true });
    const { code, err, commands } = await ordered(['pause'], { outcome });
    expect([code, err, commands.length]).toEqual([1, 'another came\n', 3]);
  });

  test("nobody signs another's longer pause: it stays as it is, and he is told", async () => {
    const pause = { ...STATUS.pause, paused: true, owner: 'bob', reason: 'switch' };
    const status = { ...PROVEN, pause };
    const kept = await ordered(['pause', '--for', '5m'], { status });
    expect([kept.code, kept.commands]).toEqual([0, []]);
    expect(kept.out).toBe(
      'Automatic takeover stays paused, longer than asked for (`--replace` replaces that). In force stays, because it lasts longer, the pause of bob, until resumed: switch. No handover that is open is ended by it.\n',
    );
    const replaced = await ordered(['pause', '--for', '5m', '--replace'], { status });
    expect(replaced.commands).toMatchObject([{ order: { signedAt: NOW, owner: 'ann@saturn' } }]);
  });

  test('what can not be signed is refused before anything is sent', async () => {
    const reason = '漢'.repeat(100);
    const long = await ordered(['pause', '--reason', reason]);
    expect([long.code, long.commands]).toEqual([1, []]);
    expect(long.err).toContain('the reason has more than 256 bytes');
    const addresses = [...STATUS.addresses, ...STATUS.addresses.map((one) => ({ ...one, ip: '192.0.2.1' }))];
    const which = await ordered(['handover'], { status: { ...PROVEN, addresses } });
    expect([which.code, which.commands]).toEqual([1, []]);
    expect(which.err).toBe('Not done: which address? Known there: 54.173.141.243, 192.0.2.1\n');
  });
});

describe('where anybody with the cluster key may order', () => {
  const orderOf = (commands: readonly Command[]): readonly unknown[] =>
    commands.map((one) => (one.kind === 'pause' ? one.order : null));

  test('who names an identity signs all the same, for nodes that ask for it already', async () => {
    const { commands } = await ordered(['pause'], { status: STATUS });
    expect(orderOf(commands)).toMatchObject([{ version: NOW, signedAt: NOW }]);
  });

  test("a node's own identity signs no order, nor does anybody to an agent of an earlier version", async () => {
    const configured = CONFIG.replace('cluster.key }', 'cluster.key, identity: /own.key }');
    const agent = fakeAgent({ outcome: done });
    await cli(['pause'], {
      http: agent.http,
      files: { ...files, '/etc/failtome/failtome.yaml': configured },
    });
    expect(orderOf(agent.commands)).toEqual([undefined]);
    const { orders: _, ...earlier } = STATUS;
    expect(orderOf((await ordered(['pause'], { status: earlier })).commands)).toEqual([undefined]);
  });
});
