/**
 * All nodes' words on an address as one: is it protected, who serves, who would be next, what stands in the way.
 *
 * A word that is old counts no more. Whoever is about a takeover knows best; a failure is believed where most of those who
 * see anything say so; and while the address answers, the most careful word counts.
 */
import {
  type AddressModel,
  type ClusterModel,
  type HomeModel,
  isFresh,
  type ProtectionWord,
  type Reason,
} from './model.ts';

/** The first line about an address. */
export interface Headline {
  readonly ip: string;
  readonly state: ProtectionWord;
  /** Empty: not known. */
  readonly holder: string;
  /** Who would take it, or takes it; empty: nobody. */
  readonly next: string;
  readonly reasons: readonly Reason[];
  /** For how long it has been failing, by whoever saw it first; null: it isn't. */
  readonly downForMs: number | null;
  readonly holdDownMs: number;
  /** By the word of whoever holds it, who orders its way home; null: it has none, or nobody tells. */
  readonly home: HomeModel | null;
}

/** From the worst that an address may be. */
const WORST_FIRST: readonly ProtectionWord[] = [
  'outage',
  'failing-over',
  'unknown',
  'no-standby',
  'paused',
  'protected',
];

/** One for each address, in their order at the node that answers. */
export function headlinesOf(cluster: ClusterModel): readonly Headline[] {
  const ips = cluster.nodes.flatMap(({ status }) => status?.addresses.map(({ ip }) => ip) ?? []);
  return [...new Set(ips)].map((ip) => headlineOf(cluster, ip));
}

/** The worst of all addresses: what the title says. */
export function worstOf(headlines: readonly Headline[]): ProtectionWord {
  return WORST_FIRST.find((word) => headlines.some(({ state }) => state === word)) ?? 'unknown';
}

interface Said extends AddressModel {
  readonly by: string;
}

function headlineOf(cluster: ClusterModel, ip: string): Headline {
  const said: readonly Said[] = cluster.nodes
    .filter(isFresh)
    .flatMap(({ id, status }) =>
      (status?.addresses ?? []).filter((one) => one.ip === ip).map((one) => ({ ...one, by: id })),
    );
  const chosen = mover(said) ?? failing(said) ?? mostCareful(said);
  const downs = said.filter(({ verdict }) => verdict === 'down').map(({ verdictForMs }) => verdictForMs ?? 0);
  return {
    ip,
    state: chosen?.protection.state ?? 'unknown',
    holder: holderOf(said),
    home: homeOf(said),
    next: chosen?.protection.next ?? '',
    reasons: chosen?.protection.reasons ?? [],
    downForMs: downs.length === 0 ? null : Math.max(...downs),
    holdDownMs: Math.max(0, ...said.map(({ holdDownMs }) => holdDownMs)),
  };
}

/** Who is about it himself knows best, then who has heard of it. */
function mover(said: readonly Said[]): Said | null {
  const moving = said.filter(({ protection }) => protection.state === 'failing-over');
  return moving.find(({ takeover }) => takeover !== null) ?? moving[0] ?? null;
}

/** Of those who call it an outage, the one who could do something about it: the others only see it. */
function failing(said: readonly Said[]): Said | null {
  const ups = said.filter(({ verdict }) => verdict === 'up').length;
  const downs = said.filter(({ verdict }) => verdict === 'down').length;
  if (downs === 0 || ups > downs) return null;
  const outages = said.filter(({ protection }) => protection.state === 'outage');
  return (
    outages.find(({ by, holder, protection }) => by !== holder && protection.reasons.length > 0) ??
    outages[0] ??
    null
  );
}

/** Who sees nothing himself has no say where others do. */
function mostCareful(said: readonly Said[]): Said | null {
  const seeing = said.filter(({ verdict }) => verdict === 'up');
  const voices = seeing.length > 0 ? seeing : said;
  for (const word of WORST_FIRST) {
    const found = voices.filter(({ protection }) => protection.state === word);
    const [first] = found;
    if (first !== undefined) return found.find(({ protection }) => protection.reasons.length > 0) ?? first;
  }
  return null;
}

/** What most say; the node that answers decides where they are as many. */
function holderOf(said: readonly Said[]): string {
  const names = said.map(({ holder }) => holder).filter((name) => name !== '');
  const count = (name: string): number => names.filter((one) => one === name).length;
  return names.reduce((best, name) => (best === '' || count(name) > count(best) ? name : best), '');
}

function homeOf(said: readonly Said[]): HomeModel | null {
  const told = said.filter(({ home }) => home.node !== '');
  return (told.find(({ by, holder }) => by === holder) ?? told[0])?.home ?? null;
}
