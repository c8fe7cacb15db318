/** What a key of the configuration file is, and the table that it is declared in. */
import type { Fallback, Sibling } from '@failtome/config/keys';
import type { ValueKind } from './value-kind.ts';

/** One key of the configuration file. */
export interface Key<T> {
  /** With `[]` for every place in a list: `addresses[].probe.interval`. */
  readonly path: string;
  readonly kind: ValueKind<T>;
  readonly fallback: Fallback;
  readonly variable: string | null;
}

/** A list of keys, and what puts one more at its end. */
export interface KeyTable {
  readonly declared: Key<unknown>[];
  readonly key: <T>(path: string, kind: ValueKind<T>, fallback: Fallback, variable?: string | null) => Key<T>;
}

/** A table without keys. */
export function keyTable(): KeyTable {
  const declared: Key<unknown>[] = [];
  return {
    declared,
    key: <T>(
      path: string,
      kind: ValueKind<T>,
      fallback: Fallback,
      variable: string | null = null,
    ): Key<T> => {
      const made: Key<T> = { path, kind, fallback, variable };
      declared.push(made);
      return made;
    },
  };
}

/** It must stand in the file. */
export const required: Fallback = { kind: 'required' };

/** Left out, it is this. */
export function value(written: string | number | boolean | readonly string[]): Fallback {
  return { kind: 'value', value: written };
}

/** Left out, it is nothing, which means this. */
export function none(meaning: string): Fallback {
  return { kind: 'none', meaning };
}

/** Left out, it follows from another. */
export function derived(documented: string, derive: (sibling: Sibling) => string | number | null): Fallback {
  return { kind: 'derived', documented, derive };
}
