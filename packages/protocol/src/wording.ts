/**
 * So many of something, for people: `1 node`, `2 nodes`, `0 entries`.
 *
 * @param noun in the singular; `plural` where it isn't the noun with an s
 */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
