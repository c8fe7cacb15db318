/** IPv6 addresses as numbers of sixteen bits, as far as subnets need them (RFC 4291; the text of RFC 5952). */

/** Whether an address is one of IPv6. */
export function isIpv6(ip: string): boolean {
  return ip.includes(':');
}

/** The one form of an address (RFC 5952), so that equal addresses are equal texts. It has no embedded IPv4 address. */
export function canonicalIpv6(ip: string): string {
  return textOf(groupsOf(ip));
}

/** The /64 that an address is in, as every subnet of the model has one: what a subnet's CIDR block is by default. */
export function ipv6BlockOf(ip: string): string {
  return `${textOf([...groupsOf(ip).slice(0, 4), 0, 0, 0, 0])}/64`;
}

/** An address of the same /64, by the number that is its last group. */
export function ipv6Beside(ip: string, last: number): string {
  return textOf([...groupsOf(ip).slice(0, 4), 0, 0, 0, last]);
}

/** The eight groups of an address without an embedded IPv4 address. */
function groupsOf(ip: string): readonly number[] {
  const [head = '', tail] = ip.split('::', 2);
  const parse = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return parse(head);
  const [before, after] = [parse(head), parse(tail)];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

/** RFC 5952: the longest run of two zeros or more, the first of equals, is left out. */
function textOf(groups: readonly number[]): string {
  let [from, length] = [0, 1];
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === 0) end += 1;
    if (end - start > length) [from, length] = [start, end - start];
  }
  const hex = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}
