/**
 * Reads JSON whose shape isn't certain: the answering agent may be of another version, so what is missing
 * or of another type counts as not told.
 */

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none where it isn't one. */
export function fieldsOf(value: unknown): Fields {
  // An object with unknown values is just what the type says.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The items of a list; none where it isn't one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, or what stands for a missing one. */
export function textOf(value: unknown, missing = ''): string {
  return typeof value === 'string' ? value : missing;
}

/** A finite number, or null. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The texts of a list. */
export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === 'string');
}
