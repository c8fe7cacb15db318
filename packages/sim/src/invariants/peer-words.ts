/** What a peer has said of itself, as one run has read it, and which of two runs with its id says what counts. */
import type { Envelope } from '@failtome/protocol';
import type { RunView } from './events.ts';
import type { PeerWord } from './run-history.ts';

/** The most replaced sessions of one peer that are known. */
const MAX_REPLACED = 16;

const NEW_WORD: PeerWord = {
  speaker: '',
  replaced: [],
  session: '',
  version: 0,
  heardMs: 0,
  readMs: 0,
  unfitMs: null,
};

/** Whether this run waits for the answer. One that is later than a peer may be silent is waited for no more, and says nothing of now. */
export function isAwaited(by: RunView, { session, seq }: NonNullable<Envelope['re']>): boolean {
  const state = by.state();
  return session === state.session && state.pendingSends.some((send) => send.seq === seq);
}

/** A peer's word with another message. That it is unfit counts for it however it came; that it is fit only when it was taken in. */
export function wordAfter(
  before: PeerWord = NEW_WORD,
  { session, payload }: Envelope,
  takenIn: boolean,
  readMs: number,
  times: { readonly heardMs: number },
): PeerWord {
  const { speaker, replaced } = takenIn ? withSpeaker(before, session) : before;
  const word = {
    speaker,
    replaced,
    session: before.session,
    version: before.version,
    heardMs: times.heardMs,
    readMs: before.readMs,
    unfitMs: before.unfitMs,
  };
  if (payload.node !== undefined) {
    const unfit = payload.node.fit === 'unfit';
    if (unfit) word.unfitMs ??= times.heardMs;
    const isNewer = session === word.session ? payload.version > word.version : readMs >= word.readMs;
    if (isNewer && (unfit || takenIn)) {
      word.session = session;
      word.version = payload.version;
      word.readMs = readMs;
    }
    if (isNewer && !unfit && takenIn) word.unfitMs = null;
  }
  return word;
}

/** Two runs with one id take turns: the one that comes back counts again. */
function withSpeaker(word: PeerWord, session: string): Pick<PeerWord, 'speaker' | 'replaced'> {
  const { speaker, replaced } = word;
  if (speaker === session) return word;
  const others = [...replaced, speaker].filter((one) => one !== '' && one !== session);
  return { speaker: session, replaced: others.slice(-MAX_REPLACED) };
}
