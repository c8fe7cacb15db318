/**
 * Keeps what is recorded, and no more than so much: of a longer run the last part, and before it whatever still held
 * when that part began.
 */
import type { RecordedRun, TraceCut, TraceEnd, TraceEntry, TraceHeader, TraceRecord } from './records.ts';

/** Keeps a trace in memory, within a bound. */
export interface TraceBuffer {
  readonly take: (entry: TraceEntry) => void;
  /** All that was kept. @throws Error before there is a header */
  run(): RecordedRun;
}

/** So much is let go at once, so that it needn't be done often. */
const LET_GO = 1 / 8;

/** @param maxChars about how long the records may be together, as text */
export function createTraceBuffer(maxChars: number): TraceBuffer {
  let header: TraceHeader | null = null;
  let end: TraceEnd | null = null;
  let cut: TraceCut | null = null;
  let lines: string[] = [];
  let chars = 0;
  const held = new Map<string, string>();

  function letGo(): void {
    let count = 0;
    while (chars > maxChars * (1 - LET_GO) && count < lines.length - 1) {
      const line = lines[count] ?? '';
      chars -= line.length;
      count += 1;
      hold(line);
    }
    lines = lines.slice(count);
    const first = recordIn(lines[0] ?? '');
    cut = { kind: 'cut', from: first.n, fromMs: first.at, dropped: (cut?.dropped ?? 0) + count };
  }

  /** What a record says stays true until another one says otherwise. */
  function hold(line: string): void {
    const record = recordIn(line);
    const key = slotOf(record);
    if (key === null) return;
    held.delete(key);
    if (record.kind !== 'fault-ended') held.set(key, line);
  }

  return {
    take(entry) {
      if (entry.kind === 'header') header = entry;
      else if (entry.kind === 'end') end = entry;
      else {
        const line = JSON.stringify(entry);
        lines.push(line);
        chars += line.length;
        if (chars > maxChars) letGo();
      }
    },
    run() {
      if (header === null) throw new Error('nothing was recorded');
      const before = [...held.values()].map(recordIn).sort((a, b) => a.n - b.n);
      const dropped: TraceCut | null = cut === null ? null : { ...cut, dropped: cut.dropped - before.length };
      return { header, cut: dropped, records: [...before, ...lines.map(recordIn)], end };
    },
  };
}

function recordIn(line: string): TraceRecord {
  return JSON.parse(line) as TraceRecord; // it was one when it was kept
}

/** What a record tells the state of; null: of nothing that lasts. */
function slotOf(record: TraceRecord): string | null {
  switch (record.kind) {
    case 'process':
    case 'node':
    case 'haproxy':
      return `${record.kind} ${record.who}`;
    case 'view':
    case 'ladder':
    case 'lease':
      return `${record.kind} ${record.who} ${record.address}`;
    case 'borrowed':
      return `${record.kind} ${record.who} ${record.address} ${record.from}`;
    case 'owner':
      return `${record.kind} ${record.address}`;
    case 'fault':
      return record.lasts ? `fault ${record.fault}` : null;
    case 'fault-ended':
      return `fault ${record.fault}`;
    default:
      return null;
  }
}
