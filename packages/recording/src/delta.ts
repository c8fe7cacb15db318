/**
 * Plain data as its difference from other plain data of the same shape. Inputs of one kind from one peer differ in a few
 * numbers, which mostly grow by the same; such a difference is short, and alike each time.
 */

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * A difference: a number is added to a whole number, `[value]` takes the place of what was there, and a map changes the
 * named parts and leaves the others. An empty map changes nothing.
 */
export type Delta = number | readonly [Json] | { readonly [name: string]: Delta };

/** Deeper than this is no input. */
const MAX_DEPTH = 32;

/** From `before` to `after`. Whatever `patched` makes of it has the same JSON as `after`, with its names in the same order. */
export function deltaOf(before: Json | undefined, after: Json): Delta {
  return differenceOf(before, after) ?? {};
}

/** Null: they are the same. */
function differenceOf(before: Json | undefined, after: Json): Delta | null {
  if (before === after) return null;
  if (typeof before === 'number' && typeof after === 'number') {
    const sum = after - before;
    // Only so far is arithmetic exact.
    const isExact = Number.isSafeInteger(before) && Number.isSafeInteger(after) && Number.isSafeInteger(sum);
    return isExact && sum !== 0 ? sum : [after];
  }
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) return [after];
  const names = Object.keys(after);
  const known = Object.keys(before);
  if (names.length !== known.length) return [after];
  const parts: [string, Delta][] = [];
  for (const [index, name] of names.entries()) {
    if (known[index] !== name) return [after];
    const [last, next] = [partOf(before, name), partOf(after, name)];
    // JSON leaves out what is undefined, and a difference couldn't.
    if (last === undefined || next === undefined) return [after];
    const part = differenceOf(last, next);
    if (part !== null) parts.push([name, part]);
  }
  return parts.length === 0 ? null : Object.fromEntries(parts);
}

/**
 * Undoes `deltaOf`.
 *
 * @throws Error when the difference doesn't fit what it is applied to
 */
export function patched(before: Json | undefined, delta: unknown, depth = 0): Json {
  if (depth > MAX_DEPTH) throw new Error('a difference is nested too deeply');
  if (typeof delta === 'number') {
    if (typeof before !== 'number') throw new Error('a number is added to something that is none');
    return before + delta;
  }
  if (Array.isArray(delta)) {
    if (delta.length !== 1) throw new Error('a value has to stand alone');
    return delta[0] as Json; // It was JSON.
  }
  if (typeof delta !== 'object' || delta === null)
    throw new Error('a difference is a number, a list or a map');
  const changes = new Map(Object.entries(delta));
  if (changes.size === 0 && before !== undefined) return before;
  if (!isTree(before)) throw new Error('parts are changed of something that has none');
  const entries = Object.entries(before).map(([name, part]): [string, Json] => {
    const change: unknown = changes.get(name);
    changes.delete(name);
    return [name, change === undefined ? part : patched(part, change, depth + 1)];
  });
  if (changes.size > 0) throw new Error('a part is changed that is not there');
  return Array.isArray(before) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

type Tree = readonly Json[] | { readonly [name: string]: Json };

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null;
}

/** Own parts alone: a node may be called `__proto__`. */
function partOf(tree: Tree, name: string): Json | undefined {
  return Object.hasOwn(tree, name) ? (tree as Readonly<Record<string, Json>>)[name] : undefined;
}
