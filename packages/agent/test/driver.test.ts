import type { DriveEffect, DriverAnswer, Event } from '@failtome/protocol';
import { expect, test, vi } from 'vitest';
import type { CallContext } from '../src/adapters/aws-clients.ts';
import { answerOnce } from '../src/adapters/driver.ts';

const effect: DriveEffect = {
  kind: 'drive',
  callId: 3,
  purpose: 'idle-read',
  address: '198.51.100.7',
  operation: { op: 'read' },
  timeoutMs: 1000,
};

const request = {
  service: 'ec2',
  operation: 'DescribeAddresses',
  result: 'ok',
  code: null,
  requestId: null,
  durationMs: 1,
} as const;

/** Run it on a stopped clock. */
async function answersOf(
  work: (context: CallContext) => Promise<DriverAnswer>,
  advanceMs: number,
): Promise<readonly Event[]> {
  vi.useFakeTimers();
  try {
    const posted: Event[] = [];
    answerOnce(effect, (event) => posted.push(event), work);
    await vi.advanceTimersByTimeAsync(advanceMs);
    return posted;
  } finally {
    vi.useRealTimers();
  }
}

test('an answer is posted with the requests that it took, and no time-out follows', async () => {
  const posted = await answersOf(async (context) => {
    context.record(request);
    return { kind: 'permitted' };
  }, 5000);
  expect(posted).toEqual([
    {
      kind: 'driven',
      callId: 3,
      purpose: 'idle-read',
      result: { answer: { kind: 'permitted' }, requests: [request] },
    },
  ]);
});

test('work that never ends is aborted at its time-out, and is unknown soon after', async () => {
  let signal: AbortSignal | undefined;
  const hang = (context: CallContext) => {
    signal = context.signal;
    return new Promise<DriverAnswer>(() => undefined);
  };
  expect(await answersOf(hang, 999)).toEqual([]);
  expect(signal?.aborted).toBe(false);
  expect(await answersOf(hang, 1100)).toMatchObject([
    { result: { answer: { kind: 'unknown', code: 'Timeout' } } },
  ]);
  expect(signal?.aborted).toBe(true);
});

test('a late answer is not posted after the time-out', async () => {
  const late = () => new Promise<DriverAnswer>((resolve) => setTimeout(resolve, 2000, { kind: 'permitted' }));
  expect(await answersOf(late, 5000)).toHaveLength(1);
});

test('a fault of the adapter is unknown, never a no', async () => {
  const posted = await answersOf(async () => {
    throw new RangeError('bug');
  }, 10);
  expect(posted).toMatchObject([{ result: { answer: { kind: 'unknown', code: 'Internal' } } }]);
});
