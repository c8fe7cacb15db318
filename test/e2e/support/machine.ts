/**
 * A machine of its own for each node: a copy-on-write root, a network namespace, processes that nobody else sees, and
 * commands as an administrator's shell runs them. Everything of it is gone when its first process is.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Child } from '../../../packages/cluster/src/child.ts';
import { until } from '../../../packages/cluster/src/wait.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import { type Ended, runToEnd } from './command.ts';
import { cloudAddress } from './machine-network.ts';

const systemctl = join(import.meta.dirname, 'systemctl.sh');

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Its first process: makes the root, and takes in whatever is left of its commands. */
const boot = `set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mkdir -p "$1/root/run/systemd/system"
hostname "$3"
exec chroot "$1/root" /bin/sh -c 'trap : TERM; echo up; while :; do sleep 1000 & wait; done'`;

/** Keeps what would go over, for `Machines` to bring it there. */
const ssh = `#!/bin/sh
host=$1
shift
cat >"/run/ssh.$host.input"
echo "$*" >"/run/ssh.$host"
`;

/** What a machine is made of. */
export interface MachineOptions {
  readonly id: string;
  readonly address: string;
  /** The network namespace. */
  readonly namespace: string;
  /** The root that it begins with, and never changes. */
  readonly root: string;
  /** What every process of an EC2 instance finds: here the environment says where the cloud is. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What runs for it. */
interface MachineParts {
  readonly folder: string;
  readonly init: Child;
  /** The first process, as this process sees it. */
  readonly pid: string;
  /** Starts what answers on port 80. */
  readonly serve: () => Child;
}

/** A running machine. `startMachine` makes one. */
export class Machine {
  readonly id: string;
  readonly address: string;
  readonly #options: MachineOptions;
  readonly #folder: string;
  readonly #init: Child;
  readonly #pid: string;
  readonly #serve: () => Child;
  #web: Child;

  constructor(options: MachineOptions, { folder, init, pid, serve }: MachineParts) {
    this.id = options.id;
    this.address = options.address;
    this.#options = options;
    this.#folder = folder;
    this.#init = init;
    this.#pid = pid;
    this.#serve = serve;
    this.#web = serve();
  }

  /** Where a file of the machine is for this process. */
  path(inside: string): string {
    return join(`/proc/${this.#pid}/root`, inside);
  }

  /** Runs commands as root's shell does, in root's folder. */
  run(commands: string): Promise<Ended> {
    const enter = [
      '--target',
      this.#pid,
      '--mount',
      '--net',
      '--pid',
      '--uts',
      '--root',
      `--wd=${this.path('/root')}`,
    ];
    const env = {
      ...this.#options.environment,
      PATH: path,
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
    };
    const args = [...enter, '/bin/sh', '-e', '-c', commands];
    return runToEnd(findProgram('nsenter') ?? 'nsenter', args, { env, cwd: '/', timeoutMs: 180_000 });
  }

  /** Runs commands that have to succeed, and answers what they printed. */
  async must(commands: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(commands);
    if (code !== 0)
      throw new Error(`${this.id}: ${commands}\nexit ${code}\n${stdout}${stderr}\n${await this.log()}`);
    return stdout;
  }

  /** The agent's newest log lines. */
  async log(): Promise<string> {
    const { stdout } = await this.run('tail -n 30 /var/log/failtome.log 2>/dev/null || :');
    return stdout;
  }

  /** A file of this machine's root gets there. */
  async put(file: string, inside = `/root/${basename(file)}`): Promise<void> {
    await copyFile(file, this.path(inside));
  }

  /** A program of this machine from now on. */
  async script(inside: string, text: string): Promise<void> {
    await rm(this.path(inside), { force: true });
    await writeFile(this.path(inside), text, { mode: 0o755 });
  }

  /** As the distribution's rpm does it; Debian's own files are unknown to it, and so is what they provide. */
  async rpm(...args: readonly string[]): Promise<void> {
    const enter = [
      '--target',
      this.#pid,
      '--mount',
      findProgram('rpm') ?? 'rpm',
      '--root',
      join(this.#folder, 'root'),
    ];
    const { code, stderr } = await runToEnd(findProgram('nsenter') ?? 'nsenter', [...enter, ...args], {
      cwd: '/',
      timeoutMs: 180_000,
    });
    if (code !== 0) throw new Error(`rpm ${args.join(' ')}: ${stderr}`);
  }

  /** What serves behind the address on this node ends. */
  async stopServing(): Promise<void> {
    await this.#web.kill();
  }

  /** And serves again. */
  serve(): void {
    this.#web = this.#serve();
  }

  /** The machine is gone, from one moment to the next. */
  async close(): Promise<void> {
    await this.#web.kill();
    await this.#init.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A machine that is up, with something that answers on port 80 as a node's HAProxy would. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { id, namespace, root } = options;
  const folder = await mkdtemp(join(tmpdir(), `failtome-${id}-`));
  const child = (...args: readonly string[]): Child => {
    const started = new Child({
      command: findProgram('ip') ?? 'ip',
      args: ['netns', 'exec', namespace, ...args],
      env: { PATH: path, HOME: '/root' },
      cwd: '/',
    });
    return started;
  };
  const unshare = ['unshare', '--mount', '--pid', '--uts', '--fork', '--kill-child'];
  const init = child(...unshare, '/bin/sh', '-c', boot, 'sh', folder, root, id);
  let said = '';
  for (const stream of [init.stdout, init.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  await until(`${id} to be up`, () => said.includes('up\n'), { seen: () => said });
  const children = await readFile(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8');
  const server = `require('node:http').createServer((_, answer) => answer.end('${id}')).listen(80)`;
  const serve = (): Child => {
    const web = child(process.execPath, '-e', server);
    web.stdout.resume();
    web.stderr.resume();
    return web;
  };
  const machine = new Machine(options, { folder, init, pid: children.trim(), serve });
  await furnish(machine, options);
  return machine;
}

/** What an instance has from its image and its subnet, and what it lacks here: systemd, and the internet's own services. */
async function furnish(machine: Machine, { environment }: MachineOptions): Promise<void> {
  await machine.script('/usr/bin/systemctl', await readFile(systemctl, 'utf8'));
  await machine.script('/usr/bin/ssh', ssh);
  // Where this machine is itself an image without systemd, its own says that packages may start nothing.
  await rm(machine.path('/usr/sbin/policy-rc.d'), { force: true });
  await writeFile(machine.path('/etc/apt/apt.conf.d/90recommends'), 'APT::Install-Recommends "false";\n');
  await writeFile(machine.path('/etc/hosts'), `127.0.0.1 localhost\n${cloudAddress} checkip.amazonaws.com\n`);
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
  await mkdir(machine.path('/etc/default'), { recursive: true });
  await writeFile(machine.path('/etc/default/failtome'), lines.join(''));
}
