/**
 * A small vocabulary for saying what a decoded value must look like. Every bound is named; what doesn't fit is a
 * fault with its path, never an exception.
 */

/** Takes a value over and returns it checked, or throws a `ShapeFault` that `check` turns into a result. */
export interface Shape<T> {
  (value: unknown): T;
  /** What it lets through, for whoever makes such values by chance. */
  readonly form: Form;
}

/** What a shape lets through, as data. */
export type Form =
  | { readonly kind: 'text'; readonly most: number }
  /** `what` names the pattern. */
  | { readonly kind: 'matching'; readonly what: string; readonly pattern: string }
  | { readonly kind: 'whole'; readonly least: number; readonly most: number }
  | { readonly kind: 'duration' | 'flag' }
  | { readonly kind: 'one-of'; readonly values: readonly string[] }
  | { readonly kind: 'nullable'; readonly of: Form }
  | { readonly kind: 'list'; readonly of: Form; readonly most: number }
  | { readonly kind: 'object'; readonly required: Forms; readonly optional: Forms }
  /** Each has a `kind` of its own. */
  | { readonly kind: 'union'; readonly of: Forms };
/** One for each field or kind. */
type Forms = Readonly<Record<string, Form>>;

/** The value that was checked, or where it doesn't fit. */
export type Checked<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'fault'; readonly detail: string };

/** What was expected, and where: lists and objects add their part of the path as the fault passes them on its way out. */
class ShapeFault extends Error {
  override readonly name = 'ShapeFault';
  readonly expected: string;
  path = '';

  constructor(expected: string) {
    super(expected);
    this.expected = expected;
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

/** Check a value that nobody else holds: what is ignored in it is dropped from it. */
export function check<T>(shape: Shape<T>, value: unknown): Checked<T> {
  try {
    return { kind: 'value', value: shape(value) };
  } catch (error) {
    if (error instanceof ShapeFault) return { kind: 'fault', detail: describe(error) };
    throw error;
  }
}

/** A text of at most so many UTF-16 units; empty ones included. */
export function text(maxLength: number): Shape<string> {
  return shape({ kind: 'text', most: maxLength }, (value) =>
    typeof value === 'string' && value.length <= maxLength
      ? value
      : fail(`a text of at most ${maxLength} characters`),
  );
}

/** A text of that pattern. Ids are keys of plain objects, so the names that every object has by birth are none. */
export function matching(pattern: RegExp, what: string): Shape<string> {
  const plain = {};
  return shape({ kind: 'matching', what, pattern: pattern.source }, (value) =>
    typeof value === 'string' && pattern.test(value) && !(value in plain) ? value : fail(what),
  );
}

/** A whole number from `min` to `max`, by default any that a double holds exactly. */
export function whole(min = 0, max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return shape({ kind: 'whole', least: min, most: max }, (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : fail(`a whole number from ${min} to ${max}`),
  );
}

/** A length of time: finite, not negative. */
export function duration(): Shape<number> {
  return shape({ kind: 'duration' }, (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
      ? value
      : fail('a duration in milliseconds'),
  );
}

/** A number of that shape, which counts as `most` where it is greater. */
export function atMost(of: Shape<number>, most: number): Shape<number> {
  return shape(of.form, (value) => Math.min(of(value), most));
}

/** `true` or `false`, and nothing that converts to them. */
export function flag(): Shape<boolean> {
  return shape({ kind: 'flag' }, (value) => (typeof value === 'boolean' ? value : fail('true or false')));
}

/** One of these texts, exactly. */
export function oneOf<const T extends string>(...values: readonly T[]): Shape<T> {
  return shape(
    { kind: 'one-of', values },
    (value) => values.find((one) => one === value) ?? fail(`one of ${values.join(', ')}`),
  );
}

/** That, or `null`; a field that is left out doesn't pass. */
export function nullable<T>(of: Shape<T>): Shape<T | null> {
  return shape({ kind: 'nullable', of: of.form }, (value) => (value === null ? null : of(value)));
}

/** At most so many of these, none included. What stands in it is replaced by what was checked. */
export function list<T>(of: Shape<T>, maxLength: number): Shape<readonly T[]> {
  return shape({ kind: 'list', of: of.form, most: maxLength }, (value) => {
    if (!Array.isArray(value) || value.length > maxLength) return fail(`a list of at most ${maxLength}`);
    let index = 0;
    try {
      for (; index < value.length; index += 1) value[index] = of(value[index]);
    } catch (error) {
      throw within(error, `[${index}]`);
    }
    return value;
  });
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Values<S extends Shapes> = { readonly [K in keyof S]: S[K] extends Shape<infer T> ? T : never };

/** An object with these fields; others are dropped, so that a newer version may add some. */
export function object<S extends Shapes>(shapes: S): Shape<Values<S>>;
/** The same, and fields that may be missing. */
export function object<S extends Shapes, O extends Shapes>(
  shapes: S,
  optional: O,
): Shape<Values<S> & Partial<Values<O>>>;
/** Fields are checked in place, in the order given here; the first that doesn't fit is the fault. */
export function object(shapes: Shapes, optional: Shapes = {}): Shape<unknown> {
  const all = Object.entries({ ...shapes, ...optional });
  const required = Object.keys(shapes).length;
  const form: Form = { kind: 'object', required: formsOf(shapes), optional: formsOf(optional) };
  return shape(form, (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('an object');
    const fields = value as Record<string, unknown>; // any object is one of unknown fields
    let known = 0;
    let place = 0;
    try {
      for (const [name, one] of all) {
        const field = fields[name];
        if (place < required || field !== undefined) {
          const checked = one(field);
          if (checked !== field) fields[name] = checked;
          known += 1;
        }
        place += 1;
      }
    } catch (error) {
      throw within(error, `.${all[place]?.[0]}`);
    }
    return Object.keys(fields).length === known ? fields : onlyKnown(fields, all);
  });
}

/** An object whose `kind` says which of the shapes it has. */
export function union<T>(shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  return shape({ kind: 'union', of: formsOf(shapes) }, (value) => {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
    const one = typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
    if (one !== undefined) return one(value);
    throw within(new ShapeFault(`one of ${Object.keys(shapes).join(', ')}`), '.kind');
  });
}

function shape<T>(form: Form, read: (value: unknown) => T): Shape<T> {
  return Object.assign(read, { form });
}

function formsOf(shapes: Shapes): Forms {
  return Object.fromEntries(Object.entries(shapes).map(([name, one]) => [name, one.form]));
}

function onlyKnown(
  fields: Readonly<Record<string, unknown>>,
  all: readonly (readonly [string, unknown])[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    all.flatMap(([name]) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  );
}

function fail(expected: string): never {
  throw new ShapeFault(expected);
}

function within(error: unknown, part: string): unknown {
  if (error instanceof ShapeFault) error.path = part + error.path;
  return error;
}

function describe({ path, expected }: ShapeFault): string {
  return `${path === '' ? 'the whole' : path.replace(/^\./, '')}: expected ${expected}`;
}
