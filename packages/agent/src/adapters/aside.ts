/**
 * Files of the state directory that don't count, kept under another name: what can't be read is never thrown away, and
 * what belongs to another node may be missed there.
 */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './durable-file.ts';

/** How many files of one name and reason are kept aside; the oldest goes when there are more. */
export const MAX_ASIDE: number = 8;

/** Why a file doesn't count; a part of its new name. */
export type AsideReason = 'unreadable' | 'foreign';

/** What has become of the file: its new name, or why it has none. */
export type Aside =
  | { readonly kind: 'kept'; readonly name: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Give the file its new name. Never throws. */
export async function setAside(stateDir: string, file: string, reason: AsideReason): Promise<Aside> {
  try {
    const aside = await asideFiles(stateDir, file, reason);
    const name = `${file}.${reason}-${(aside.at(-1)?.number ?? 0) + 1}`;
    await rename(join(stateDir, file), join(stateDir, name));
    for (const old of aside.slice(0, Math.max(0, aside.length - MAX_ASIDE + 1))) {
      await rm(join(stateDir, old.name), { force: true, recursive: true });
    }
    return { kind: 'kept', name };
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? { kind: 'nothing' } : { kind: 'failed', error };
  }
}

/** Oldest first. */
export async function asideFiles(
  stateDir: string,
  file: string,
  reason: AsideReason,
): Promise<readonly { readonly name: string; readonly number: number }[]> {
  const names = await readdir(stateDir).catch(() => []);
  const beginning = `${file}.${reason}-`;
  return names
    .flatMap((name) => {
      const number = name.startsWith(beginning) ? name.slice(beginning.length) : '';
      return /^\d{1,9}$/.test(number) ? [{ name, number: Number(number) }] : [];
    })
    .sort((a, b) => a.number - b.number);
}
