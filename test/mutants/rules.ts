/** The rules of PROTOCOL.md that are numbered or have a row in one of its tables, by name. */

/** `I1`, `L1`, `gate role`, `answer lent`, `freshness 1`, `move 1`, `host 1`. */
export function rulesIn(protocol: string): readonly string[] {
  return [
    ...Array.from(protocol.matchAll(/^- \*\*(I\d+)\*\*/gm), ([, id]) => id ?? ''),
    ...Array.from(section(protocol, 'Invariants').matchAll(/\*\*(L\d+)\*\*/g), ([, id]) => id ?? ''),
    ...rows(section(protocol, 'The takeover rule'), 0).map((gate) => `gate ${gate}`),
    ...rows(section(protocol, 'Ballots'), 1).map((code) => `answer ${code}`),
    ...numbered(section(protocol, 'Large clusters', '###')).map((n) => `large ${n}`),
    ...numbered(section(protocol, 'Freshness of messages')).map((n) => `freshness ${n}`),
    ...numbered(section(protocol, 'The relay')).map((n) => `relay ${n}`),
    ...numbered(section(protocol, 'The arbiter')).map((n) => `arbiter ${n}`),
    ...numbered(section(protocol, 'The move')).map((n) => `move ${n}`),
    ...numbered(section(protocol, "The host's duties")).map((n) => `host ${n}`),
  ];
}

/** Duties that are kept outside of the protocol's own code: by the adapters, and by the simulator's ports. */
export const ELSEWHERE: readonly string[] = ['host 4', 'host 5', 'host 6', 'host 7', 'host 8'];

function section(protocol: string, heading: string, level: '##' | '###' = '##'): string {
  const [, after] = protocol.split(`\n${level} ${heading}\n`);
  if (after === undefined) throw new Error(`there is no section ${heading}`);
  return after.split(/\n##+ /)[0] ?? '';
}

/** The codes in one column of the section's table. */
function rows(text: string, column: number): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const cell = line.startsWith('|') ? line.split('|')[column + 1]?.trim() : undefined;
    const [, code] = /^`([a-z-]+)`$/.exec(cell ?? '') ?? [];
    return code === undefined ? [] : [code];
  });
}

function numbered(text: string): readonly string[] {
  return Array.from(text.matchAll(/^(\d+)\. /gm), ([, n]) => n ?? '');
}
