/**
 * AWS's answers, looked at before the SDK reads them.
 *
 * The SDK keeps whatever comes, and its XML parser takes seconds where an answer is large, calls itself for each level
 * of nesting, and takes time by the square of the number of document type declarations: 400 kB of them held the loop up
 * for half a minute. AWS itself sends none, and its answers are a few levels deep.
 */
import { AnswerTooLargeError } from './answer-bounds.ts';

/** The most bytes of an answer in XML (EC2, SNS, STS). About 1,500 addresses, and half a second in the parser. */
export const MAX_XML_BYTES: number = 1_048_576;

/** The most bytes of any other answer. OpsWorks tells each stack's custom JSON. */
export const MAX_BODY_BYTES: number = 4_194_304;

/** The deepest nesting of an answer in XML; DescribeAddresses has five levels. */
export const MAX_XML_DEPTH = 64;

/** The code of an answer that isn't one of AWS's. */
const HOSTILE_ANSWER_CODE = 'HostileAnswer';

class HostileAnswerError extends Error {
  readonly code = HOSTILE_ANSWER_CODE;
}

/** What of the SDK's stack of middleware is needed here. */
interface Stack {
  add(middleware: Middleware, options: { step: 'deserialize'; name: string; priority: 'low' }): void;
}
type Middleware = <Args, Output>(next: (args: Args) => Promise<Output>) => (args: Args) => Promise<Output>;

/** For the clients, and for those that the SDK makes itself to get credentials. */
export const boundedAnswers = {
  applyToStack(stack: Stack): void {
    // The lowest priority of the step stands nearest to the wire, so that the SDK's own reading comes after it.
    stack.add(
      (next) => async (args) => {
        const output = await next(args);
        if (typeof output === 'object' && output !== null && 'response' in output)
          await readWhole(output.response);
        return output;
      },
      { step: 'deserialize', name: 'boundedAnswers', priority: 'low' },
    );
  },
};

/** Replace the stream by what came through it. @throws HostileAnswerError, AnswerTooLargeError, or the stream's error */
async function readWhole(response: unknown): Promise<void> {
  if (typeof response !== 'object' || response === null || !('body' in response)) return;
  const { body } = response;
  if (!isStream(body)) return;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES)
      throw new AnswerTooLargeError(`the answer has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(Buffer.concat(chunks));
  checkXml(whole);
  Object.assign(response, { body: whole });
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/**
 * Refuse XML that no AWS service sends. Other text passes.
 *
 * @throws HostileAnswerError, AnswerTooLargeError
 */
export function checkXml(bytes: Uint8Array): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!/^\s*</.test(text.slice(0, 1_024))) return;
  if (bytes.length > MAX_XML_BYTES)
    throw new AnswerTooLargeError(`the answer has more than ${MAX_XML_BYTES} bytes of XML`);
  if (/<!doctype/i.test(text)) throw new HostileAnswerError('the answer declares a document type');
  let depth = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const next = text[at + 1];
    if (next === '!' || next === '?') continue;
    if (next === '/') depth -= 1;
    else if (!closesItself(text, at)) depth += 1;
    if (depth > MAX_XML_DEPTH)
      throw new HostileAnswerError(`the answer is nested deeper than ${MAX_XML_DEPTH} levels`);
  }
}

/** A tag has no more characters than this before its end is looked for no further: the search must stay linear. */
const MAX_TAG_CHARS = 4_096;

function closesItself(text: string, at: number): boolean {
  const tag = text.slice(at, at + MAX_TAG_CHARS);
  const end = tag.indexOf('>');
  return end > 0 && tag[end - 1] === '/';
}
