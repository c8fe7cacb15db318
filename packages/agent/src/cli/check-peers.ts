/** The part of the preflight that asks each peer's API: reachable, same cluster, same voters, same version, same time. */
import type { CheckLine } from '../adapters/preflight-fix.ts';
import { fail, ok, warn } from '../adapters/preflight-fix.ts';
import type { PublicKey } from '../auth/identity.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { isLocated } from '../config/located.ts';
import type { AgentConfig, Identity, LocatedPeer, PeerSettings } from '../config/types.ts';
import { peerIdentityLines } from './check-identity.ts';
import { askSigned } from './check-signed.ts';
import type { CliDependencies } from './dependencies.ts';
import { readView } from './read.ts';
import { age, clean } from './text.ts';
import { type StatusRow, statusOf } from './view-rows.ts';

/** A pause's expiry is by the wall clock, and nothing else is: a few seconds do no harm. */
const CLOCK_TOLERANCE_MS = 5_000;

type PeerDependencies = Pick<CliDependencies, 'http' | 'now' | 'randomText' | 'checks' | 'version'>;

/** What every peer is held against. */
export interface OwnSide {
  readonly config: AgentConfig;
  readonly identity: Identity | null;
  /** Null where the key file can't be read, which is told elsewhere. */
  readonly keys: ClusterKeys | null;
  /** The public half of this node's own key pair; null where it has none. */
  readonly signs: PublicKey | null;
  /** The agent runs here already, so that the peers should hear it. */
  readonly running: boolean;
}

/** Asks every peer whether it runs, hears this node, and agrees on the electorate and the settings. */
export async function checkPeers(
  own: OwnSide,
  dependencies: PeerDependencies,
): Promise<readonly CheckLine[]> {
  const { config, identity } = own;
  const others = config.peers.filter((peer) => peer.id !== identity?.id);
  const electorate = identity === null ? null : dependencies.checks.electorate(config, identity);
  const lines = await Promise.all(others.map((peer) => checkPeer(peer, own, electorate, dependencies)));
  return lines.flat();
}

async function checkPeer(
  peer: PeerSettings,
  own: OwnSide,
  electorate: string | null,
  dependencies: PeerDependencies,
): Promise<readonly CheckLine[]> {
  const { config } = own;
  const name = `peer ${peer.id}`;
  if (!isLocated(peer))
    return [fail(name, 'not asked: it is not known where it is', 'See discovery, above.')];
  const askedAt = dependencies.now();
  const result = await readView(peer.url, '/v1/status', dependencies, own.keys);
  const answeredAt = dependencies.now();
  if (result.kind === 'failed') {
    const fix =
      result.untrusted === true
        ? `Run failtome check on ${peer.id}; see docs/certificates.md (names, caFile, peers[].publicKey, the end of its certificate).`
        : `Start the agent on ${peer.id}; let this node reach ${peer.url} (security groups, peers[].url).`;
    return [fail(name, result.detail, fix)];
  }
  const view = statusOf(result.json);
  const identity = identityLines(name, peer, config, view);
  // Of another cluster, or another node than was meant: what else it says is of no interest.
  if (identity.some(({ state }) => state === 'fail') && view.self.id !== peer.id) return identity;
  return [
    ...identity,
    ...(await signedLines(name, peer, own, view, dependencies)),
    ...peerIdentityLines(name, peer, { config, self: own.identity?.id ?? null, own: own.signs }, view),
    ...hearingLines(name, own, view),
    ...addressLines(name, config, view),
    ...pauseLines(name, view),
    ...electorateLines(name, electorate, view),
    ...versionLines(name, view, dependencies.version),
    ...clockLines(name, view.wall ?? parseDate(result.date), askedAt, answeredAt),
  ];
}

function identityLines(
  name: string,
  peer: PeerSettings,
  config: AgentConfig,
  view: StatusRow,
): readonly CheckLine[] {
  const { id, role } = view.self;
  if (view.cluster !== config.cluster) {
    const found = clean(`${peer.url} is of the cluster ${view.cluster}`);
    return [fail(name, found, `Make cluster the same on both nodes: here it is ${config.cluster}.`)];
  }
  if (id !== peer.id) {
    const found = clean(`${peer.url} is the node ${id}`);
    return [fail(name, found, 'Make peers[].id and peers[].url name the same node.')];
  }
  if (role !== peer.role && role !== '-') {
    const found = clean(`it is a ${role}, and peers says ${peer.role}`);
    return [fail(name, found, 'Make peers[].role here the same as node.role there.')];
  }
  return [ok(name, `answers at ${peer.url}`)];
}

/** Without one key, two nodes that reach each other refuse each other's every word. */
async function signedLines(
  name: string,
  peer: LocatedPeer,
  { config, keys }: OwnSide,
  view: StatusRow,
  dependencies: PeerDependencies,
): Promise<readonly CheckLine[]> {
  if (keys === null || view.cluster !== config.cluster) return [];
  const signed = await askSigned(peer.url, config.cluster, keys, dependencies);
  if (signed.kind === 'proven') return [ok(`${name}: key`, 'each verifies what the other signs')];
  const fix =
    `Give ${peer.id} and this node the same auth.keyFile, and let both agents read it (systemctl reload failtome); ` +
    'of several keys the first signs, and the other node has to have it too.';
  return [fail(`${name}: key`, signed.detail, fix)];
}

/** Whether the peer gets through to the agent that runs here: the other direction of the network. */
function hearingLines(name: string, { identity, running }: OwnSide, view: StatusRow): readonly CheckLine[] {
  const told = view.peers.find(({ id }) => id === identity?.id);
  if (identity === null || !running) return [];
  const fix = `See that ${view.self.id} reaches this node at the URL of its own peers[].url, and that its peers have the id ${identity.id}.`;
  if (told === undefined) return [fail(`${name}: hears this node`, `it has no peer ${identity.id}`, fix)];
  if (told.state === 'alive') return [ok(`${name}: hears this node`, 'lately')];
  return [fail(`${name}: hears this node`, clean(`this node is ${told.state} to it`), fix)];
}

/** A voter refuses a ballot about an address that it doesn't know. */
function addressLines(name: string, config: AgentConfig, view: StatusRow): readonly CheckLine[] {
  if (view.addresses.length === 0) return [];
  const known = new Set(view.addresses.map(({ ip }) => ip));
  const missing = config.addresses.map(({ ip }) => ip).filter((ip) => !known.has(ip));
  if (missing.length === 0) return [];
  const fix =
    'Make addresses the same on every node: a ballot about an address that a voter does not know is refused.';
  return [fail(`${name}: addresses`, `it doesn't know ${missing.join(', ')}`, fix)];
}

function pauseLines(name: string, { pause }: StatusRow): readonly CheckLine[] {
  if (!pause.paused) return [];
  const found = clean(`automatic takeovers are paused by ${pause.owner}: ${pause.reason}`);
  return [warn(`${name}: pause`, found, '`failtome resume` ends the pause.')];
}

function electorateLines(name: string, own: string | null, view: StatusRow): readonly CheckLine[] {
  const theirs = view.self.electorate;
  if (own === null || theirs === '') return [];
  if (theirs === own) return [ok(`${name}: voters`, 'the same as here')];
  const fix = 'Make peers list the same voters on every node: a ballot of another electorate is refused.';
  return [fail(`${name}: voters`, 'not the same as here', fix)];
}

function versionLines(name: string, view: StatusRow, own: string): readonly CheckLine[] {
  if (view.version === own || view.version === '') return [];
  const found = clean(`it runs ${view.version}, and this is ${own}`);
  return [warn(`${name}: version`, found, 'Finish the upgrade.')];
}

/** What it told lies between the question and the answer, so only what lies outside of that is a difference. */
function clockLines(
  name: string,
  theirs: number | null,
  askedAt: number,
  answeredAt: number,
): readonly CheckLine[] {
  if (theirs === null) return [];
  const behindMs = Math.max(0, askedAt - theirs);
  const aheadMs = Math.max(0, theirs - answeredAt);
  const offMs = Math.max(behindMs, aheadMs);
  if (offMs <= CLOCK_TOLERANCE_MS) return [ok(`${name}: clock`, 'agrees with the one here')];
  const found = `its clock is ${age(offMs)} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
  return [
    warn(`${name}: clock`, found, 'Run chrony or systemd-timesyncd on both: a pause ends by the clock.'),
  ];
}

/** A Date header has no fractions of a second. */
function parseDate(header: string | null): number | null {
  const ms = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? null : ms + 500;
}
