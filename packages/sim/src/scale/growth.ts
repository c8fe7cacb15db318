/** What is measured of one cluster: bytes at rest, how long news and a death take to reach all, and who is suspected for being slow. */
import { createRandom } from '../world/index.ts';
import type { ClusterOptions, MeasuredCluster, StartCluster } from './measured-cluster.ts';

/** How long each part of a measurement takes, in milliseconds of virtual time. */
export interface Spans {
  /** From the start until it is measured. */
  readonly settleMs: number;
  /** How long bytes are counted. */
  readonly bytesMs: number;
  /** How long is waited for news to reach all, and for all to call a member dead. */
  readonly withinMs: number;
  /** How long slow members are watched. */
  readonly slowMs: number;
}

/** A cluster without faults, then with one piece of news, then with one death. */
export interface Quiet {
  /** Bytes sent a member and second: the mean of all, and of the one that sent most. */
  readonly meanBytes: number;
  readonly mostBytes: number;
  /** Messages sent a member and second, requests and answers alike: the mean of all. */
  readonly meanMessages: number;
  /** Until all members knew what one was told; null: not within `withinMs`. */
  readonly newsMs: number | null;
  /** Of the members but the one that was told: how many knew it at the end of that. */
  readonly newsReached: number;
  /** From the end of a member's machine until the first other, and until all others, called it dead. */
  readonly firstDeadMs: number | null;
  readonly allDeadMs: number | null;
  readonly deadReached: number;
}

/** Members that are slow: their processes stop for `slowForMs`, go on for `restMs`, and so on. */
export interface SlowCase {
  readonly slow: number;
  readonly slowForMs: number;
  readonly restMs: number;
}

/** How often a member that ran was called dead, each time by one other. */
export interface Slow extends SlowCase {
  /** Of members that were never slow, by anybody: what Lifeguard calls false positives. */
  readonly healthyDead: number;
  /** Of those, called so by members that were never slow either. */
  readonly healthyByHealthy: number;
  /** Slow ones. */
  readonly slowDead: number;
  /** Members that were never slow, and were only suspected. */
  readonly healthySuspected: number;
}

/** Measure a cluster at rest, news and a death. */
export function measureQuiet(start: StartCluster, options: ClusterOptions, spans: Spans): Quiet {
  const cluster = start(options);
  const { members } = cluster;
  cluster.runFor(spans.settleMs);
  const before = members.map(cluster.bytesOf);
  const messages = (): number => members.reduce((sum, id) => sum + cluster.messagesOf(id), 0);
  const messagesBefore = messages();
  cluster.runFor(spans.bytesMs);
  const rates = members.map(
    (id, index) => ((cluster.bytesOf(id) - (before[index] ?? 0)) * 1_000) / spans.bytesMs,
  );
  return {
    meanBytes: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    mostBytes: Math.max(...rates),
    meanMessages: ((messages() - messagesBefore) * 1_000) / spans.bytesMs / members.length,
    ...measureNews(cluster, spans),
    ...measureDeath(cluster, spans),
  };
}

/** The last one is told: no voter, where there are others. */
function measureNews(cluster: MeasuredCluster, { withinMs }: Spans): Pick<Quiet, 'newsMs' | 'newsReached'> {
  const teller = cluster.members.at(-1) ?? '';
  const others = cluster.members.filter((id) => id !== teller);
  const toldAt = cluster.now();
  cluster.tell(teller);
  const at = cluster.runTill(() => cluster.knows(teller) && others.every(cluster.knows), withinMs);
  return { newsMs: at === null ? null : at - toldAt, newsReached: others.filter(cluster.knows).length };
}

function measureDeath(
  cluster: MeasuredCluster,
  { withinMs }: Spans,
): Pick<Quiet, 'firstDeadMs' | 'allDeadMs' | 'deadReached'> {
  const victim = cluster.members.at(-2) ?? '';
  const others = cluster.members.filter((id) => id !== victim);
  const isDead = (by: string): boolean => cluster.saysOf(by, victim) === 'dead';
  const goneAt = cluster.now();
  let firstAt: number | null = null;
  cluster.onVerdict(({ atMs, of, to }) => {
    if (of === victim && to === 'dead') firstAt ??= atMs;
  });
  cluster.vanish(victim);
  const at = cluster.runTill(() => others.every(isDead), withinMs);
  return {
    firstDeadMs: firstAt === null ? null : firstAt - goneAt,
    allDeadMs: at === null ? null : at - goneAt,
    deadReached: others.filter(isDead).length,
  };
}

/** Let some members be slow, each from a moment of its own. */
export function measureSlow(
  start: StartCluster,
  options: ClusterOptions,
  spans: Spans,
  { slow, slowForMs, restMs }: SlowCase,
): Slow {
  const cluster = start(options);
  // Drawn apart from what the cluster draws: the same members are slow under either protocol.
  const random = createRandom(options.seed);
  const chosen = new Set<string>();
  while (chosen.size < Math.min(slow, cluster.members.length)) chosen.add(random.pick(cluster.members));
  cluster.runFor(spans.settleMs);
  const endsAt = cluster.now() + spans.slowMs;
  const counts = { healthyDead: 0, healthyByHealthy: 0, slowDead: 0, healthySuspected: 0 };
  cluster.onVerdict(({ by, of, to }) => {
    if (to === 'suspect' && !chosen.has(of)) counts.healthySuspected += 1;
    if (to !== 'dead') return;
    if (chosen.has(of)) counts.slowDead += 1;
    else counts.healthyDead += 1;
    if (!chosen.has(of) && !chosen.has(by)) counts.healthyByHealthy += 1;
  });
  for (const id of chosen)
    stopAgainAndAgain(cluster, id, cluster.now() + random.below(slowForMs + restMs), {
      slowForMs,
      restMs,
      endsAt,
    });
  cluster.runFor(spans.slowMs);
  return { slow: chosen.size, slowForMs, restMs, ...counts };
}

function stopAgainAndAgain(
  cluster: MeasuredCluster,
  id: string,
  atMs: number,
  how: { readonly slowForMs: number; readonly restMs: number; readonly endsAt: number },
): void {
  if (atMs >= how.endsAt) return;
  cluster.at(atMs, () => {
    cluster.pause(id);
    cluster.at(atMs + how.slowForMs, () => cluster.resume(id));
    stopAgainAndAgain(cluster, id, atMs + how.slowForMs + how.restMs, how);
  });
}
