/**
 * Two bare Debians that set themselves up from user data, each in a network namespace of its own: the real package, the real
 * HAProxy, the real agent as its own user, with the embedded cloud for AWS and a few lines in systemd's place.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../../packages/cluster/src/child.ts';
import { until } from '../../../packages/cluster/src/wait.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import { BareRoot } from './bare-root.ts';
import { type CloudView, type Id, ids, Network, sharedAddress, subnets, topicArn } from './namespaces.ts';
import { toItsEnd } from './programs.ts';

const simulator = join(import.meta.dirname, '../../../packages/sim/dist/failtome-sim.js');
const cloudAddress = '10.90.0.1';
const cloudPort = 8_000;
const filePort = 8_001;

export const packageUrl = `http://${cloudAddress}:${filePort}/failtome.deb`;
export const secretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome-AbCdEf';
/** As Secrets Manager generates it from the template. */
const secretText = 'k3yMadeBySecretsManager'.padEnd(64, '7');

/** Starts what the script starts, with the unit's own command line and user. It keeps to systemctl's words that the script has. */
const systemctl = `#!/bin/sh
echo "$*" >>/systemctl.log
case "$*" in
  "start failtome")
    [ ! -e /run/failtome.pid ] || exit 0
    unit=/usr/lib/systemd/system/failtome.service
    [ -e "$(sed -n 's/^ConditionPathExists=//p' $unit)" ] || exit 0
    set -a
    . /etc/default/failtome
    set +a
    setsid setpriv --reuid="$(sed -n 's/^User=//p' $unit)" --regid=failtome --clear-groups --inh-caps=-all \\
      $(sed -n 's/^ExecStart=//p' $unit) >>/var/log/failtome.log 2>&1 </dev/null &
    echo $! >/run/failtome.pid ;;
  "reload-or-restart haproxy")
    mkdir -p /run/haproxy
    setsid haproxy -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg </dev/null >>/var/log/haproxy.log 2>&1 ;;
esac
`;

interface Whereabouts {
  readonly control: string;
  readonly instances: readonly {
    readonly id: string;
    readonly environment: Readonly<Record<string, string>>;
  }[];
}

/** Two instances that were started with user data. `close` ends and removes everything. */
export class UserDataPair {
  readonly #network = new Network();
  readonly #roots: Partial<Record<Id, BareRoot>> = {};
  readonly #nodes: Partial<Record<Id, Child>> = {};
  readonly #children: Child[] = [];
  #control = '';

  /** The cloud with two tagged instances, an address that nobody holds and a secret; and the package on a web server. */
  async start(packageFile: string, userData: Readonly<Record<Id, string>>): Promise<void> {
    await until('the links to be up', () => ids.every((id) => this.#network.isUp(id)), { withinMs: 10_000 });
    const where = await this.#startCloud();
    this.#control = where.control;
    const files = `require('node:http').createServer((_, answer) => answer.end(require('node:fs').readFileSync(${JSON.stringify(packageFile)})))
      .listen(${filePort}, '${cloudAddress}')`;
    this.#inside('cloud', [process.execPath, '-e', files]).stdout.resume();
    for (const id of ids) {
      const environment = where.instances.find((each) => each.id === `i-${id}`)?.environment ?? {};
      this.#startNode(id, userData[id], environment);
    }
  }

  /** What a node's set-up has said so far. */
  output(id: Id): string {
    return readFileSync(this.#rootOf(id).path('var/log/user-data.log'), 'utf8');
  }

  /** Whether a node's user data has come to its good end. */
  isSetUp(id: Id): boolean {
    const [, code] = /user data ended with (\d+)/.exec(this.output(id)) ?? [];
    if (code !== undefined && code !== '0') throw new Error(`${id}:\n${this.output(id)}`);
    return code === '0';
  }

  /** Runs a command on a node, among its processes. */
  run(id: Id, ...command: readonly string[]): string {
    const { pid } = this.#nodes[id] ?? {};
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const inside = ['--target', first, '--pid', '--mount', '--net', '--', 'chroot', this.#rootOf(id).folder];
    const { status, stdout, stderr } = spawnSync('nsenter', [...inside, ...command], toItsEnd);
    if (status !== 0) throw new Error(`${command.join(' ')} on ${id}: ${stdout}${stderr}`);
    return stdout;
  }

  readFile(id: Id, path: string): string {
    return readFileSync(this.#rootOf(id).path(path), 'utf8');
  }

  cloud(): CloudView {
    const script = `fetch('${this.#control}').then(async (a) => console.log(await a.text()))`;
    return JSON.parse(this.#network.inside('cloud', process.execPath, '-e', script));
  }

  /** Who has got the address, in that order. */
  takers(): readonly string[] {
    const associated = this.cloud().associationLog.filter(({ kind }) => kind === 'associated');
    return associated.map(({ association }) => association.instanceId);
  }

  /** For a test that failed. */
  transcript(): string {
    const log = (id: Id) => this.run(id, 'sh', '-c', 'tail -n 30 /var/log/failtome.log 2>&1 || true');
    return ids.map((id) => [id, this.output(id), log(id)].join('\n')).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
    this.#network.close();
    for (const root of Object.values(this.#roots)) root.close();
  }

  #rootOf(id: Id): BareRoot {
    const root = this.#roots[id];
    if (root === undefined) throw new Error(`${id} is not there yet.`);
    return root;
  }

  #inside(
    place: Id | 'cloud',
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Child {
    const child = new Child({
      command: findProgram('ip') ?? 'ip',
      args: ['netns', 'exec', this.#network.of(place), ...command],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
      cwd: '/',
    });
    child.stderr.resume();
    this.#children.push(child);
    return child;
  }

  async #startCloud(): Promise<Whereabouts> {
    const options = {
      listen: `${cloudAddress}:${cloudPort}`,
      // The first of these ports is the external-IP service's.
      ports: '80',
      instances: ids.map((id) => `i-${id}@${subnets[id]}.2:80`).join(','),
      addresses: `${sharedAddress}:80`,
      topics: topicArn,
      secrets: `${secretArn}=${secretText}`,
      tags: 'failtome=shop',
    };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const child = this.#inside('cloud', [process.execPath, simulator, 'cloud', '--json', ...flags]);
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      const [first] = String(chunk).split('\n');
      child.stdout.resume();
      return JSON.parse(first ?? '');
    }
    throw new Error('The cloud ended before it said where it is.');
  }

  #startNode(id: Id, userData: string, environment: Readonly<Record<string, string>>): void {
    const root = new BareRoot(['curl', 'haproxy', 'systemd']);
    this.#roots[id] = root;
    writeFileSync(root.path('usr/bin/systemctl'), systemctl);
    writeFileSync(root.path('etc/hosts'), `127.0.0.1 localhost\n${cloudAddress} checkip.amazonaws.com\n`);
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    writeFileSync(root.path('etc/default/failtome'), `${settings.join('\n')}\n`);
    writeFileSync(root.path('var/log/user-data.log'), '');
    writeFileSync(root.path('user-data'), userData);
    chmodSync(root.path('user-data'), 0o700);
    const script =
      '/user-data >/var/log/user-data.log 2>&1; echo "user data ended with $?" >>/var/log/user-data.log; exec sleep infinity';
    const isolate = ['unshare', '--pid', '--fork', '--kill-child', `--mount-proc=${root.path('proc')}`];
    const node = this.#inside(id, [...isolate, 'chroot', root.folder, 'sh', '-c', script], {
      ...environment,
      FAILTOME_PAUSE: '1',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
    });
    node.stdout.resume();
    this.#nodes[id] = node;
  }
}
