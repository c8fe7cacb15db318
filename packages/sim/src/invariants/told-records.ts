/**
 * I27: one version of a node's record has one content. Peers that have acknowledged a version don't get it again: what changed
 * under it they would never learn. The explorer can't judge this: it numbers versions anew as it goes.
 */
import type { AddressRecord, EpisodeRecord, NodeRecord } from '@failtome/protocol';
import { broken, type EventOf, type Judged } from './events.ts';

/** What a run has told of itself, and by which version. */
export interface ToldRecord {
  readonly version: number;
  readonly node: NodeRecord;
}

/**
 * Judge one message of a run: whether it tells something else under a version that the run has told before.
 *
 * @param told what it has told last; null: nothing yet
 */
export function judgeTold(told: ToldRecord | null, event: EventOf<'said'>): Judged<ToldRecord | null> {
  const { node, version } = event.message.payload;
  if (node === undefined) return [told];
  if (version !== told?.version) return [{ version, node }];
  const [before, after] = [contentOf(told.node), contentOf(node)];
  if (before === after) return [told];
  const at = Math.max(0, [...before].findIndex((char, i) => char !== after[i]) - 40);
  const part = (text: string): string => text.slice(at, at + 80);
  const what = `version ${version} of its record with ${part(before)}, and again with ${part(after)}`;
  return [told, broken('I27', `${event.by.run} told ${what}`)];
}

/** Without what time alone changes. */
function contentOf({ addresses, handovers, ...rest }: NodeRecord): string {
  return JSON.stringify({
    ...rest,
    addresses: addresses.map(addressContent),
    handovers: handovers.map(({ ttlMs: _, ...one }) => one),
  });
}

function addressContent({ holder, changes, episode, ...rest }: AddressRecord): unknown {
  return {
    ...rest,
    holder: holder === null ? null : { ...holder, ageMs: 0 },
    changes: changes.length,
    episode: episode === undefined ? null : episodeContent(episode),
  };
}

function episodeContent({ tries, upWall: _, ...rest }: EpisodeRecord): unknown {
  return { ...rest, tries: tries.map((one) => ({ ...one, ageMs: 0 })) };
}
