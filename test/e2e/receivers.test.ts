/** Whoever is told besides the topic: a real web hook and a real program, down and back, and an agent that dies in between. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, expect } from 'vitest';
import type { YamlObject } from '../../packages/cluster/src/index.ts';
import { scenario } from './support/scenario.ts';

const folder = await mkdtemp(join(tmpdir(), 'failtome-receivers-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const KEY = Buffer.alloc(32, 9).toString('base64');
const keyFile = join(folder, 'hook.key');
await writeFile(keyFile, `${KEY}\n`, { mode: 0o640 });

/** An event as receivers get it. */
interface Told {
  readonly id: string;
  readonly event: string;
  readonly node: string;
  readonly text: string;
}

type Manner = 'accepts' | 'is down' | 'is silent';

/** A web hook on loopback that does as it is told, and what has come to it. */
class Hook {
  manner: Manner = 'accepts';
  readonly came: Told[] = [];
  readonly accepted: Told[] = [];
  readonly #server = createServer((request, response) => void this.#take(request, response));

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    afterAll(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the web hook has no port');
    return `http://127.0.0.1:${address.port}/hooks/s3cret`;
  }

  of(node: string): readonly string[] {
    return this.accepted.filter((told) => told.node === node).map(({ event }) => event);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const told = new Webhook(KEY).verify(body, headers) as Told; // its own form, which unit tests hold it to
    this.came.push(told);
    if (this.manner === 'is silent') return;
    if (this.manner === 'accepts') this.accepted.push(told);
    response.writeHead(this.manner === 'accepts' ? 204 : 503).end();
  }
}

function telling(url: string, more: YamlObject = {}): YamlObject {
  return { notify: { webhook: { name: 'ops', url, keyFile }, ...more } };
}

const book = join(folder, 'program.log');
const program = join(folder, 'tell.sh');
await writeFile(program, '#!/bin/sh\n[ "$2" = paused ] && exit 1\ncat >>"$1"\n');
await chmod(program, 0o755);

async function toldToProgram(): Promise<readonly Told[]> {
  const text = await readFile(book, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Told => JSON.parse(line));
}

const downFirst = new Hook();

scenario(
  'a web hook that is down holds up nobody, and gets everything in order when it is back; a program that fails is told again, and later things after that',
  {
    settings: telling(await downFirst.open(), {
      exec: { command: [program, book] },
      events: { exec: ['taken', 'resumed', 'lost'] },
    }),
  },
  async (scene) => {
    const { cluster } = scene;
    downFirst.manner = 'is down';
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    await cluster.node('saturn').web.start();
    for (const verb of ['pause', 'resume'])
      expect(await scene.command('neptune', verb, '--reason', 'a drill')).toMatchObject({ code: 0 });
    await scene.eventually('the program to be told', async () => (await toldToProgram()).length >= 3);
    await scene.eventually('the web hook to have been tried', () => downFirst.came.length >= 3);
    expect(downFirst.accepted).toEqual([]);
    expect(await scene.metric('neptune', 'receiver_notifications_pending', { receiver: 'ops' })).toBe(3);
    downFirst.manner = 'accepts';
    await scene.eventually('the web hook to know it all', () => downFirst.of('neptune').length >= 3);
    expect(downFirst.of('neptune').slice(0, 3)).toEqual(['taken', 'paused', 'resumed']);
    await scene.eventually('who lost it to be heard', () => downFirst.of('saturn').includes('lost'));
    expect(downFirst.of('saturn').slice(0, 2)).toEqual(['unfit-holder', 'lost']);
    const toProgram = (await toldToProgram()).filter(({ node }) => node === 'neptune');
    expect(toProgram.map(({ event }) => event)).toEqual(['taken', 'resumed']);
    const taken = downFirst.accepted.find(({ event }) => event === 'taken');
    expect(taken).toMatchObject(toProgram[0] ?? {});
    expect(cluster.cloud.published.map(({ message }) => message)).toEqual([taken?.text]);
    expect(cluster.transcript(10_000)).not.toContain('s3cret');
  },
);

const silent = new Hook();

scenario(
  'an agent that is killed after it has sent an event, and before it knows that it arrived, sends the same again',
  { settings: telling(await silent.open()) },
  async (scene) => {
    const { cluster } = scene;
    silent.manner = 'is silent';
    await cluster.node('saturn').web.kill();
    await scene.eventually('the move to be sent', () => silent.came.some(({ event }) => event === 'taken'));
    const { agent } = cluster.node('neptune');
    await agent.kill();
    silent.manner = 'accepts';
    agent.start();
    await scene.eventually('it to come again', () => silent.of('neptune').includes('taken'));
    const ids = silent.came.filter(({ event }) => event === 'taken').map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    await cluster.node('saturn').web.start();
  },
);
