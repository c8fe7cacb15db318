/**
 * A small vocabulary for saying what a decoded value must look like. Every bound is named; what doesn't fit is a
 * fault with its path, never an exception.
 */

/** Returns the checked value, or throws a `ShapeFault` that `check` turns into a result. */
export type Shape<T> = (value: unknown, path: string) => T;

export type Checked<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'fault'; readonly detail: string };

class ShapeFault extends Error {
  override readonly name = 'ShapeFault';
}

export function check<T>(shape: Shape<T>, value: unknown): Checked<T> {
  try {
    return { kind: 'value', value: shape(value, '') };
  } catch (error) {
    if (error instanceof ShapeFault) return { kind: 'fault', detail: error.message };
    throw error;
  }
}

/** Parse JSON text, then check it. */
export function checkJson<T>(shape: Shape<T>, text: string): Checked<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'fault', detail: 'not JSON' };
  }
  return check(shape, value);
}

export function text(maxLength: number): Shape<string> {
  return (value, path) =>
    typeof value === 'string' && value.length <= maxLength
      ? value
      : fail(path, `a text of at most ${maxLength} characters`);
}

/** A text of that pattern. Ids are keys of plain objects, so the names that every object has by birth are none. */
export function matching(pattern: RegExp, what: string): Shape<string> {
  return (value, path) =>
    typeof value === 'string' && pattern.test(value) && !(value in {}) ? value : fail(path, what);
}

/** A whole number from `min` to `max`, by default any that a double holds exactly. */
export function whole(min = 0, max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : fail(path, `a whole number from ${min} to ${max}`);
}

/** A length of time: finite, not negative. */
export function duration(): Shape<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
      ? value
      : fail(path, 'a duration in milliseconds');
}

export function flag(): Shape<boolean> {
  return (value, path) => (typeof value === 'boolean' ? value : fail(path, 'true or false'));
}

export function oneOf<const T extends string>(...values: readonly T[]): Shape<T> {
  return (value, path) => values.find((one) => one === value) ?? fail(path, `one of ${values.join(', ')}`);
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

export function list<T>(shape: Shape<T>, maxLength: number): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > maxLength)
      return fail(path, `a list of at most ${maxLength}`);
    return value.map((item, index) => shape(item, `${path}[${index}]`));
  };
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Values<S extends Shapes> = { readonly [K in keyof S]: S[K] extends Shape<infer T> ? T : never };

/** An object with these fields; others are ignored, so that a newer version may add some. */
export function object<S extends Shapes>(shapes: S): Shape<Values<S>>;
/** The same, and fields that may be missing. */
export function object<S extends Shapes, O extends Shapes>(
  shapes: S,
  optional: O,
): Shape<Values<S> & Partial<Values<O>>>;
export function object(shapes: Shapes, optional: Shapes = {}): Shape<unknown> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    const fields = value as Readonly<Record<string, unknown>>; // any object is one of unknown fields
    const result: Record<string, unknown> = {};
    for (const [name, shape] of Object.entries(shapes)) result[name] = shape(fields[name], `${path}.${name}`);
    for (const [name, shape] of Object.entries(optional)) {
      if (fields[name] !== undefined) result[name] = shape(fields[name], `${path}.${name}`);
    }
    return result;
  };
}

/** An object whose `kind` says which of the shapes it has. */
export function union<T>(shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  return (value, path) => {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
    const shape = typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
    return shape === undefined
      ? fail(`${path}.kind`, `one of ${Object.keys(shapes).join(', ')}`)
      : shape(value, path);
  };
}

function fail(path: string, expected: string): never {
  throw new ShapeFault(`${path === '' ? 'the whole' : path.replace(/^\./, '')}: expected ${expected}`);
}
