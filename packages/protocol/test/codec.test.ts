import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_ADDRESSES } from '../src/model/config.ts';
import { MAX_MESSAGE_BYTES } from '../src/model/limits.ts';
import { decodeDocument, decodeMessage, encodeDocument, encodeMessage } from '../src/wire/codec.ts';
import {
  check,
  checkJson,
  duration,
  list,
  object,
  oneOf,
  type Shape,
  text,
  union,
  whole,
} from '../src/wire/shape.ts';
import { anyDocument, anyMessage, anyText } from './support/arbitraries.ts';
import { envelopeOf, handoverOf, recordOf } from './support/fixtures.ts';

test('what was encoded is decoded to the same, for every message', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      expect(decodeMessage(encodeMessage(message))).toEqual({ kind: 'message', message });
    }),
    { numRuns: 150, seed: 5 },
  );
});

test('what was encoded is decoded to the same, for every document', () => {
  fc.assert(
    fc.property(anyDocument, (document) => {
      expect(decodeDocument(encodeDocument(document))).toEqual({ kind: 'document', document });
    }),
    { numRuns: 150, seed: 6 },
  );
});

describe('whatever is read, nothing is thrown', () => {
  test('not for text that is no JSON', () => {
    fc.assert(
      fc.property(anyText(400), (body) => {
        expect(['message', 'fault']).toContain(decodeMessage(body).kind);
        expect(['document', 'fault']).toContain(decodeDocument(body).kind);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  test('not for JSON that is no message', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (body) => {
        expect(decodeMessage(body).kind).toBe('fault');
        expect(decodeDocument(body).kind).toBe('fault');
      }),
      { numRuns: 500, seed: 8 },
    );
  });

  test('not for a message of which one part was replaced, and what is let through still fits', () => {
    let faults = 0;
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.jsonValue(), (message, at, value) => {
        const body = JSON.stringify(withPartReplaced(JSON.parse(encodeMessage(message)), at, value));
        const decoded = decodeMessage(body);
        if (decoded.kind === 'fault') {
          faults += 1;
          expect(decoded.detail.length).toBeLessThan(400);
        } else expect(decodeMessage(encodeMessage(decoded.message)).kind).toBe('message');
      }),
      { numRuns: 500, seed: 9 },
    );
    expect(faults).toBeGreaterThan(250);
  });

  test('not for a document that was cut off or overwritten in the middle', () => {
    fc.assert(
      fc.property(anyDocument, fc.nat(), fc.string({ maxLength: 3 }), (document, at, other) => {
        const body = encodeDocument(document);
        const cut = at % body.length;
        expect(decodeDocument(body.slice(0, cut)).kind).toBe('fault');
        const overwritten = body.slice(0, cut) + other + body.slice(cut + other.length);
        expect(['document', 'fault']).toContain(decodeDocument(overwritten).kind);
      }),
      { numRuns: 150, seed: 10 },
    );
  });

  test('not for JSON that is nested deeply', () => {
    expect(decodeMessage('['.repeat(60_000)).kind).toBe('fault');
    expect(decodeMessage(`${'[['.repeat(15_000)}${']]'.repeat(15_000)}`).kind).toBe('fault');
  });
});

/** The value with the part at that place, counted depth first, replaced. */
function withPartReplaced(whole: unknown, at: number, value: unknown): unknown {
  let left = at % countParts(whole);
  const visit = (part: unknown): unknown => {
    if (left === 0) {
      left -= 1;
      return value;
    }
    left -= 1;
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, visit(inner)]));
  };
  return visit(whole);
}

function countParts(part: unknown): number {
  if (typeof part !== 'object' || part === null) return 1;
  return Object.values(part).reduce((sum: number, inner) => sum + countParts(inner), 1);
}

describe('every length is bounded', () => {
  const many = (count: number, value: unknown): unknown[] => Array.from({ length: count }, () => value);
  const rumour = { id: 'mars', incarnation: 1, state: 'alive' };
  const release = { address: '203.0.113.7', epoch: 1, candidate: 'mars' };
  const record = (parts: object): object => ({ node: { ...recordOf('neptune'), ...parts } });
  const rows: readonly (readonly [string, object, object])[] = [
    ['a cluster', { cluster: 'c'.repeat(64) }, { cluster: 'c'.repeat(65) }],
    ['a node id', { from: 'n'.repeat(64) }, { from: 'n'.repeat(65) }],
    ['an empty node id', { from: 'n' }, { from: '' }],
    ['a node id that every object has as a field by birth', { from: 'constructo' }, { from: 'constructor' }],
    ['a node id that is the name of a prototype', { from: '_proto_' }, { from: '__proto__' }],
    ["a node id's characters", { to: 'a.b_c-D9' }, { to: 'a b' }],
    ['a session', { session: 'a'.repeat(11) }, { session: 'a'.repeat(12) }],
    ['a number', { seq: 1 }, { seq: 0 }],
    ['a whole number', { t: 3 }, { t: 3.5 }],
    ['a wire version', { v: 65_535 }, { v: 65_536 }],
    ['rumours', { payload: { rumours: many(8, rumour) } }, { payload: { rumours: many(9, rumour) } }],
    ['questions', { payload: { ask: many(8, 'mars') } }, { payload: { ask: many(9, 'mars') } }],
    [
      'releases',
      { payload: { releases: many(MAX_ADDRESSES, release) } },
      { payload: { releases: many(MAX_ADDRESSES + 1, release) } },
    ],
    [
      'changes',
      { payload: record({ addresses: [addressWith({ changes: many(32, 1) })] }) },
      { payload: record({ addresses: [addressWith({ changes: many(33, 1) })] }) },
    ],
    [
      'ended associations',
      { payload: record({ addresses: [addressWith({ ended: many(16, 'a') })] }) },
      { payload: record({ addresses: [addressWith({ ended: many(17, 'a') })] }) },
    ],
    [
      'handovers',
      { payload: record({ handovers: many(16, handoverOf()) }) },
      { payload: record({ handovers: many(17, handoverOf()) }) },
    ],
    [
      'a duration',
      { payload: record({ handovers: [handoverOf()] }) },
      { payload: record({ handovers: [handoverOf({ ttlMs: -1 })] }) },
    ],
    [
      'a priority',
      { payload: record({ priority: 1_000_000 }) },
      { payload: record({ priority: 1_000_001 }) },
    ],
  ];
  test.each(rows)('%s', (_, good, bad) => {
    expect(decodeMessage(messageWith(good))).toMatchObject({ kind: 'message' });
    expect(decodeMessage(messageWith(bad))).toMatchObject({ kind: 'fault' });
  });

  test('a message', () => {
    const body = messageWith({});
    expect(decodeMessage(body.padEnd(MAX_MESSAGE_BYTES)).kind).toBe('message');
    expect(decodeMessage(body.padEnd(MAX_MESSAGE_BYTES + 1)).kind).toBe('fault');
  });

  test('a message of characters that take more than one byte', () => {
    const body = messageWith({ padding: 'é'.repeat(MAX_MESSAGE_BYTES / 2) });
    expect(body.length).toBeLessThan(MAX_MESSAGE_BYTES);
    expect(decodeMessage(body).kind).toBe('message'); // the host bounds bytes, this bounds what is parsed
  });
});

function messageWith(parts: object): string {
  const { payload = {}, ...rest } = parts as { readonly payload?: object };
  const base = envelopeOf();
  return JSON.stringify({ ...base, ...rest, payload: { ...base.payload, ...payload } });
}

function addressWith(parts: object): object {
  const address = { ip: '203.0.113.7', verdict: 'up', trouble: false, epoch: 0, holder: null };
  return { ...address, changes: [], ended: [], served: true, ...parts };
}

describe('what a newer version may add', () => {
  test('unknown fields are ignored and left out', () => {
    const decoded = decodeMessage(messageWith({ colour: 'red' }));
    expect(decoded).toEqual({ kind: 'message', message: envelopeOf() });
  });

  test('unknown reasons are read', () => {
    expect(decodeMessage(messageWith({ payload: { refused: 'too-cold' } })).kind).toBe('message');
  });

  test('a document of another version is not read', () => {
    const [document] = fc.sample(anyDocument, { numRuns: 1, seed: 11 });
    expect(decodeDocument(JSON.stringify({ ...document, version: 2 })).kind).toBe('fault');
  });
});

describe('a fault', () => {
  test('says where it is and what was expected, not what was found', () => {
    const decoded = decodeMessage(messageWith({ payload: record2('s3cret') }));
    expect(decoded).toEqual({
      kind: 'fault',
      detail: 'payload.node.addresses[0].verdict: expected one of up, down, unknown',
    });
  });

  function record2(verdict: string): object {
    return { node: { ...recordOf('neptune'), addresses: [addressWith({ verdict })] } };
  }
});

describe('shapes', () => {
  const rows: readonly (readonly [string, Shape<unknown>, readonly unknown[], readonly unknown[]])[] = [
    ['whole', whole(-1, 3), [-1, 0, 3], [-2, 4, 1.5, Number.NaN, '1', null, 2 ** 53]],
    ['duration', duration(), [0, 0.5, 1e9], [-1, Number.POSITIVE_INFINITY, Number.NaN, '1', null]],
    ['text', text(2), ['', 'ab'], ['abc', 1, null, undefined]],
    ['oneOf', oneOf('a', 'b'), ['a', 'b'], ['c', '', null, 1]],
    ['list', list(whole(), 1), [[], [1]], [[1, 2], ['a'], {}, 'a', null]],
    ['object', object({ a: whole() }), [{ a: 1 }, { a: 1, b: 2 }], [{}, { a: '1' }, [], null, 'a']],
    ['optional field', object({}, { a: whole() }), [{}, { a: 1 }], [{ a: null }, { a: '1' }]],
    ['union', union({ a: object({ kind: oneOf('a') }) }), [{ kind: 'a' }], [{ kind: 'b' }, {}, null, 'a']],
  ];
  test.each(rows)('%s', (_, shape, good, bad) => {
    for (const value of good) expect(check(shape, value).kind, JSON.stringify(value)).toBe('value');
    for (const value of bad) expect(check(shape, value).kind, String(value)).toBe('fault');
  });

  test('a kind that every object has by birth is none of a union', () => {
    const shape = union({ a: object({ kind: oneOf('a') }) });
    for (const kind of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(check(shape, { kind }).kind, kind).toBe('fault');
  });

  test('a field of a name that objects have by birth changes no object', () => {
    const body = '{"a":1,"__proto__":{"polluted":true}}';
    const checked = checkJson(object({ a: whole() }), body);
    expect(checked).toEqual({ kind: 'value', value: { a: 1 } });
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined();
  });
});
