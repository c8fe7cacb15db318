/** What a run has read that its peers say of themselves. */
import type { Envelope } from '@failtome/protocol';
import { copyRun, type PeerWord, type RunHistory, withEntry } from './run-history.ts';

const NEW_WORD: PeerWord = { session: '', version: 0, heardMs: 0, receivedMs: 0, readMs: 0, unfitMs: null };

/** With a message of a peer. A word that it is unfit counts for it however it came; one that it is fit only when it was taken in. */
export function withWord(
  history: RunHistory,
  { from, session, payload }: Envelope,
  takenIn: boolean,
  readMs: number,
  times: { readonly heardMs: number; readonly receivedMs?: number },
): RunHistory {
  const before = history.words[from] ?? NEW_WORD;
  const word = {
    session: before.session,
    version: before.version,
    heardMs: times.heardMs,
    receivedMs: times.receivedMs ?? before.receivedMs,
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
  const after = copyRun(history);
  after.words = withEntry(history.words, from, word);
  return after;
}
