/**
 * keepalived with a script that takes the address, as people build it: VRRP adverts each 0.3 s, the web server looked at each
 * second, and one call to the cloud by `curl`, which has no start-up time to speak of. Two nodes and the cloud are network
 * namespaces, so it needs root.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../packages/cluster/src/child.ts';
import type { Request } from '../packages/cluster/src/client.ts';
import { makeFolder } from '../packages/cluster/src/folder.ts';
import { until } from '../packages/cluster/src/wait.ts';
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { findProgram } from '../scripts/requirements.mjs';
import { type Id, ids, Network, sharedAddress, subnets } from '../test/e2e/support/namespaces.ts';
import type { CloudOrder } from './keepalived-cloud.ts';
import type { BenchOptions } from './options.ts';
import type { CloudPace } from './profiles.ts';
import { type Row, spread } from './table.ts';
import type { Fault } from './trials.ts';

const TRIALS = 10;
const FAULTS: readonly Fault[] = ['killed', 'hung', 'vanished'];
const PROGRAMS = ['keepalived', 'ip', 'curl'];
const ADVERTS_S = 0.3;
const CHECK_S = 1;
const CLIENT_EVERY_MS = 10;
const WITHIN_MS = 20_000;
const CLOUD = { host: '10.90.0.1', port: 8_000 } as const;
const WEB_PORT = 8_080;
const ALLOCATION = 'eipalloc-00000000000000001';
/** So many of the newest requests are kept. */
const MAX_REQUESTS = 20_000;

/** The rows of keepalived at that pace, or one that says why there are none. */
export async function besideKeepalived(options: BenchOptions, pace: CloudPace): Promise<readonly Row[]> {
  const missing = PROGRAMS.filter((program) => findProgram(program) === undefined);
  if (process.getuid?.() !== 0) return [skipped(pace, 'it needs root, for network namespaces')];
  if (missing.length > 0) return [skipped(pace, `apt-get install -y ${missing.join(' ')}`)];
  const pair = await openPair(pace);
  try {
    const rows: Row[] = [];
    for (const fault of FAULTS) {
      const count = TRIALS * options.times;
      options.note(`failover, ${nameOf(pace)}, ${fault}: ${counted(count, 'trial')}`);
      const outages: number[] = [];
      for (let index = 0; index < count; index += 1)
        outages.push(await runTrial(pair, fault, (index / count) * CHECK_S * 1_000));
      rows.push({ ...empty(`failover, ${fault}, ${nameOf(pace)}`), measured: spread(outages, 'ms') });
    }
    return rows;
  } finally {
    await pair.close();
  }
}

function nameOf({ callMs, settlesMs }: CloudPace): string {
  return `keepalived, calls ${callMs} ms, works after ${settlesMs} ms`;
}

function skipped(pace: CloudPace, why: string): Row {
  return { ...empty(`failover, ${nameOf(pace)}`), measured: `skipped: ${why}` };
}

function empty(what: string): Row {
  return { what, measured: '', yardstick: '', ratio: '', bound: '', ok: null };
}

/** A node: its web server, and its keepalived with all that it has said. */
interface Node {
  readonly id: Id;
  web: Child;
  readonly vrrp: Child;
  readonly said: string[];
}

interface Pair {
  readonly network: Network;
  readonly nodes: Readonly<Record<Id, Node>>;
  readonly requests: readonly Request[];
  readonly startWeb: (id: Id) => Child;
  close(): Promise<void>;
}

async function openPair(pace: CloudPace): Promise<Pair> {
  const folder = await makeFolder();
  const network = new Network();
  const children: Child[] = [];
  const start = (place: Id | 'cloud', command: string, args: readonly string[]): Child => {
    const child = new Child({
      command: findProgram('ip') ?? 'ip',
      args: ['netns', 'exec', network.of(place), findProgram(command) ?? command, ...args],
      env: { PATH: process.env.PATH ?? '', HOME: folder.path },
      cwd: folder.path,
    });
    children.push(child);
    return child;
  };
  const close = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    network.close();
    await folder.remove();
  };
  try {
    await until('the links to be up', () => ids.every((id) => network.isUp(id)), { withinMs: WITHIN_MS });
    const requests: Request[] = [];
    const environment = await startCloud(start, pace, requests);
    const startWeb = (id: Id): Child => quiet(start(id, process.execPath, ['-e', webServer(id)]));
    const startNode = async (id: Id, state: 'MASTER' | 'BACKUP'): Promise<Node> => {
      const file = await writeNode(folder.path, id, environment);
      const own = ['p', 'r', 'c'].map((one) => [`-${one}`, join(folder.path, `${id}.${one}.pid`)]);
      const vrrp = start(id, 'keepalived', ['-n', '-l', '-D', '-P', '-f', file, ...own.flat()]);
      const node = { id, web: startWeb(id), vrrp, said: linesOf(vrrp) };
      await until(`${id} to be ${state}`, () => hasSaid(node, state), { withinMs: WITHIN_MS });
      return node;
    };
    // One after the other: whichever is the master first stays it.
    const saturn = await startNode('saturn', 'MASTER');
    const neptune = await startNode('neptune', 'BACKUP');
    return { network, nodes: { saturn, neptune }, requests, startWeb, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Start = (place: Id | 'cloud', command: string, args: readonly string[]) => Child;

/** The environment of who may call it. What its client sees goes into `requests`. */
async function startCloud(
  start: Start,
  pace: CloudPace,
  requests: Request[],
): Promise<Readonly<Record<string, string>>> {
  const order: CloudOrder = {
    ...pace,
    ...CLOUD,
    address: sharedAddress,
    allocationId: ALLOCATION,
    clientEveryMs: CLIENT_EVERY_MS,
    instances: ids.map((id) => ({ id: `i-${id}`, backend: { host: `${subnets[id]}.2`, port: WEB_PORT } })),
  };
  const program = join(import.meta.dirname, 'failtome-bench-cloud.mjs');
  const child = start('cloud', process.execPath, [program, JSON.stringify(order)]);
  child.stderr.resume();
  let environment: Readonly<Record<string, string>> | null = null;
  onLines(child.stdout, (line) => {
    const said: { environment?: Readonly<Record<string, string>>; request?: Request } = JSON.parse(line);
    if (said.environment !== undefined) environment = said.environment;
    if (said.request !== undefined) requests.push(said.request);
    if (requests.length > MAX_REQUESTS) requests.shift();
  });
  await until('the cloud to be open', () => environment !== null, { withinMs: WITHIN_MS });
  return environment ?? {};
}

function webServer(id: Id): string {
  return `for (const [port, host] of [[${WEB_PORT}, '${subnets[id]}.2'], [80, '127.0.0.1']])
    require('node:http').createServer((_, answer) => answer.end('${id}')).listen(port, host)`;
}

/** Its configuration, and the script that takes the address. */
async function writeNode(
  folder: string,
  id: Id,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = environment;
  const take = join(folder, `${id}-take.sh`);
  const call = `Action=AssociateAddress&Version=2016-11-15&InstanceId=i-${id}&AllocationId=${ALLOCATION}&AllowReassociation=true`;
  const script = `#!/bin/sh
exec curl -sS -m 10 -o /dev/null --aws-sigv4 aws:amz:us-east-1:ec2 --user '${key}:${secret}' \\
  -d '${call}' http://${CLOUD.host}:${CLOUD.port}/
`;
  await writeFile(take, script, { mode: 0o700 });
  const file = join(folder, `${id}.conf`);
  await writeFile(file, configuration(id, take));
  return file;
}

function configuration(id: Id, take: string): string {
  const other = id === 'saturn' ? 'neptune' : 'saturn';
  return `global_defs {
  script_user root
}
vrrp_script serving {
  script "${findProgram('curl')} -fsS -m 1 -o /dev/null http://127.0.0.1/"
  interval ${CHECK_S}
  fall 1
  rise 1
}
vrrp_instance web {
  version 3
  state BACKUP
  nopreempt
  interface uplink
  virtual_router_id 51
  priority ${id === 'saturn' ? 150 : 100}
  advert_int ${ADVERTS_S}
  unicast_src_ip ${subnets[id]}.2
  unicast_peer {
    ${subnets[other]}.2
  }
  virtual_ipaddress {
    10.99.0.1/32 dev uplink
  }
  track_script {
    serving
  }
  notify_master ${take}
}
`;
}

/** Break the holder, wait until the other serves, mend what was broken. @returns the outage in milliseconds */
async function runTrial(pair: Pair, fault: Fault, phaseMs: number): Promise<number> {
  const holder = ids.find((id) => pair.requests.at(-1)?.servedBy === id) ?? (await servedNow(pair));
  const node = pair.nodes[holder];
  await delay(CHECK_S * 1_000 + phaseMs);
  const [atMs, said] = [Date.now(), node.said.length];
  if (fault === 'killed') await node.web.kill();
  else if (fault === 'hung') node.web.signal('SIGSTOP');
  else pair.network.setLink(holder, 'down');
  await until(`${holder} to be relieved (${fault})`, () => outageSince(pair, atMs, holder) !== null, {
    withinMs: WITHIN_MS,
  });
  const outageMs = outageSince(pair, atMs, holder) ?? Number.NaN;
  if (fault === 'killed') node.web = pair.startWeb(holder);
  else if (fault === 'hung') node.web.signal('SIGCONT');
  else pair.network.setLink(holder, 'up');
  await until(`${holder} to stand by`, () => node.said.slice(said).some(isBackup), { withinMs: WITHIN_MS });
  return outageMs;
}

async function servedNow({ requests }: Pair): Promise<Id> {
  const server = (): Id | undefined => ids.find((id) => requests.at(-1)?.servedBy === id);
  await until('the address to be served', () => server() !== undefined, { withinMs: WITHIN_MS });
  return server() ?? 'saturn';
}

/** From the first request that failed until the first answer of another; null: not yet. */
function outageSince({ requests }: Pair, sinceMs: number, by: Id): number | null {
  const failed = requests.filter(({ servedBy, endedAt }) => servedBy === null && endedAt >= sinceMs);
  const beganAt = Math.min(...failed.map(({ startedAt }) => startedAt));
  const answered = requests.filter(
    ({ servedBy, startedAt }) => servedBy !== null && servedBy !== by && startedAt >= beganAt,
  );
  if (failed.length === 0 || answered.length === 0) return null;
  return Math.min(...answered.map(({ endedAt }) => endedAt)) - beganAt;
}

function hasSaid({ said }: Node, state: string): boolean {
  return said.some((line) => line.includes(`Entering ${state} STATE`));
}

function isBackup(line: string): boolean {
  return line.includes('Entering BACKUP STATE');
}

function linesOf(child: Child): string[] {
  const lines: string[] = [];
  child.stdout.resume();
  onLines(child.stderr, (line) => lines.push(line));
  return lines;
}

function onLines(output: Readable, each: (line: string) => void): void {
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) each(line);
  });
}

function quiet(child: Child): Child {
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

/** keepalived ends its own processes when it is told to, and what stands still goes on before. */
async function ended(child: Child): Promise<void> {
  child.signal('SIGCONT');
  child.signal('SIGTERM');
  await Promise.race([child.ended.catch(() => undefined), delay(2_000, undefined, { ref: false })]);
  await child.kill();
}
