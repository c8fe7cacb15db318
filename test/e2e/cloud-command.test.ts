/** `failtome-sim cloud` as a user runs it: an agent's `check` against it, over a restart with its state. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { claimLoopback } from '../../packages/cluster/src/loopback.ts';
import { failtome, temporaryFolder } from './support/command.ts';

const simulator = join(import.meta.dirname, '../../packages/sim/dist/failtome-sim.js');
const topicArn = 'arn:aws:sns:us-east-1:123456789012:failover';

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function runCloud(args: readonly string[]): Running {
  const child = spawn(process.execPath, [simulator, 'cloud', ...args], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}

async function webServer(host: string): Promise<Server> {
  const server = createServer((_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(8_080, host, resolve));
  return server;
}

interface Line {
  readonly part: string;
  readonly name: string;
  readonly state: string;
  readonly found: string;
}

/** The part of what was printed that is about an instance, as a person would copy it. */
function printedFor(
  id: string,
  output: string,
): { readonly env: Record<string, string>; readonly port: string; readonly guard: string } {
  const [, part = ''] = new RegExp(`\n${id}, web server[^\n]*\n([\\s\\S]*?)\n\n`).exec(output) ?? [];
  const env = Object.fromEntries(
    [...part.matchAll(/export (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const [, port = ''] = /probe\.port: (\d+)/.exec(part) ?? [];
  const [, guard = ''] = /external IP +(\S+)/.exec(part) ?? [];
  return { env, port, guard };
}

/** What each driver moves, as the command is told of it, and what the driver has to be told. */
const drivers: readonly (readonly [kind: string, flag: string, more: readonly string[], settings: string])[] =
  [
    ['ec2', '--addresses', [], ''],
    ['opsworks', '--addresses', [], ''],
    ['ec2-private-ip', '--private-addresses', [], ''],
    [
      'ec2-route',
      '--routed-addresses',
      ['--route-tables', 'rtb-0a,rtb-0b'],
      ', routeTables: [rtb-0a, rtb-0b]',
    ],
  ];

test.each(drivers)(
  'every call of check with the %s driver is answered, also after a restart on the same ports',
  async (kind, flag, more, settings) => {
    const folder = await temporaryFolder({ onTestFinished });
    const block = await claimLoopback();
    onTestFinished(() => block.release());
    const [cloudHost, webHost, ip] = [block.ip(1), block.ip(2), block.ip(3)];
    const server = await webServer(webHost);
    onTestFinished(() => void server.close());
    const flags = ['--listen', `${cloudHost}:4566`, '--ports', '20000', '--topics', topicArn];
    const account = [
      '--instances',
      `i-saturn@${webHost}:8080,i-neptune@${webHost}:8080`,
      flag,
      `${ip}:8080=i-saturn`,
      ...more,
    ];
    const begin = async (): Promise<Running> => {
      const cloud = runCloud([...flags, ...account, '--state', join(folder, 'cloud.json')]);
      onTestFinished(() => void cloud.child.kill('SIGKILL'));
      await until('the cloud to say where everything is', () => cloud.output().includes('a person with'), {
        seen: cloud.output,
      });
      return cloud;
    };
    const check = async (env: Record<string, string>): Promise<readonly Line[]> => {
      const { stdout } = await failtome(['check', '-c', join(folder, 'failtome.yaml'), '--json'], { env });
      return (JSON.parse(stdout) as { readonly lines: readonly Line[] }).lines; // docs: what check --json prints
    };

    const cloud = await begin();
    const { env, port, guard } = printedFor('i-neptune', cloud.output());
    await writeFile(join(folder, 'key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await writeFile(
      join(folder, 'failtome.yaml'),
      `
cluster: web
node: { id: neptune }
api: { listen: "${webHost}:8741" }
peers: [{ id: saturn, url: "http://${block.ip(4)}:8741" }]
auth: { keyFile: ${join(folder, 'key')} }
addresses: [{ ip: ${ip}, probe: { port: ${port} } }]
local: { url: "http://${webHost}:8080/" }
guard: { urls: ["${guard}"] }
driver: { kind: ${kind}${settings} }
notify: { sns: { topicArn: "${topicArn}" } }
stateDir: ${join(folder, 'state')}
`,
    );
    const asked = (lines: readonly Line[]): readonly Line[] =>
      lines.filter(({ part }) => part === 'cloud' || part === 'way out');
    const before = asked(await check(env));
    expect(before.length).toBeGreaterThan(4);
    // Where AWS has no dry run nothing can be proven; everything else is answered, and as it should be.
    for (const line of before)
      expect([line.name, line.found]).toEqual([
        line.name,
        expect.not.stringMatching(/InvalidAction|could not|refused/),
      ]);
    expect(before.filter(({ state, found }) => state !== 'ok' && !found.includes('has no dry run'))).toEqual(
      [],
    );

    cloud.child.kill('SIGTERM');
    expect(await cloud.ended).toBe(0);
    const again = await begin();
    expect(again.output()).toContain('gone on with');
    expect(asked(await check(env))).toEqual(before);
    expect(JSON.parse(await readFile(join(folder, 'cloud.json'), 'utf8'))).toMatchObject({
      format: 'failtome-cloud',
    });
  },
);
