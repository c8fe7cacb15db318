/**
 * The part of `failtome check` about the store: one item of this node's own is read and written, as the relay would, and what it
 * would cost is told.
 */
import {
  type ArbiterStore,
  arbiterKey,
  type RelayCost,
  type RelayStore,
  relayCost,
  relayKey,
  relayPace,
  type StoreRead,
  type StoreWrite,
} from '@failtome/ports';
import { counted, type DurationMs, decodeArbiterItem, type Ip } from '@failtome/protocol';
import type { AgentConfig, Identity, StoreSettings } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { readEtcdPassword } from './etcd-login.ts';
import { type CheckLine, fail, ok, warn } from './preflight-fix.ts';
import { openStore } from './relay-stores.ts';

/** Stands in the place of a peer's id, which never has a slash. */
const CHECKED = 'check/';

/** Longer than the relay waits: a first connection, a first fetch of credentials. */
const LEAST_TIMEOUT_MS: DurationMs = 4_000;

/** Read and write an item, as this node would. */
export async function preflightStore(
  {
    store: settings,
    cluster,
    gossip,
    agreement,
    addresses,
  }: Pick<AgentConfig, 'store' | 'cluster' | 'gossip' | 'agreement' | 'addresses'>,
  { id, region }: Pick<Identity, 'id' | 'region'>,
): Promise<readonly CheckLine[]> {
  if (settings === null) return [];
  const name = `store ${settings.kind}`;
  const timeoutMs = Math.max(LEAST_TIMEOUT_MS, relayPace(gossip).callTimeoutMs);
  try {
    const store = await openStore(settings, region);
    try {
      const problem = await whyNotUsed(store, relayKey(cluster, id, CHECKED), timeoutMs);
      if (problem !== null) return [fail(name, `${whereOf(settings)}: ${problem}`, fixFor(settings))];
      const cost = costText(relayCost(gossip));
      const used = [
        ok(name, `${whereOf(settings)}: an item was read and written; ${cost}`),
        ...(await passwordLines(settings)),
      ];
      if (!agreement.arbiter) return used;
      const arbiters = addresses.map(({ ip }) => arbiterLine(store, cluster, ip, timeoutMs));
      return [...used, ...(await Promise.all(arbiters))];
    } finally {
      store.close();
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [
      fail(
        name,
        error.message,
        'Correct the path that the setting names, or let the user of the service read it.',
      ),
    ];
  }
}

/** What is to be mended about the file of etcd's password, nearly always nothing. */
async function passwordLines(settings: StoreSettings): Promise<readonly CheckLine[]> {
  if (settings.kind !== 'etcd' || settings.login === null) return [];
  const { passwordFile } = settings.login;
  const { warnings } = await readEtcdPassword(passwordFile);
  return warnings.map((text) => warn('store.passwordFile', text, `chmod 0640 ${passwordFile}`));
}

/** The arbiter's vote about an address, as it stands. */
async function arbiterLine(
  store: ArbiterStore,
  cluster: string,
  ip: Ip,
  timeoutMs: DurationMs,
): Promise<CheckLine> {
  const name = `arbiter ${ip}`;
  const found = await new Promise<StoreRead>((resolve) =>
    store.read(arbiterKey(cluster, ip), timeoutMs, resolve),
  );
  if (found.kind === 'none') return ok(name, 'not there yet: the first agent that runs makes it');
  const item = found.kind === 'item' ? decodeArbiterItem(found.text) : null;
  if (item === null) {
    const why =
      found.kind === 'failed' ? `${found.code}: ${found.detail}` : 'what stands there is none of ours';
    return fail(
      name,
      why,
      `Delete the item ${arbiterKey(cluster, ip)} from the store: the agents make it anew.`,
    );
  }
  const lent = item.candidate === null ? 'nobody yet' : `${item.candidate}, for epoch ${item.epoch}`;
  return ok(name, `lent last to ${lent}${item.over ? '; that is over' : ''}`);
}

/** What the relay costs at most, in a sentence's part. */
export function costText({ atRest, cutOff, unanswered }: RelayCost): string {
  return `at most ${counted(atRest, 'write')} an hour at rest, ${cutOff} for each peer that is reached only there, ${unanswered} for one that isn't heard at all`;
}

/** Null: it is used. A second check beside this one may come between: then it reads again. */
async function whyNotUsed(store: RelayStore, key: string, timeoutMs: DurationMs): Promise<string | null> {
  for (let tries = 0; tries < 3; tries += 1) {
    const found = await new Promise<StoreRead>((resolve) => store.read(key, timeoutMs, resolve));
    if (found.kind === 'failed') return `reading: ${found.code}: ${found.detail}`;
    const expected = found.kind === 'item' ? found.version : null;
    const written = await new Promise<StoreWrite>((resolve) =>
      store.write(key, 'failtome check', expected, timeoutMs, resolve),
    );
    if (written.kind === 'written') return null;
    if (written.kind === 'failed') return `writing: ${written.code}: ${written.detail}`;
  }
  return "writing: something else writes under this node's name";
}

function whereOf(settings: StoreSettings): string {
  return settings.kind === 'etcd' ? settings.endpoints.join(', ') : `the table ${settings.table}`;
}

function fixFor(settings: StoreSettings): string {
  if (settings.kind === 'etcd')
    return `See that an endpoint answers from here (\`etcdctl endpoint health\`), with a certificate that this machine trusts, and has room${settings.login === null ? '' : `; that the password in ${settings.login.passwordFile} is that of ${settings.login.user}, who may read and write keys that begin with ${settings.prefix}`}.`;
  return `See that the table ${settings.table} is there with the partition key id (a text), that the role allows dynamodb:GetItem and dynamodb:PutItem on it (\`failtome iam\` prints the policy), and that this machine reaches DynamoDB.`;
}
