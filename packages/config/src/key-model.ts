/**
 * What a key that reaches the protocol has: its range, its default, and what it is. They are listed in `protocol-keys.ts`.
 */
import { formatDuration, parseDuration } from './durations.ts';
import { type ByPreset, presetNamed, presetText } from './presets.ts';

/** What a key of time accepts: milliseconds, both ends included, in whole numbers of a unit. */
export interface DurationRange {
  readonly kind: 'duration';
  readonly leastMs: number;
  readonly mostMs: number;
  /** What a shorter one would break, where that isn't plain; else empty. */
  readonly why: string;
}

/** What a key that counts accepts, both ends included. */
export interface WholeRange {
  readonly kind: 'whole';
  readonly least: number;
  readonly most: number;
}

/** What a key with a few words accepts. */
export interface ChoiceRange<T extends string> {
  readonly kind: 'choice';
  readonly words: readonly T[];
}

/** Reads another key of the same section, with `../` of the one around it, or with `/` of none, as it was written or by default. */
export type Sibling = (name: string) => unknown;

/** What counts where a key is absent. */
export type Fallback =
  | { readonly kind: 'required' }
  /** The value is null when the key is absent. `meaning` says what happens then. */
  | { readonly kind: 'none'; readonly meaning: string }
  | { readonly kind: 'value'; readonly value: string | number | boolean | readonly string[] }
  /** Follows from `preset`. */
  | {
      readonly kind: 'preset';
      readonly values: ByPreset<string | number>;
      readonly documented: string;
      /** The preset's value, or a smaller one, so that a default doesn't contradict what was chosen beside it. */
      readonly fit: (usual: string | number, sibling: Sibling) => string | number;
    }
  /** Follows from another key of its section. */
  | {
      readonly kind: 'derived';
      readonly documented: string;
      readonly derive: (sibling: Sibling) => string | number | null;
    };

/** A key that reaches the protocol. */
export interface ProtocolKey<Range> {
  /** With `[]` for every place in a list: `addresses[].probe.interval`. */
  readonly path: string;
  readonly range: Range;
  readonly fallback: Fallback;
  /** What it is, as the first sentence of its description. */
  readonly says: string;
}

/** A key of time. */
export type DurationKey = ProtocolKey<DurationRange>;
/** A key that counts. */
export type WholeKey = ProtocolKey<WholeRange>;
/** A key with a few words. */
export type ChoiceKey<T extends string> = ProtocolKey<ChoiceRange<T>>;

/** A default as a key states it. */
export function fallbackOf(usual: string | number | ByPreset<string | number> | Fallback): Fallback {
  if (typeof usual !== 'object') return { kind: 'value', value: usual };
  return 'kind' in usual ? usual : byPreset(usual, '', (value) => value);
}

/** @param limit what documentation adds of `fit` */
export function byPreset(
  values: ByPreset<string | number>,
  limit: string,
  fit: Extract<Fallback, { kind: 'preset' }>['fit'],
): Fallback {
  return { kind: 'preset', values, documented: `${presetText(values)}${limit}`, fit };
}

/** The preset's value, or a sibling's where that is shorter: a default must not contradict what the user chose. */
export function atMost(values: ByPreset<string>, name: string): Fallback {
  return byPreset(values, `; or ${name} if shorter`, (usual, sibling) => {
    const chosenMs = msOf(sibling(name), String(usual));
    return chosenMs < msOf(usual, String(usual)) ? formatDuration(chosenMs) : usual;
  });
}

/** Milliseconds of what was written, or else of what is usual. */
export function msOf(written: unknown, usual: string): number {
  const ms = typeof written === 'string' ? parseDuration(written) : null;
  return ms ?? parseDuration(usual) ?? 0;
}

/**
 * The default that follows from `preset` or from other keys.
 *
 * @param sibling what was written of those
 */
export function defaultBy(
  fallback: Extract<Fallback, { kind: 'preset' | 'derived' }>,
  sibling: Sibling,
): string | number | null {
  if (fallback.kind === 'derived') return fallback.derive(sibling);
  return fallback.fit(fallback.values[presetNamed(sibling('/preset'))], sibling);
}

/** The default of a key of time that has a plain one. @throws Error when it has none */
export function usualMs({ path, fallback }: DurationKey): number {
  const written = plainDefault(fallback);
  const ms = typeof written === 'string' ? parseDuration(written) : null;
  if (ms === null) throw new Error(`${path} has no default`);
  return ms;
}

/** The default of a key that counts. @throws Error when it has none */
export function usualCount({ path, fallback }: WholeKey): number {
  const value = plainDefault(fallback);
  if (typeof value !== 'number') throw new Error(`${path} has no default`);
  return value;
}

/** The default of a key with a few words. @throws Error when it has none */
export function usualWord<T extends string>({ path, range, fallback }: ChoiceKey<T>): T {
  const value = plainDefault(fallback);
  const word = range.words.find((one) => one === value);
  if (word === undefined) throw new Error(`${path} has no default`);
  return word;
}

function plainDefault(fallback: Fallback): unknown {
  if (fallback.kind === 'value') return fallback.value;
  return fallback.kind === 'preset' || fallback.kind === 'derived'
    ? defaultBy(fallback, () => undefined)
    : undefined;
}
