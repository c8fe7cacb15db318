/** Kinds of value that only receivers of notifications have. */
import { httpUrl } from './http-url.ts';
import { pageUrl, text } from './kinds.ts';
import type { ValueKind } from './value-kind.ts';

/** The name of a receiver: a label of metrics, and a key of what waits for it. */
export const receiverName: ValueKind<string> = text(
  'text',
  'a name of 1 to 32 small letters, digits and hyphens, other than sns and exec',
  /^(?!(sns|exec)$)[a-z0-9][a-z0-9-]{0,31}$/,
);

/** A URL that is a secret itself: whoever has it can speak to whom it leads. It is shown up to its path, and a faulty one not at all. */
export const secretUrl: ValueKind<string> = {
  name: 'URL',
  expected: 'an http or https URL',
  schema: { type: 'string' },
  read: (node) => {
    const reading = pageUrl.read(node);
    const isText = node.kind === 'scalar' && typeof node.value === 'string';
    if (reading.kind === 'value' || !isText) return reading;
    return {
      kind: 'fault',
      found: 'a text (not shown)',
      hint: /[/?#@]/.test(reading.hint) ? '' : reading.hint,
    };
  },
  shown: shownUrl,
};

/** The path of a file that holds such a URL. A URL in its place isn't shown. */
export const urlFilePath: ValueKind<string> = secretFile(
  'the path of a file that holds a URL',
  /:\/\//,
  'a URL (not shown)',
  'write it as url, or put it into a file',
);

/** The path of a file that holds a key: one that signs, or PagerDuty's. A key in its place isn't shown. */
export const keyPath: ValueKind<string> = secretFile(
  'the path of the file that holds the key',
  /^(whsec_.*|[A-Za-z0-9+/_-]{20,}={0,2})$/,
  'a key (not shown)',
  'make a new key, because this one was written here',
);

/** @param secret what such a file holds, as nobody would name a file */
function secretFile(expected: string, secret: RegExp, found: string, hint: string): ValueKind<string> {
  const path = text('text', expected, /^[^\0]*[^\0/]$/);
  return {
    ...path,
    read: (node) => {
      const written = node.kind === 'scalar' ? String(node.value) : '';
      const isPath = written.startsWith('/') || !secret.test(written);
      return isPath ? path.read(node) : { kind: 'fault', found, hint };
    },
  };
}

/** As much of it as isn't secret. */
export function shownUrl(url: string): string {
  return `${httpUrl(url).origin}/…`;
}
