import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapedJson, escapedText, plainText } from '../src/index.ts';
import { anyText } from './support/arbitraries.ts';

test.each([
  ['a line break', 'one\ntwo', 'one two'],
  ['a sequence for the terminal', 'a\u001b[2Jb', 'a [2Jb'],
  ['a C1 control', 'a\u009b2Jb', 'a 2Jb'],
  ['an override of direction', 'by\u202eevil\u202c!', 'by evil !'],
  ['an isolate of direction', 'by\u2066evil\u2069!', 'by evil !'],
  ['an Arabic letter mark', 'a\u061cb', 'a b'],
  ['a line separator', 'a\u2028b', 'a b'],
  ['a zero-width space', 'a\u200bb', 'a b'],
  ['a tag character', 'a\u{e0041}b', 'a b'],
  ['half a surrogate pair', 'a\ud800b', 'a b'],
  ['text as people write it', 'Füße, 東京, עברית 🙂', 'Füße, 東京, עברית 🙂'],
])('%s becomes a space where nothing of it shows', (_what, text, plain) => {
  expect(plainText(text)).toBe(plain);
});

const shown = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u;
const anything = anyText(40);

test('whatever comes in, nothing that does not show goes out', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(plainText(text)).toMatch(shown);
      expect(escapedText(text)).toMatch(shown);
      expect(escapedJson(JSON.stringify({ text }))).toMatch(shown);
    }),
  );
});

test('escaped JSON is the same JSON', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(JSON.parse(escapedJson(JSON.stringify({ text }, null, 2)))).toEqual({ text });
    }),
  );
});
