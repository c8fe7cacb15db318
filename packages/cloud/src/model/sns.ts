import { snsErrors } from './errors.ts';
import type { Caller } from './names.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import type { AwsOutcome, GetTopicAttributes, Publish } from './requests.ts';
import { type AwsState, draw, uuidOf } from './state.ts';

/** SNS API Reference, Publish: a subject is ASCII, has no line break or control character, and is this long at most. */
export const subjectBound = 100;

/** SNS API Reference, Publish: 256 KiB at most, and something. */
export const messageBoundBytes = 262_144;

/** SNS API Reference, Publish. */
export function publish(state: AwsState, request: Publish, by: Caller, atMs: number): Applied {
  if (!state.topics.has(request.topicArn)) return unchanged(state, refused(snsErrors.topicNotFound()));
  const { topicArn, subject, message } = request;
  if (message.length === 0) return unchanged(state, refused(snsErrors.invalidParameter('Empty message')));
  if (utf8Bytes(message) > messageBoundBytes) {
    return unchanged(state, refused(snsErrors.invalidParameter('Message too long')));
  }
  if (subject !== null && !isSubject(subject)) {
    return unchanged(state, refused(snsErrors.invalidParameter('Subject')));
  }
  const [number, numbered] = draw(state, 'message');
  const messageId = uuidOf(2, number);
  return {
    state: numbered,
    outcome: done({ action: request.action, messageId }),
    events: [{ kind: 'published', atMs, by, messageId, topicArn, subject, message }],
  };
}

/** SNS API Reference, GetTopicAttributes. */
export function getTopicAttributes(state: AwsState, { action, topicArn }: GetTopicAttributes): AwsOutcome {
  if (!state.topics.has(topicArn)) return refused(snsErrors.topicNotFound());
  return done({ action, topicArn, owner: state.config.accountId });
}

function isSubject(subject: string): boolean {
  return subject.length <= subjectBound && /^[!-~][ -~]*$/.test(subject);
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
