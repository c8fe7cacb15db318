/**
 * The bytes of a segment: a magic line, then frames. A frame is a head of three numbers (the length of its text, its own
 * length, the CRC-32 of its text; 32 bits each, little-endian) and the text, deflated with the text before it as the
 * dictionary. So a frame that was torn is seen, and everything before it can be read.
 */
import { crc32, inflateRawSync } from 'node:zlib';

/** How a segment begins. */
export const MAGIC: Buffer = Buffer.from('failtome-recording 1\n');

/** So much of what came before serves as the dictionary: all that deflate can use. */
export const DICTIONARY_BYTES = 32_768;

/** The text of one frame; a larger one was never written. */
export const MAX_FRAME_TEXT: number = 4 * 1_048_576;

const HEAD_BYTES = 12;

/** How every frame is deflated. */
export const DEFLATING: { readonly level: number } = { level: 6 };

/** A frame's bytes. */
export function frameOf(text: Buffer, deflated: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(deflated.length, 4);
  head.writeUInt32LE(crc32(text), 8);
  return Buffer.concat([head, deflated]);
}

/** The end of what was written, as the next frame's dictionary. */
export function dictionaryAfter(before: Buffer, text: Buffer): Buffer {
  if (text.length >= DICTIONARY_BYTES) return text.subarray(-DICTIONARY_BYTES);
  return Buffer.concat([before, text]).subarray(-DICTIONARY_BYTES);
}

/** What a segment says; `torn`: why it ends before its end, or null. */
export interface SegmentText {
  readonly text: string;
  readonly torn: string | null;
}

/**
 * The text of a segment, as far as it is whole.
 *
 * @param maxText more is refused
 * @throws Error when it is no segment, or larger than it may be
 */
export function textOf(bytes: Buffer, maxText: number): SegmentText {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Error('it does not begin as a recording does');
  const texts: Buffer[] = [];
  let length = 0;
  let dictionary = Buffer.alloc(0);
  let torn: string | null = null;
  for (let offset = MAGIC.length; offset < bytes.length; ) {
    const frame = frameAt(bytes, offset, dictionary);
    if (typeof frame === 'string') {
      torn = `at byte ${offset}: ${frame}`;
      break;
    }
    length += frame.text.length;
    if (length > maxText) throw new Error(`it holds more than ${maxText} bytes of text`);
    texts.push(frame.text);
    dictionary = Buffer.from(dictionaryAfter(dictionary, frame.text));
    offset = frame.end;
  }
  return { text: Buffer.concat(texts).toString('utf8'), torn };
}

/** A frame, or why there is none. */
function frameAt(
  bytes: Buffer,
  offset: number,
  dictionary: Buffer,
): { readonly text: Buffer; readonly end: number } | string {
  if (offset + HEAD_BYTES > bytes.length) return 'half a head of a frame';
  const textLength = bytes.readUInt32LE(offset);
  const end = offset + HEAD_BYTES + bytes.readUInt32LE(offset + 4);
  if (textLength > MAX_FRAME_TEXT)
    return `a frame claims ${textLength} bytes of text, more than ${MAX_FRAME_TEXT}`;
  if (end > bytes.length) return 'half a frame';
  try {
    const text = inflateRawSync(bytes.subarray(offset + HEAD_BYTES, end), {
      maxOutputLength: Math.max(textLength, 1),
      ...(dictionary.length === 0 ? {} : { dictionary }),
    });
    if (text.length !== textLength) return 'a frame of another length than it claims';
    return crc32(text) === bytes.readUInt32LE(offset + 8) ? { text, end } : 'a frame with another checksum';
  } catch {
    return 'a frame that can not be inflated';
  }
}
