/**
 * So many of something, for people: `1 node`, `2 nodes`, `0 entries`.
 *
 * @param noun in the singular; `plural` where that isn't the noun with an s
 */
export function counted(count: number, noun: string, plural?: string): string {
  return `${count} ${nounFor(count, noun, plural)}`;
}

/** The noun alone, for a number that is written in another way. */
export function nounFor(count: number, noun: string, plural = `${noun}s`): string {
  return count === 1 ? noun : plural;
}
