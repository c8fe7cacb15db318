/**
 * What a verdict and a vote rest on: as many failed probes in a row as are configured, since the address last changed
 * hands (I1), a way-out proof that is older than the probe (I2), probes that began after the last standstill (I8), and
 * an address that hasn't just answered (I10).
 */
import { counted, type Ip, type NodeId } from '@failtome/protocol';
import { type Broken, broken, type EventOf, type RunView } from './events.ts';
import { failuresInARow, withoutLost } from './probes.ts';
import { addressOf, type RunHistory } from './run-history.ts';

/** How long a way-out proof counts (PROTOCOL.md, "Observation"). */
const PROOF_LASTS_MS = 5_000;
/** What drifting clocks may make of a length of time. */
const DRIFT_MS = 20;
/** A clock shows whole milliseconds of its own, which may be a little longer. */
const CLOCK_TICK_MS = 1.01;
/** A clock shows whole milliseconds. */
const TOLERANCE_MS = 2;

/** What a verdict or a vote of one run breaks. */
export function checkObserved(
  history: RunHistory,
  { by, fact }: EventOf<'fact'>,
  nowMs: number,
): readonly Broken[] {
  if (fact.kind === 'verdict')
    return [
      ...(fact.to === 'down' ? checkFall(history, by, fact.address, nowMs) : []),
      ...(fact.to === 'down' ? checkProof(history, by, fact.address, nowMs) : []),
      ...(fact.to === 'unknown' ? [] : checkFresh(history, by, fact.address, fact.to)),
    ];
  if (fact.kind !== 'voted' || fact.reason !== 'down') return [];
  const address = by.state().addresses[fact.address];
  const says = `${by.run} says that ${fact.address} is down`;
  if (address?.verdict !== 'down') return [broken('I10', `${says}, and doesn't see it down`)];
  return address.series.last?.ok === true ? [broken('I10', `${says}, which has just answered it`)] : [];
}

/** I2 */
function checkProof({ proofs }: RunHistory, by: RunView, ip: Ip, nowMs: number): readonly Broken[] {
  const last = by.state().addresses[ip]?.series.last;
  if (last == null) return [broken('I2', `${by.run} sees ${ip} down without a probe`)];
  const began = by.worldTimeOf(last.startedAt) + CLOCK_TICK_MS;
  const newest = proofs.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  const longest = PROOF_LASTS_MS + DRIFT_MS;
  const hadOne = proofs.some(({ atMs }) => atMs <= began && began - atMs <= longest);
  if (hadOne && nowMs - newest <= longest) return [];
  const times = proofs.map(({ atMs }) => atMs).join(', ');
  return [broken('I2', `${by.run} sees ${ip} down by a probe from ${began}, its proofs are from ${times}`)];
}

/** I8: by a probe that began after the last standstill. */
function checkFresh({ stalledMs }: RunHistory, by: RunView, ip: Ip, verdict: string): readonly Broken[] {
  const startedAt = by.state().addresses[ip]?.series.last?.startedAt;
  if (startedAt === undefined || stalledMs === null) return [];
  if (by.worldTimeOf(startedAt) >= stalledMs - TOLERANCE_MS) return [];
  return [
    broken(
      'I8',
      `${by.run} sees ${ip} ${verdict} by a probe from before ${stalledMs}, when it had stood still`,
    ),
  ];
}

/** I1: enough failures, or one after the word of a holder that is unfit. */
function checkFall(history: RunHistory, by: RunView, ip: Ip, nowMs: number): readonly Broken[] {
  const { fall, timeoutMs } = by.config.addresses.find((one) => one.ip === ip)?.probe ?? {
    fall: 1,
    timeoutMs: 0,
  };
  const fails = failuresInARow(withoutLost(addressOf(history, ip).probes, nowMs, timeoutMs));
  if (fails >= fall || (fails >= 1 && holderSaysUnfit(history, by, ip, nowMs))) return [];
  return [
    broken('I1', `${by.run} sees ${ip} down after ${counted(fails, 'failure')} in a row, and needs ${fall}`),
  ];
}

function holderSaysUnfit({ words }: RunHistory, by: RunView, ip: Ip, nowMs: number): boolean {
  const { addresses, local } = by.state();
  const address = addresses[ip];
  const holder: NodeId | null | undefined = address?.holder.node;
  if (address === undefined || holder == null) return false;
  if (holder === by.node) return local.fit === 'unfit';
  const word = words[holder];
  const startedMs = by.worldTimeOf(address.series.last?.startedAt ?? 0);
  if (word === undefined || word.unfitMs === null) return false;
  const silent = nowMs - word.heardMs > by.config.gossip.deadMs + DRIFT_MS;
  return !silent && startedMs >= word.unfitMs - TOLERANCE_MS;
}
