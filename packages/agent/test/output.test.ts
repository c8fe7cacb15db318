import { expect, test } from 'vitest';
import { createLog } from '../src/observe/log.ts';
import { type Loss, MAX_BACKLOG_BYTES, Output, type OutputSystem } from '../src/observe/output.ts';

/** A descriptor that fails with `code` while there is one; time passes only by pauses and timers. */
function descriptor() {
  const world = { code: '', text: '', now: 0, pauses: 0 };
  const writes: (() => void)[] = [];
  const timers: (() => void)[] = [];
  const put = (bytes: Buffer): number => {
    if (world.code !== '') throw Object.assign(new Error(world.code), { code: world.code });
    world.text += bytes.toString();
    return bytes.length;
  };
  const system: OutputSystem = {
    write: (_fd, bytes, done) => {
      writes.push(() => {
        try {
          done(null, put(bytes));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)), 0);
        }
      });
    },
    writeSync: (_fd, bytes) => put(bytes),
    setTimer: (run) => {
      timers.push(run);
      return setTimeout(() => undefined, 0);
    },
    pause: (ms) => {
      world.now += ms;
      world.pauses += 1;
    },
    monotonicMs: () => world.now,
  };
  /** Each timer fires, then whatever is with the system ends. */
  const turn = (): void => {
    for (const timer of timers.splice(0)) timer();
    for (const write of writes.splice(0)) write();
  };
  const settle = (): void => {
    while (writes.length > 0) turn();
  };
  return { world, output: new Output(1, system), turn, settle };
}

test('lines are written in their order', () => {
  const { world, output, settle } = descriptor();
  for (const line of ['one\n', 'two\n', 'three\n']) output.write(line);
  settle();
  expect(world.text).toBe('one\ntwo\nthree\n');
});

test.each(['ENOSPC', 'EPIPE', 'EAGAIN', 'EIO'])(
  'after %s the same line and the next ones are written once writing works again',
  (code) => {
    const { world, output, turn, settle } = descriptor();
    world.code = code;
    output.write('one\n');
    for (let turns = 0; turns < 5; turns += 1) turn();
    output.write('two\n');
    turn();
    expect(world.text).toBe('');
    world.code = '';
    turn();
    settle();
    expect(world.text).toBe('one\ntwo\n');
  },
);

test('what is lost is counted, and told in its place when there is room again', () => {
  const { world, output, turn, settle } = descriptor();
  const losses: Loss[] = [];
  output.onLoss((loss) => {
    losses.push(loss);
    output.write(`${loss.lines} lost\n`);
  });
  world.code = 'ENOSPC';
  const line = `${'x'.repeat(MAX_BACKLOG_BYTES / 4 - 1)}\n`;
  for (let count = 0; count < 7; count += 1) output.write(line);
  output.write('short, but not past the others\n');
  turn();
  world.code = '';
  turn();
  settle();
  output.write('after\n');
  settle();
  expect(losses).toEqual([{ lines: 4, code: 'ENOSPC' }]);
  expect(world.text.replaceAll(line, '#')).toBe('####4 lost\nafter\n');
});

test('the log says how much it lost, and why', () => {
  const { world, output, turn, settle } = descriptor();
  const log = createLog({ level: 'info', format: 'json', colour: false }, output);
  world.code = 'ENOSPC';
  const text = 'x'.repeat(MAX_BACKLOG_BYTES / 2);
  for (let count = 0; count < 3; count += 1) log.tell('info', 'warmed', text);
  turn();
  world.code = '';
  turn();
  settle();
  expect(JSON.parse(world.text.trim().split('\n').at(-1) ?? '')).toMatchObject({
    event: 'log-lost',
    level: 'warn',
    msg: '2 lines of this log could not be written: ENOSPC',
    lines: 2,
    code: 'ENOSPC',
  });
});

test.each(['EAGAIN', 'ENOSPC', 'EPIPE', 'EBADF'])(
  'a flush before the end returns within half a second though every write fails with %s',
  (code) => {
    const { world, output, turn } = descriptor();
    world.code = code;
    output.write('one\n');
    turn();
    output.write('two\n');
    output.flush();
    expect(world.now).toBeLessThanOrEqual(500);
    expect(world.pauses).toBeLessThanOrEqual(50);
    world.code = '';
    output.flush();
    expect(world.text).toBe('one\ntwo\n');
  },
);

test('a flush that fails while a write is under way keeps what it took', () => {
  const { world, output, settle } = descriptor();
  output.write('one\n');
  output.write('two\n');
  world.code = 'ENOSPC';
  output.flush();
  world.code = '';
  settle();
  expect(world.text).toBe('one\ntwo\n');
});

test('an end waits for what is being written, and takes nothing after that', async () => {
  const { world, output, settle } = descriptor();
  output.write('one\n');
  const ended = output.end();
  output.write('two\n');
  settle();
  await ended;
  expect(world.text).toBe('one\n');
});
