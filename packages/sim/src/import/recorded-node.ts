/** What a bundle has of each node's runs: their segments in order, and what is wrong with them. */
import { type Bundle, folderOf, type RecordedLine, readSegment, type SegmentHead } from '@failtome/recording';

/** A segment, with its lines read once for all. */
export interface ReadSegment {
  readonly name: string;
  readonly head: SegmentHead;
  readonly lines: readonly RecordedLine[];
}

/** One run of one node's agent, as far as it was recorded. */
export interface RecordedRunOfNode {
  readonly node: string;
  readonly run: string;
  readonly segments: readonly ReadSegment[];
}

/** What a bundle has, and what of it can't be used. */
export interface RecordedNodes {
  /** In the order of the wall clock. */
  readonly runs: readonly RecordedRunOfNode[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** The lines of all segments together; more is refused. */
const MAX_LINES = 20_000_000;

/** Read every recording of a bundle. */
export function recordedNodes({ manifest, files }: Bundle): RecordedNodes {
  const problems: string[] = [];
  const runs = new Map<string, ReadSegment[]>();
  let left = MAX_LINES;
  for (const { id } of manifest.nodes) {
    const folder = `${folderOf(id)}/recordings/`;
    for (const [name, bytes] of files) {
      if (!name.startsWith(folder)) continue;
      const segment = segmentIn(name, bytes, left, problems);
      if (segment === null) continue;
      left -= segment.lines.length;
      if (segment.head.id !== id)
        problems.push(`${name} was recorded by ${segment.head.id}, on the same disk`);
      const key = `${segment.head.id} ${segment.head.run}`;
      runs.set(key, [...(runs.get(key) ?? []), segment]);
    }
  }
  const found = [...runs.values()].map((segments): RecordedRunOfNode => {
    const ordered = segments.toSorted((a, b) => a.head.step - b.head.step);
    const { id = '', run = '' } = ordered[0]?.head ?? {};
    return { node: id, run, segments: ordered };
  });
  return { runs: found.toSorted((a, b) => wallOf(a) - wallOf(b)), problems };
}

function wallOf({ segments }: RecordedRunOfNode): number {
  return segments[0]?.head.wall ?? 0;
}

function segmentIn(name: string, bytes: Buffer, most: number, problems: string[]): ReadSegment | null {
  try {
    const { head, lines, torn } = readSegment(bytes);
    const read: RecordedLine[] = [];
    for (const line of lines) {
      if (read.length >= most) throw new Error('together with the others it has too many lines');
      read.push(line);
    }
    const reason = torn();
    if (reason !== null) problems.push(`${name} ends early, ${reason}`);
    return { name, head, lines: read };
  } catch (error) {
    problems.push(`${name} can't be read: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
