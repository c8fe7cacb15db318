/** A segment of a recording, read: one run's inputs from a snapshot on. */
import { textOf } from './frames.ts';
import {
  LineReader,
  RECORDING_FORMAT,
  RECORDING_VERSION,
  type RecordedLine,
  type SegmentHead,
} from './lines.ts';

/** The text of one segment; the recorder begins a new one long before. */
export const MAX_SEGMENT_TEXT: number = 32 * 1_048_576;

/** A segment, as far as it could be read. */
export interface Segment {
  readonly head: SegmentHead;
  /** In the order of the run. They are read one by one, and an unreadable one ends them. */
  readonly lines: Iterable<RecordedLine>;
  /** Why it ends before its end; null: it doesn't. Known only after its lines. */
  readonly torn: () => string | null;
}

/**
 * Read a segment's head.
 *
 * @throws Error when it is none, or of a version that isn't known
 */
export function readSegment(bytes: Buffer): Segment {
  const whole = textOf(bytes, MAX_SEGMENT_TEXT);
  const lines = whole.text.split('\n');
  const head = headIn(lines[0] ?? '');
  let torn = whole.torn;
  return {
    head,
    lines: linesOf(lines, head, (reason) => {
      torn ??= reason;
    }),
    torn: () => torn,
  };
}

function* linesOf(
  lines: readonly string[],
  head: SegmentHead,
  onFault: (reason: string) => void,
): Generator<RecordedLine> {
  const reader = new LineReader(head);
  for (const [index, line] of lines.slice(1).entries()) {
    // After the last line's end there is nothing; of a torn segment half a line.
    if (line === '') continue;
    let read: RecordedLine;
    try {
      read = reader.read(line);
    } catch (error) {
      return onFault(`at line ${index + 2}: ${error instanceof Error ? error.message : String(error)}`);
    }
    yield read;
  }
}

/** @throws Error */
function headIn(line: string): SegmentHead {
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch {
    throw new Error('its first line is no JSON');
  }
  if (typeof head !== 'object' || head === null) throw new Error('its first line is no head');
  const {
    format,
    version,
    failtome,
    node,
    cluster,
    id,
    run,
    step,
    at,
    wall,
    lost,
    config,
    core,
  }: Partial<Record<keyof SegmentHead, unknown>> = head;
  if (format !== RECORDING_FORMAT || typeof version !== 'number')
    throw new Error('its first line is no head');
  if (version > RECORDING_VERSION)
    throw new Error(`it is of version ${version}, and this program knows ${RECORDING_VERSION}`);
  const texts = [failtome, node, cluster, id, run].every(
    (one) => typeof one === 'string' && one.length <= 256,
  );
  const numbers = [step, at, wall, lost].every((one) => Number.isSafeInteger(one));
  const begins = isMap(config) !== isMap(core);
  if (!texts || !numbers || !begins) throw new Error('its head has another form');
  return head as SegmentHead; // looked at just now, but for what only the protocol knows
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
