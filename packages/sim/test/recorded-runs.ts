/** Runs of the simulated world, recorded as an agent records: the bytes of each segment. */
import { deflateRawSync } from 'node:zlib';
import type { HostCore, HostTurn, Input, NodeId, RecorderPort } from '@failtome/protocol';
import {
  type BundledFile,
  DEFLATING,
  folderOf,
  frameOf,
  MAGIC,
  packBundle,
  RECORDING_FORMAT,
  RECORDING_VERSION,
  SegmentWriter,
} from '@failtome/recording';

/** A segment as its file has it. */
export interface RecordedSegment {
  readonly node: NodeId;
  readonly run: string;
  readonly bytes: Buffer;
}

/** What records, and what has been recorded. */
export interface Recordings {
  readonly recorderOf: (node: NodeId, run: string) => RecorderPort;
  readonly segments: () => readonly RecordedSegment[];
}

/** @param inputsEach how many inputs a segment has */
export function recordings(inputsEach: number, failtome = '0.0.0-test'): Recordings {
  const made: { readonly node: NodeId; readonly run: string; readonly writer: SegmentWriter }[] = [];
  return {
    recorderOf: (node, run) => recorder(node, run),
    segments: () =>
      made.map(({ node, run, writer }) => {
        const text = Buffer.from(writer.take());
        return { node, run, bytes: Buffer.concat([MAGIC, frameOf(text, deflateRawSync(text, DEFLATING))]) };
      }),
  };

  function recorder(node: NodeId, run: string): RecorderPort {
    let writer: SegmentWriter | null = null;
    let step = 0;
    return {
      takes(input: Input, before: HostCore) {
        if (writer === null || step % inputsEach === 0) {
          const { at, wall } = input;
          const { cluster } = before.state.config;
          const who = { failtome, node: process.version, cluster, id: node, run };
          writer = new SegmentWriter(
            { format: RECORDING_FORMAT, version: RECORDING_VERSION, ...who, step, at, wall, lost: 0 },
            before,
          );
          made.push({ node, run, writer });
        }
        step += 1;
        writer.input(input);
      },
      made(turn: HostTurn) {
        writer?.made(turn);
      },
    };
  }
}

/** A bundle of them, as its file. */
export async function packed(segments: readonly RecordedSegment[]): Promise<Buffer> {
  const nodes = [...new Set(segments.map(({ node }) => node))].sort();
  const files = segments.map(
    ({ node, bytes }, index): BundledFile => ({
      name: `${folderOf(node)}/recordings/${String(index).padStart(10, '0')}.recording`,
      content: bytes,
    }),
  );
  const told = nodes.map((id) => ({
    id,
    url: `http://${id}`,
    version: '0.0.0-test',
    aheadMs: 0,
    withinMs: 1,
  }));
  const about = { failtome: '0.0.0-test', cluster: 'web', madeAt: 1, since: 0, nodes: told, missing: [] };
  return packBundle(about, files);
}
