/** What a pair in namespaces needs for a store: an etcd beside the cloud, and the cluster's key. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { has } from '../../../scripts/requirements.mjs';
import { failtome, temporaryFolder } from './command.ts';
import { cloudAddress } from './namespaces.ts';

/** Whether a pair in namespaces with an etcd can run on this machine, and what a test's name says where it can't. */
export const canRun = (['root', 'ip', 'nft', 'etcd'] as const).every(has);
export const missing = canRun
  ? ''
  : ' (skipped: needs root, ip, nft and etcd; apt-get install -y iproute2 nftables etcd-server, sudo npm test)';

/** Where it listens, and where the nodes find it. */
export const etcdPort = 2_379;
export const etcdUrl = `http://${cloudAddress}:${etcdPort}`;

/** The command that runs it. */
export function etcdIn(folder: string): readonly [command: string, ...args: string[]] {
  const urls = ['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl];
  return ['etcd', '--data-dir', join(folder, 'etcd'), ...urls];
}

/** A folder that goes with the test, with a new key in it. */
export async function folderWithKey(context: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, 'cluster.key'), (await failtome(['keygen'])).stdout, { mode: 0o600 });
  return folder;
}
