import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFLATING, dictionaryAfter, frameOf, MAGIC, MAX_FRAME_TEXT, textOf } from '../src/frames.ts';

const ROOM = 1_048_576;

function framed(texts: readonly string[]): Buffer {
  let dictionary = Buffer.alloc(0);
  const frames = texts.map((text) => {
    const bytes = Buffer.from(text);
    const options = dictionary.length === 0 ? DEFLATING : { ...DEFLATING, dictionary };
    dictionary = Buffer.from(dictionaryAfter(dictionary, bytes));
    return frameOf(bytes, deflateRawSync(bytes, options));
  });
  return Buffer.concat([MAGIC, ...frames]);
}

test('frames come back as their texts, one after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 40_000 }), { maxLength: 5 }), (texts) => {
      expect(textOf(framed(texts), ROOM)).toEqual({ text: texts.join(''), torn: null });
    }),
    { numRuns: 50 },
  );
});

test('wherever a segment is torn, what stands before is read, and nothing after it', () => {
  const texts = ['one\n', 'two\n', 'three\n'];
  const whole = framed(texts);
  for (let length = MAGIC.length; length < whole.length; length += 1) {
    const { text, torn } = textOf(whole.subarray(0, length), ROOM);
    expect('one\ntwo\nthree\n'.startsWith(text)).toBe(true);
    expect(text === '' || text.endsWith('\n')).toBe(true);
    if (![0, 4, 8].includes(text.length) || torn !== null) expect(torn).toMatch(/^at byte \d+: half/);
  }
});

test('a byte that has changed is seen', () => {
  const whole = framed(['one\n', 'two\n']);
  for (let at = MAGIC.length; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x40;
    const { text, torn } = textOf(changed, ROOM);
    // A bit that fills up the last byte of what is deflated says nothing.
    expect(torn === null ? ['one\ntwo\n'] : ['', 'one\n']).toContain(text);
  }
});

test('a frame that inflates to more than it claims is not inflated further', () => {
  const bomb = deflateRawSync(Buffer.alloc(64 * ROOM));
  const claims = frameOf(Buffer.from('small'), bomb);
  expect(textOf(Buffer.concat([MAGIC, claims]), ROOM)).toEqual({
    text: '',
    torn: `at byte ${MAGIC.length}: a frame that can not be inflated`,
  });
});

test('a frame that claims more than any holds is not looked into', () => {
  const bomb = Buffer.alloc(MAX_FRAME_TEXT + 1);
  const frame = frameOf(bomb, deflateRawSync(bomb));
  expect(textOf(Buffer.concat([MAGIC, frame]), ROOM).torn).toContain('more than');
});

test('many frames hold no more together than they may', () => {
  const text = 'x'.repeat(100_000);
  expect(() => textOf(framed(Array.from({ length: 20 }, () => text)), ROOM)).toThrow('more than');
});

test('what begins otherwise is no recording', () => {
  expect(() => textOf(Buffer.from('PK\u0003\u0004'), ROOM)).toThrow('does not begin');
});
