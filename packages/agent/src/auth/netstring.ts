/** A text with its length in front (D. J. Bernstein, "Netstrings"), so that texts in a row can be read in one way only. */
export function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}
