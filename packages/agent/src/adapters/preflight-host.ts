/**
 * The part of `failtome check` that asks this machine: as whom the check runs and the service does, whether the state
 * directory takes writes, and whether the API could listen. What it tries it takes back.
 */
import { randomUUID } from 'node:crypto';
import { access, constants, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import type { AgentConfig } from '../config/types.ts';
import { errnoOf, writeSynced } from './durable-file.ts';
import { type CheckLine, fail, ok, warn } from './preflight-fix.ts';
import {
  type Obstacle,
  obstacleFor,
  ownUser,
  READ,
  SEARCH,
  type ServiceUser,
  serviceUser,
  type User,
  WRITE,
} from './service-user.ts';

/** As much as the next state document may well need. */
const TRIAL_BYTES = 65_536;

/** Who runs this command, and as whom the service runs; null where that isn't known. */
export interface HostUsers {
  readonly own: User | null;
  readonly service: ServiceUser | null;
}

/** Find out both. */
export async function findUsers(stateDir: string): Promise<HostUsers> {
  const [own, service] = await Promise.all([ownUser(), serviceUser(stateDir)]);
  return { own, service };
}

/** What the files of this configuration are for the user that the service runs as. */
export async function preflightFiles(
  {
    stateDir,
    auth,
    api,
  }: Pick<AgentConfig, 'stateDir' | 'auth'> & {
    readonly api: Pick<AgentConfig['api'], 'readTokenFile' | 'tls'>;
  },
  users?: HostUsers,
): Promise<readonly CheckLine[]> {
  const { own, service } = users ?? (await findUsers(stateDir));
  const whole = resolve(stateDir);
  if (own === null || service === null || own.uid === service.uid) {
    const user =
      own === null ? [] : [ok('user', service === null ? told(own) : `${told(own)}, as the service`)];
    return [...user, await tryStateDir(whole, own)];
  }
  const state = join(whole, 'state.json');
  const [directory, document, secrets] = await Promise.all([
    obstacleFor(service, whole, READ | WRITE | SEARCH),
    obstacleFor(service, state, READ),
    Promise.all([
      secretLines('key file', auth.keyFile, service),
      secretLines('identity file', auth.identity, service),
      secretLines('token file', api.readTokenFile, service),
    ]),
  ]);
  const { tls } = api;
  const paths = tls === null ? [] : [tls.certFile, tls.keyFile, ...(tls.caFile === null ? [] : [tls.caFile])];
  const certificate = await Promise.all(paths.map((path) => obstacleFor(service, path, READ)));
  const unseen = document?.kind === 'missing' ? null : document;
  return [
    userLine(own, service),
    directory === null && unseen !== null
      ? fail('state directory', forbidden(unseen, service), `chown ${service.name} ${state}`)
      : await directoryLine(whole, directory, service),
    ...secrets.flat(),
    ...certificate.flatMap((obstacle, index) =>
      obstacle?.kind === 'forbidden'
        ? [fail('certificate', forbidden(obstacle, service), keyRights(paths[index] ?? '', service))]
        : [],
    ),
  ];
}

/** One that isn't there is told of where it is read. */
async function secretLines(
  name: string,
  path: string | null,
  service: ServiceUser,
): Promise<readonly CheckLine[]> {
  const obstacle = path === null ? null : await obstacleFor(service, path, READ);
  if (path === null || obstacle?.kind !== 'forbidden') return [];
  return [fail(name, forbidden(obstacle, service), keyRights(path, service))];
}

function told({ name, uid }: User): string {
  return name === `uid ${uid}` ? name : `${name} (uid ${uid})`;
}

function userLine(own: User, service: ServiceUser): CheckLine {
  return warn(
    'user',
    `this check runs as ${told(own)}, and the service as ${told(service)}: ${service.because}`,
    `Run the check as the service's user, with its environment: sudo -u ${service.name} failtome check …`,
  );
}

function keyRights(path: string, service: User): string {
  return `Let ${service.name} read it: chgrp ${service.gids[0] ?? service.name} ${path} && chmod 0640 ${path}`;
}

function forbidden(obstacle: Exclude<Obstacle, null>, service: User): string {
  if (obstacle.kind === 'missing') return `${obstacle.path} does not exist`;
  return `${told(service)}, as whom the service runs, may not use ${obstacle.path}: ${obstacle.owner}`;
}

async function directoryLine(whole: string, obstacle: Obstacle, service: ServiceUser): Promise<CheckLine> {
  const name = 'state directory';
  if (obstacle === null) return ok(name, `${whole} is open to ${told(service)}`);
  if (obstacle.kind === 'missing') {
    const made = service.stateDirectories.some((each) => `/var/lib/${each}` === whole);
    const above = made ? null : await obstacleFor(service, await nearest(whole), WRITE | SEARCH);
    if (above === null) return ok(name, `${whole} is made at the start`);
    return fail(name, forbidden(above, service), `install -d -m 0700 -o ${service.name} ${whole}`);
  }
  return fail(name, forbidden(obstacle, service), rightsFor(whole, service.name));
}

function rightsFor(directory: string, user: string): string {
  return `Give ${user} the directory: chown -R ${user} ${directory} && chmod 0700 ${directory}`;
}

/** The nearest directory above that exists. */
async function nearest(path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path) return path;
  try {
    await stat(parent);
    return parent;
  } catch {
    return nearest(parent); // not there either
  }
}

/** Write, sync and remove a file of the check's own; the state itself is left alone. */
async function tryStateDir(directory: string, own: User | null): Promise<CheckLine> {
  const name = 'state directory';
  const user = own?.name ?? 'this user';
  let acted = directory;
  try {
    const found = await stat(directory).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (found === null) {
      acted = await nearest(directory);
      await access(acted, constants.W_OK | constants.X_OK);
      return ok(name, `${directory} is made at the start`);
    }
    if (!found.isDirectory())
      return fail(name, `${directory} is no directory`, 'Set stateDir to a directory.');
    const trial = join(directory, `.check-${randomUUID()}`);
    try {
      await writeSynced(trial, ' '.repeat(TRIAL_BYTES));
    } finally {
      await rm(trial, { force: true });
    }
    acted = join(directory, 'state.json');
    await access(acted, constants.R_OK).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
    return ok(name, `${directory} takes writes`);
  } catch (error) {
    const code = errnoOf(error);
    return fail(name, `${acted} can't be used by ${user}: ${code}`, stateFix(code, acted, user));
  }
}

function stateFix(code: string, path: string, user: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return rightsFor(path, user);
    case 'EROFS':
      return `The file system of ${path} is mounted read-only: mount it for writing, or set stateDir elsewhere.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `Make room on the file system of ${path}.`;
    case 'ENOTDIR':
      return `A part of ${path} is a file: set stateDir to a directory.`;
    default:
      return `See what is wrong with ${path}, or set stateDir elsewhere.`;
  }
}

/** Whether the API could listen; the errno where it couldn't. Nothing is accepted meanwhile. */
export function tryListening({ host, port }: AgentConfig['api']['listen']): Promise<'free' | string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => resolve(errnoOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}
