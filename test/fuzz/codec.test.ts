/** Whatever is read is a message or a fault, and what was read once is written and read again as the same. */
import fc from 'fast-check';
import {
  decodeDocument,
  decodeMessage,
  encodeDocument,
  encodeMessage,
} from '../../packages/protocol/src/index.ts';
import { anyDocument, anyMessage } from '../../packages/protocol/test/support/arbitraries.ts';
import { fuzz } from './fuzz.ts';
import { bent, changes, type Json, spoils, spoilt } from './mutate.ts';

/** @throws where what was read isn't written and read again as it is */
function readAgain(text: string, again: (text: string) => string | null): void {
  const once = again(text);
  if (once === null) return;
  const twice = again(once);
  if (twice !== once) throw new Error(`read once as ${once}, and then as ${twice}`);
}

function message(text: string): string | null {
  const read = decodeMessage(text);
  return read.kind === 'message' ? encodeMessage(read.message) : null;
}

function document(text: string): string | null {
  const read = decodeDocument(text);
  return read.kind === 'document' ? encodeDocument(read.document) : null;
}

fuzz('messages', 400, () =>
  fc.property(anyMessage, changes, spoils, (whole, changed, spoiled) => {
    const text = JSON.stringify(bent(JSON.parse(encodeMessage(whole)) as Json, changed));
    readAgain(spoilt(text, spoiled), message);
  }),
);

fuzz('documents', 400, () =>
  fc.property(anyDocument, changes, spoils, (whole, changed, spoiled) => {
    const text = JSON.stringify(bent(JSON.parse(encodeDocument(whole)) as Json, changed));
    readAgain(spoilt(text, spoiled), document);
  }),
);
