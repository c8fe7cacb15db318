/**
 * Which user the service runs as, and what that user may do with a file.
 *
 * A check by another user than the service's sees other rights, root above all, so what the service would be refused is
 * worked out from owner and mode (POSIX.1-2017, 4.5 "File Access Permissions"). Access lists aren't looked at.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { DurationMs } from '@failtome/protocol';
import { errnoOf } from './durable-file.ts';

const run = promisify(execFile);

const COMMAND_TIMEOUT_MS: DurationMs = 3_000;
const UNIT = 'failtome.service';

/** A user of this machine, with its groups. */
export interface User {
  readonly uid: number;
  readonly name: string;
  /** Primary and supplementary. */
  readonly gids: readonly number[];
}

/** The user as which the service runs. */
export interface ServiceUser extends User {
  /** How it is known that the service runs as this one, for people. */
  readonly because: string;
  /** The directories under /var/lib that systemd makes for the unit. */
  readonly stateDirectories: readonly string[];
}

/** Null where the system doesn't tell, as for a process that was given a bare number. */
export async function ownUser(): Promise<User | null> {
  const uid = process.geteuid?.();
  return uid === undefined ? null : { uid, name: await nameOf(uid), gids: process.getgroups?.() ?? [] };
}

/** The group of the service's files, as its package makes it; null where there is none. */
export async function serviceGroup(): Promise<number | null> {
  const gid = await textOf('id', ['-g', 'failtome']);
  return gid === null ? null : Number(gid);
}

/** The unit's user; without a unit, the owner of the state directory. Null where there is neither. */
export async function serviceUser(stateDir: string): Promise<ServiceUser | null> {
  const unit = await unitProperties();
  const named = unit.get('User') ?? '';
  const stateDirectories = (unit.get('StateDirectory') ?? '').split(' ').filter((name) => name !== '');
  if (unit.get('LoadState') === 'loaded') {
    const user = await userOf(named === '' ? 'root' : named);
    if (user !== null) return { ...user, because: `${UNIT} says so`, stateDirectories };
  }
  try {
    const { uid } = await stat(stateDir);
    const user = await userOf(String(uid));
    return user === null ? null : { ...user, because: `${stateDir} belongs to it`, stateDirectories: [] };
  } catch {
    return null; // Not there yet, or behind a directory that we may not search: then it tells nothing.
  }
}

async function unitProperties(): Promise<ReadonlyMap<string, string>> {
  const output = await textOf('systemctl', ['show', UNIT, '--property=LoadState,User,StateDirectory']);
  return new Map(
    (output ?? '').split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}

async function userOf(nameOrUid: string): Promise<User | null> {
  const [uid, gids] = await Promise.all([textOf('id', ['-u', nameOrUid]), textOf('id', ['-G', nameOrUid])]);
  if (uid === null || gids === null) {
    const bare = /^\d+$/.test(nameOrUid) ? Number(nameOrUid) : null;
    return bare === null ? null : { uid: bare, name: `uid ${bare}`, gids: [] };
  }
  const number = Number(uid);
  return { uid: number, name: await nameOf(number), gids: gids.split(' ').map(Number) };
}

async function nameOf(uid: number): Promise<string> {
  return (await textOf('id', ['-un', String(uid)])) ?? `uid ${uid}`;
}

/** What a program prints; null where it isn't there or fails. */
async function textOf(program: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run(program, [...args], { timeout: COMMAND_TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return null; // The caller goes on without.
  }
}

/** Bits of a mode, for one of owner, group and others. */
export const READ = 4;
/** See `READ`; of a directory, together with `SEARCH`. */
export const WRITE = 2;
/** See `READ`; of a directory: what is in it can be used. */
export const SEARCH = 1;

/** Why a user can't use a path; null where nothing is in the way. */
export type Obstacle =
  | { readonly kind: 'missing'; readonly path: string; readonly parent: string }
  | { readonly kind: 'forbidden'; readonly path: string; readonly owner: string }
  | null;

/** Whether `user` may do `want` with `path`, every directory above it included. */
export async function obstacleFor(
  user: Pick<User, 'uid' | 'gids'>,
  path: string,
  want: number,
): Promise<Obstacle> {
  const whole = resolve(path);
  const parent = dirname(whole);
  if (parent !== whole) {
    const above = await obstacleFor(user, parent, SEARCH);
    if (above !== null) return above;
  }
  try {
    const found = await stat(whole);
    if (permits(found, user, want)) return null;
    return { kind: 'forbidden', path: whole, owner: ownerOf(found) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { kind: 'missing', path: whole, parent };
    return { kind: 'forbidden', path: whole, owner: errnoOf(error) };
  }
}

interface Rights {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function permits({ mode, uid, gid }: Rights, user: Pick<User, 'uid' | 'gids'>, want: number): boolean {
  if (user.uid === 0) return true;
  const shift = user.uid === uid ? 6 : user.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & want) === want;
}

/** For people: `owner uid 0, group gid 998, mode 0640`. */
export function ownerOf({ mode, uid, gid }: Rights): string {
  return `owner uid ${uid}, group gid ${gid}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
}
