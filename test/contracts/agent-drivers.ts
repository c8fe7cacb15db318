/** The agent's drivers: `ec2` and `opsworks` against the embedded cloud, `exec` over a program; the driver is saturn's. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  createEc2Driver,
  createOpsworksDriver,
  createPrivateIpDriver,
  createRouteDriver,
} from '../../packages/agent/src/adapters/aws-driver.ts';
import type { Driver } from '../../packages/agent/src/adapters/driver.ts';
import { createExecDriver } from '../../packages/agent/src/adapters/exec.ts';
import type { FaultEffect } from '../../packages/cloud/src/model/index.ts';
import type { Ec2Address } from '../../packages/ports/src/index.ts';
import {
  ADDRESS,
  type AwsWorld,
  type AwsWorldOptions,
  collectPosts,
  NEPTUNE,
  openAws,
  type Posts,
  SATURN,
} from '../drivers/aws-world.ts';
import type { AwsDriverWorld, DriverFault, DriverWorld, Ec2DriverWorld, Holder } from './driver-world.ts';
import type { RouteDriverWorld, RouteWorldOptions } from './route-contract.ts';
import { ACTIONS, type ContractedKind, contestedBy, EFFECTS, ZONE } from './sim-drivers.ts';

export const OTHER_ADDRESS = '198.51.100.8';

/** Both addresses are there, and nobody holds them. */
const TWO_ADDRESSES = { addresses: [{ publicIp: ADDRESS }, { publicIp: OTHER_ADDRESS }] };

export type Ec2World = Ec2DriverWorld & AwsWorld;

export async function openEc2(
  options: AwsWorldOptions = {},
  address: Partial<Ec2Address> = {},
  networkInterfaceId: string | null = null,
): Promise<Ec2World> {
  const aws = await openAws({ ...options, cloud: { ...TWO_ADDRESSES, ...options.cloud } });
  const { cloud, clients } = aws;
  const posts = collectPosts();
  const settings = { ip: ADDRESS, allocationId: null, privateIp: null, ...address };
  const driver = createEc2Driver(
    { instanceId: SATURN, networkInterfaceId, addresses: [settings] },
    { clients, post: posts.post },
  );
  return {
    ...awsWorld('ec2', aws, driver, posts),
    ...aws,
    other: OTHER_ADDRESS,
    permit: (action, permission) => cloud.setPermission(SATURN, action, permission),
    occupy: () => cloud.operatorAssociate(OTHER_ADDRESS, SATURN),
  };
}

/** Both nodes in one subnet, and the private address with nobody. */
export async function openPrivateIp(
  options: AwsWorldOptions = {},
  kind: 'ec2-private-ip' | 'ec2-private-ip over IPv6' = 'ec2-private-ip',
): Promise<AwsDriverWorld & AwsWorld> {
  const instances = [SATURN, NEPTUNE].map((id) => ({ id, availabilityZone: ZONE }));
  const cloud = { instances, addresses: [contestedBy(kind)], ...options.cloud };
  const aws = await openAws({ ...options, cloud });
  const posts = collectPosts();
  const driver = createPrivateIpDriver(
    { instanceId: SATURN, networkInterfaceId: null, addresses: [{ ip: contestedBy(kind).publicIp }] },
    { clients: aws.clients, post: posts.post },
  );
  return { ...awsWorld(kind, aws, driver, posts), ...aws };
}

/** As many route tables as wished for, and no route to the address. */
export async function openRoute(
  options: AwsWorldOptions = {},
  { routeTables = ['rtb-0a'], sourceDestCheck = false }: RouteWorldOptions = {},
): Promise<RouteDriverWorld & AwsWorld> {
  const instances = [SATURN, NEPTUNE].map((id) => ({ id, sourceDestCheck }));
  const cloud = { instances, addresses: [contestedBy('ec2-route', routeTables)], ...options.cloud };
  const aws = await openAws({ ...options, cloud });
  const posts = collectPosts();
  const driver = createRouteDriver(
    { instanceId: SATURN, networkInterfaceId: null, addresses: [{ ip: ADDRESS }], routeTables },
    { clients: aws.clients, post: posts.post },
  );
  return {
    ...awsWorld('ec2-route', aws, driver, posts),
    ...aws,
    permit: (action, permission) => aws.cloud.setPermission(SATURN, action, permission),
    faultReplace: (fault, times) =>
      void aws.cloud.fault.arm({ action: 'ec2:ReplaceRoute', effect: EFFECTS[fault], times }),
  };
}

export function opsworksWorld(aws: AwsWorld): AwsDriverWorld {
  const posts = collectPosts();
  const options = { instanceId: opsworksIdOf(aws, SATURN) };
  const driver = createOpsworksDriver(options, { clients: aws.clients, post: posts.post });
  return awsWorld('opsworks', aws, driver, posts);
}

export function opsworksIdOf({ cloud }: AwsWorld, instanceId: string): string {
  const id = cloud.state.instances.get(instanceId)?.opsworksId;
  if (id === undefined) throw new Error(`no instance ${instanceId}`);
  return id;
}

function awsWorld(
  kind: ContractedKind,
  { cloud, clients, close }: AwsWorld,
  driver: Driver,
  posts: Posts,
): AwsDriverWorld {
  const arm = (operation: 'read' | 'take' | 'release', effect: FaultEffect, times: number): void =>
    void cloud.fault.arm({ action: ACTIONS[kind][operation], effect, times });
  const address = contestedBy(kind).publicIp;
  return {
    ...posts,
    address,
    drive: (effect) => driver.drive(effect),
    holder() {
      const holder = cloud.holderOf(address);
      return holder === null ? 'nobody' : holder === SATURN ? 'us' : 'them';
    },
    move(to: Holder) {
      if (to !== 'nobody') cloud.operatorAssociate(address, to === 'us' ? SATURN : NEPTUNE);
      else if (cloud.holderOf(address) !== null) cloud.operatorDisassociate(address);
    },
    fault: (fault, operation, times = 1) => arm(operation, EFFECTS[fault], times),
    lag(lagMs) {
      cloud.fault.clear();
      if (lagMs > 0) arm('read', { kind: 'stale', lagMs }, 1);
    },
    async pass(ms) {
      const until = cloud.nowMs() + ms;
      await expect.poll(() => cloud.nowMs() >= until, { timeout: 20 * ms + 10_000 }).toBe(true);
    },
    applyLate: (applyAfterMs) => arm('take', { kind: 'apply-late', applyAfterMs }, 1),
    /** Nobody listens there any more, and the connections are gone, too. */
    async cutOff() {
      await cloud.close();
      clients.connections.renew(0);
    },
    close,
  };
}

/** A mover as an operator might write it, over a file; `fault` breaks it as a test wishes. */
const MOVER = `
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
const [folder, operation, ip, node] = process.argv.slice(2);
const fault = folder + '/fault-' + operation;
const broken = existsSync(fault) ? readFileSync(fault, 'utf8') : '';
rmSync(fault, { force: true });
const holderFile = folder + '/holder';
const holder = readFileSync(holderFile, 'utf8') || null;
function apply() {
  if (operation === 'read') { console.log(JSON.stringify({ holder })); return 0; }
  if (operation === 'take') {
    if (holder !== null && holder !== node) return 1;
    writeFileSync(holderFile, node);
    return 0;
  }
  if (holder !== node) return 1;
  writeFileSync(holderFile, '');
  return 0;
}
if (broken.startsWith('apply-then')) apply();
if (broken.endsWith('error')) process.exitCode = 75;
else if (broken.endsWith('hang')) setInterval(() => {}, 1000);
else if (broken.endsWith('reset')) process.kill(process.pid, 'SIGKILL');
else if (broken === 'refuse') { console.error('bad settings'); process.exitCode = 2; }
else process.exitCode = apply();
`;

export async function openExec(): Promise<
  DriverWorld & { readonly stderr: readonly string[]; readonly folder: string }
> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-exec-'));
  const mover = join(folder, 'mover.mjs');
  const holderFile = join(folder, 'holder');
  await writeFile(mover, MOVER);
  await writeFile(holderFile, '');
  const posts = collectPosts();
  const stderr: string[] = [];
  const driver = createExecDriver(
    { command: [process.execPath, mover, folder], nodeId: 'saturn' },
    { post: posts.post, logStderr: (_operation, text) => stderr.push(text) },
  );
  const holders = { us: 'saturn', them: 'neptune', nobody: '' } as const;
  return {
    ...posts,
    folder,
    stderr,
    drive: (effect) => driver.drive(effect),
    address: ADDRESS,
    async holder() {
      const text = await readFile(holderFile, 'utf8');
      return text === '' ? 'nobody' : text === 'saturn' ? 'us' : 'them';
    },
    move: (to: Holder) => writeFile(holderFile, holders[to]),
    fault: (fault: DriverFault, operation: string) => writeFile(join(folder, `fault-${operation}`), fault),
    close: () => rm(folder, { recursive: true }),
  };
}
