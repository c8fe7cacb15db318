/** What an agent records of its inputs, as bytes, and how that is read again. */

export {
  type Bundle,
  type BundledFile,
  type BundledNode,
  type BundleManifest,
  folderOf,
  MAX_BUNDLE_BYTES,
  packBundle,
  readBundle,
} from './bundle.ts';
export { NO_OUTCOME, toldIn, withOutcome } from './digest.ts';
export { DEFLATING, dictionaryAfter, frameOf, MAGIC, MAX_FRAME_TEXT } from './frames.ts';
export {
  checkLine,
  endOfLine,
  LineWriter,
  RECORDING_FORMAT,
  RECORDING_VERSION,
  type RecordedLine,
  type SegmentHead,
} from './lines.ts';
export { coreOf, type Difference, type ReplayEnd, type ReplayedStep, replaySegment } from './replay.ts';
export { readSegment, type Segment } from './segment.ts';
export { type SegmentStart, SegmentWriter } from './segment-writer.ts';
