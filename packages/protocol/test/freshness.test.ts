import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEW_CHANNEL } from '../src/model/initial.ts';
import type { Channel } from '../src/model/peer-state.ts';
import {
  type Admission,
  admitRequest,
  admitResponse,
  echoFor,
  maxEchoAgeMs,
  WINDOW,
} from '../src/wire/freshness.ts';
import type { Echo, Envelope } from '../src/wire/messages.ts';
import { envelopeOf } from './support/fixtures.ts';

const OWN = { session: 'saturn-0001', t: 10_000, maxAgeMs: maxEchoAgeMs(3_000) };
const NOW: Echo = { session: OWN.session, t: OWN.t };
const KNOWN: Channel = { ...NEW_CHANNEL, session: 'neptune-001', highest: 100, latestT: 900 };

function request(seq: number, parts: Partial<Envelope> = {}): Envelope {
  return envelopeOf({ seq, echo: NOW, ...parts });
}

function verdictOf(admission: Admission): string {
  return admission.kind === 'admitted' ? 'admitted' : admission.reason;
}

describe('a request of the known session', () => {
  const rows: readonly (readonly [string, number, Echo | null, string])[] = [
    ['is new and echoes a moment ago', 101, NOW, 'admitted'],
    ['is the last one again', 100, NOW, 'replayed'],
    ['was overtaken and is in the window', 100 - WINDOW, NOW, 'admitted'],
    ['is older than the window', 100 - WINDOW - 1, NOW, 'replayed'],
    ['is far ahead', 1_000_000, NOW, 'admitted'],
    ['echoes nothing', 101, null, 'session'],
    ['echoes an earlier run of this node', 101, { session: 'saturn-0000', t: OWN.t }, 'session'],
    ['has an echo as old as it may be', 101, { session: OWN.session, t: OWN.t - 6_000 }, 'admitted'],
    ['has an echo that is older', 101, { session: OWN.session, t: OWN.t - 6_001 }, 'stale'],
    ['has an echo from the future', 101, { session: OWN.session, t: OWN.t + 1 }, 'stale'],
  ];
  test.each(rows)('that %s (seq %i)', (_, seq, echo, verdict) => {
    expect(verdictOf(admitRequest(KNOWN, OWN, request(seq, { echo })))).toBe(verdict);
  });

  test('is refused without being counted when its echo is old: the same number may come again', () => {
    const stale = admitRequest(KNOWN, OWN, request(101, { echo: { session: OWN.session, t: 0 } }));
    expect(verdictOf(admitRequest(stale.channel, OWN, request(101)))).toBe('admitted');
  });
});

test('an echo counts for twice as long as a peer may be silent, five seconds at least', () => {
  expect([maxEchoAgeMs(500), maxEchoAgeMs(2_500), maxEchoAgeMs(3_000)]).toEqual([5_000, 5_000, 6_000]);
});

test('the echo is the newest session time had, and nothing before a session is known', () => {
  expect(echoFor(NEW_CHANNEL)).toBeNull();
  const admitted = admitRequest(KNOWN, OWN, request(101, { t: 1_200 }));
  expect(echoFor(admitted.channel)).toEqual({ session: 'neptune-001', t: 1_200 });
  const overtaken = admitRequest(admitted.channel, OWN, request(99, { t: 800 }));
  expect(echoFor(overtaken.channel)).toEqual({ session: 'neptune-001', t: 1_200 });
});

describe('a new session', () => {
  const NEW = 'neptune-002';
  const first = request(1, { session: NEW, echo: null });

  test('is challenged, and brought in by an echo of the challenge', () => {
    const challenged = admitRequest(KNOWN, OWN, first);
    expect(verdictOf(challenged)).toBe('session');
    const answer = admitRequest(challenged.channel, OWN, request(2, { session: NEW }));
    expect(verdictOf(answer)).toBe('admitted');
    expect(answer.channel).toMatchObject({ session: NEW, retired: ['neptune-001'] });
  });

  test('is not brought in by an echo older than the challenge', () => {
    const challenged = admitRequest(KNOWN, OWN, first);
    const early = { session: OWN.session, t: OWN.t - 1 };
    expect(verdictOf(admitRequest(challenged.channel, OWN, request(2, { session: NEW, echo: early })))).toBe(
      'session',
    );
  });

  test('is not brought in by a challenge that was given to another session', () => {
    const challenged = admitRequest(KNOWN, OWN, first);
    const other = request(2, { session: 'neptune-003' });
    expect(verdictOf(admitRequest(challenged.channel, OWN, other))).toBe('session');
  });

  test('replaces the old one for good: what that one sends needs a challenge again', () => {
    const challenged = admitRequest(KNOWN, OWN, first);
    const replaced = admitRequest(challenged.channel, OWN, request(2, { session: NEW }));
    expect(verdictOf(admitRequest(replaced.channel, OWN, request(101)))).toBe('session');
  });

  test('is brought in by a response without more', () => {
    const { channel, returned } = admitResponse(KNOWN, OWN, envelopeOf({ session: NEW, t: 5 }), 0);
    expect([channel.session, channel.latestT, returned]).toEqual([NEW, 5, false]);
  });
});

describe('a session that was replaced and comes back', () => {
  const replaced = admitResponse(
    admitRequest(KNOWN, OWN, request(101)).channel,
    OWN,
    envelopeOf({ session: 'neptune-002' }),
    0,
  ).channel;
  const challenged = admitRequest(replaced, OWN, request(102, { echo: null })).channel;

  test('is told as a second run with the same id', () => {
    expect(admitRequest(challenged, OWN, request(103))).toMatchObject({ kind: 'admitted', returned: true });
  });

  test('admits nothing that it sent before', () => {
    const back = admitRequest(challenged, OWN, request(103)).channel;
    expect(back.session).toBe('neptune-001');
    expect(verdictOf(admitRequest(back, OWN, request(101)))).toBe('replayed');
    expect(verdictOf(admitRequest(back, OWN, request(104)))).toBe('admitted');
  });

  test('is not brought back by a late response', () => {
    const late = admitResponse(replaced, OWN, envelopeOf({ seq: 103 }), OWN.t);
    expect(late).toEqual({ channel: replaced, returned: false });
  });

  test('is brought back by the answer to a request that went out after its replacement', () => {
    const { channel, returned } = admitResponse(replaced, OWN, envelopeOf({ seq: 103 }), OWN.t + 1);
    expect([channel.session, returned]).toEqual(['neptune-001', true]);
    expect(verdictOf(admitRequest(channel, OWN, request(103)))).toBe('replayed');
  });
});

/** What happens between two nodes and to somebody who records. */
type Happening =
  | { readonly kind: 'send' }
  | { readonly kind: 'answer' }
  | { readonly kind: 'replay'; readonly which: number }
  | { readonly kind: 'sender restarts' }
  | { readonly kind: 'receiver restarts' }
  | { readonly kind: 'older run speaks'; readonly which: number }
  | { readonly kind: 'time passes'; readonly ms: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'send' } as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'answer' } as const) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('replay' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'sender restarts' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'receiver restarts' } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('older run speaks' as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('time passes' as const),
      ms: fc.integer({ min: 1, max: 4_000 }),
    }),
  },
);

interface Run {
  readonly session: string;
  seq: number;
  /** What it has had from the receiver. */
  echo: Echo | null;
}

test('a recorded request is never admitted twice, whoever restarts and whatever comes between', () => {
  let admittedInAll = 0;
  fc.assert(
    fc.property(fc.array(happening, { minLength: 30, maxLength: 120, size: 'max' }), (happenings) => {
      let at = 0;
      let receivers = 1;
      let startedAt = 0;
      let channel = NEW_CHANNEL;
      const runs: Run[] = [{ session: 'neptune-000', seq: 0, echo: null }];
      const recorded: Envelope[] = [];
      const admitted = new Set<string>();
      const own = () => ({ session: `saturn-${1_000 + receivers}`, t: at - startedAt, maxAgeMs: 6_000 });

      const deliver = (message: Envelope, from: Run | undefined): void => {
        const admission = admitRequest(channel, own(), message);
        channel = admission.channel;
        if (from !== undefined) from.echo = { session: own().session, t: own().t };
        if (admission.kind === 'refused') return;
        const key = `${message.session} ${message.seq}`;
        expect(admitted.has(key), `${key} was admitted twice`).toBe(false);
        admitted.add(key);
        admittedInAll += 1;
      };
      const speak = (run: Run): void => {
        run.seq += 1;
        const message = request(run.seq, { session: run.session, echo: run.echo, t: at });
        recorded.push(message);
        deliver(message, run);
      };

      for (const one of happenings) {
        at += 1;
        const run = runs.at(-1);
        switch (one.kind) {
          case 'send':
            if (run !== undefined) speak(run);
            break;
          case 'answer':
            if (run === undefined) break;
            run.seq += 1;
            channel = admitResponse(
              channel,
              own(),
              request(run.seq, { session: run.session, t: at }),
              own().t,
            ).channel;
            run.echo = { session: own().session, t: own().t };
            break;
          case 'replay': {
            const message = recorded[one.which % Math.max(1, recorded.length)];
            if (message !== undefined) deliver(message, undefined);
            break;
          }
          case 'sender restarts':
            runs.push({ session: `neptune-${100 + runs.length}`, seq: 0, echo: null });
            break;
          case 'receiver restarts':
            receivers += 1;
            startedAt = at;
            channel = NEW_CHANNEL;
            break;
          case 'older run speaks': {
            const older = runs[one.which % runs.length];
            if (older !== undefined) speak(older);
            break;
          }
          case 'time passes':
            at += one.ms;
        }
      }
    }),
    { numRuns: 500, seed: 4 },
  );
  expect(admittedInAll).toBeGreaterThan(2_000);
});

describe('what was forged in the name of a session is put right by its own answer', () => {
  const answered = (channel: Channel, parts: Partial<Envelope>): Channel =>
    admitResponse(channel, OWN, envelopeOf({ session: 'neptune-001', t: 900, ...parts }), OWN.t - 5).channel;

  test('a number that would have all that it says refused', () => {
    const forged = admitRequest(KNOWN, OWN, request(Number.MAX_SAFE_INTEGER)).channel;
    expect(verdictOf(admitRequest(forged, OWN, request(102)))).toBe('replayed');
    const right = answered(forged, { seq: 110 });
    expect(verdictOf(admitRequest(right, OWN, request(111)))).toBe('admitted');
    expect(verdictOf(admitRequest(right, OWN, request(101)))).toBe('replayed');
  });

  test('but not a number that it may have come to since it wrote the answer', () => {
    const ahead = admitRequest(KNOWN, OWN, request(1_000)).channel;
    expect(verdictOf(admitRequest(answered(ahead, { seq: 101 }), OWN, request(1_000)))).toBe('replayed');
  });

  test('a time that would have all that is said to it refused', () => {
    const forged = admitRequest(KNOWN, OWN, request(101, { t: Number.MAX_SAFE_INTEGER })).channel;
    expect(echoFor(forged)?.t).toBe(Number.MAX_SAFE_INTEGER);
    const stale = { version: 0, ack: 0, refused: 'stale' } as const;
    expect(echoFor(answered(forged, { seq: 102, t: 950, payload: stale }))?.t).toBe(950);
  });
});
