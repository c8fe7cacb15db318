/** What a kind of value is: the reader of a key's value, with what the reference and editors say of it. */
import type { RawNode } from '@failtome/config';

/** A value, or what was found in its place. */
export type Reading<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'fault'; readonly found: string; readonly hint: string };

/** A kind of value: what it accepts, and how the reference and the schema describe it. */
export interface ValueKind<T> {
  /** The type's name in the reference. */
  readonly name: string;
  /** What is expected, as a noun phrase: ends the sentence "found X, expected …". */
  readonly expected: string;
  /** What editors are told of it; a value that fits may still be refused. */
  readonly schema: JsonSchema;
  readonly read: (node: RawNode) => Reading<T>;
  /** How a text is shown where it must not be as a whole; left out: as it is. */
  readonly shown?: (text: string) => string;
}

/** A part of a JSON Schema (draft 2020-12). */
export type JsonSchema = { readonly [key: string]: unknown };
