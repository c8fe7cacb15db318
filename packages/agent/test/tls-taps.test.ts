/** What strangers make OpenSSL read passes in small pieces, on a budget; what a peer sends passes at once. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Tap, Taps, type TapsOptions } from '../src/http/tls-taps.ts';

interface Tapped {
  readonly client: Socket;
  readonly tap: Tap;
  /** The sizes of what came through. */
  readonly pieces: number[];
  readonly cut: string[];
  trust(): void;
}

async function tapped(options: Partial<TapsOptions> = {}): Promise<Tapped> {
  const trusted = new Set<Socket>();
  const cut: string[] = [];
  const pieces: number[] = [];
  let now = 0;
  const taps = new Taps(
    { piecesPerSecond: 10, maxHeldBytes: 1_000_000, ...options },
    {
      monotonicMs: () => now,
      isTrusted: (socket) => trusted.has(socket),
      mayDecrypt: (socket) => trusted.has(socket),
      isPeerAddress: () => false,
      onCut: (reason) => cut.push(reason),
    },
  );
  const server = createServer();
  onTestFinished(() => {
    taps.close();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const arrived = once(server, 'connection');
  const client = connect({ host: '127.0.0.1', port: address.port });
  client.on('error', () => undefined); // a reset is a way of closing
  const [raw] = await arrived;
  raw.on('error', () => raw.destroy());
  const tap = taps.open(raw, Buffer.from('first'));
  onTestFinished(() => {
    client.destroy();
    tap.destroy();
  });
  tap.secure = raw;
  tap.on('data', (chunk: Buffer) => {
    expect(taps.current).toBe(tap);
    pieces.push(chunk.length);
  });
  return {
    ...{ client, tap, pieces, cut },
    trust() {
      trusted.add(raw);
      now = 1_000;
    },
  };
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

test('a stranger has its budget of pieces at once, and no more before there is time', async () => {
  const { client, pieces, tap } = await tapped();
  client.write(Buffer.alloc(100_000));
  await expect.poll(() => pieces).toHaveLength(10);
  expect(pieces[0]).toBe(5);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(1_024);
  expect(sum(pieces)).toBeLessThan(12_000);
  // What it has sent beyond that waits, most of it with the system.
  expect(tap.heldBytes).toBeLessThan(100_000);
});

test('who has shown a key is read at once, whatever it sends', async () => {
  const { client, pieces, trust } = await tapped({ piecesPerSecond: 1 });
  await expect.poll(() => pieces).toEqual([5]);
  trust();
  client.write(Buffer.alloc(500_000));
  await expect.poll(() => sum(pieces)).toBe(500_005);
  expect(pieces.length).toBeLessThan(100);
});

test('who sends more than there is room for is cut off, and counted', async () => {
  const { client, cut } = await tapped({ piecesPerSecond: 1, maxHeldBytes: 1_000 });
  const closed = new Promise((resolve) => client.on('close', resolve));
  client.write(Buffer.alloc(100_000));
  await closed;
  expect(cut).toEqual(['overloaded']);
});

test('what is written goes out, and either end closes the other', async () => {
  const { client, tap } = await tapped();
  tap.write('hello');
  const [text] = await once(client, 'data');
  expect(String(text)).toBe('hello');
  client.destroy();
  await once(tap, 'close');
  expect(tap.raw.destroyed).toBe(true);
});
