/**
 * I27: one version of a node's record has one content. Peers that have acknowledged a version don't get it again: what changed
 * under it they would never learn. The explorer can't judge this: it numbers versions anew as it goes.
 */
import type { NodeRecord } from '@failtome/protocol';
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
  if (isSame(told.node, node)) return [told];
  const text = (said: NodeRecord): string => JSON.stringify(said, withoutTime);
  const [before, after] = [text(told.node), text(node)];
  const at = Math.max(0, [...before].findIndex((char, i) => char !== after[i]) - 40);
  const part = (text: string): string => text.slice(at, at + 80);
  const what = `version ${version} of its record with ${part(before)}, and again with ${part(after)}`;
  return [told, broken('I27', `${event.by.run} told ${what}`)];
}

/** What a record tells under a name, without what time alone changes. Of the changes their number stays. */
function withoutTime(name: string, value: unknown): unknown {
  if (name === 'ageMs' || name === 'ttlMs' || name === 'upWall') return undefined;
  return name === 'changes' && Array.isArray(value) ? value.length : value;
}

/** Whether two parts of records tell the same: as their JSON would without time, and without the making of it. */
function isSame(one: unknown, other: unknown): boolean {
  if (!isParted(one) || !isParted(other)) return one === other;
  for (const name in one)
    if (!isSame(withoutTime(name, one[name]), withoutTime(name, other[name]))) return false;
  for (const name in other)
    if (one[name] === undefined && !isSame(undefined, withoutTime(name, other[name]))) return false;
  return true;
}

function isParted(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
