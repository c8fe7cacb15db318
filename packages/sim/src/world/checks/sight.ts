/**
 * What a verdict and a vote rest on: as many failed probes in a row as are configured, since the address last changed
 * hands (I1), probes that began after the last standstill (I8), and an address that hasn't just answered (I10).
 */
import { counted, type Envelope, type Fact, type Ip, type NodeId } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** What a probe may take beyond its time-out; longer is its node's own slowness (PROTOCOL.md, "Observation"). */
const LATE_MS = 250;
/** A clock shows whole milliseconds. */
const TOLERANCE_MS = 2;

interface Series {
  fails: number;
  holder: string;
  /** When its last probes began, oldest first. */
  began: readonly number[];
}

/** The most probes of one address on their way at once. */
const MAX_BEGAN = 4;

/** What a node has said of itself, as another has read it. */
interface Word {
  /** Of its newest record: messages overtake each other. */
  session: string;
  version: number;
  heardMs: number;
  /** When that record was read: an answer may wait for a disk, and tell late that its request was taken in. */
  readMs: number;
  /** Since when it has been saying that it is unfit; null: it isn't. */
  unfitMs: number | null;
}

export function checkSight(view: WorldView, violate: Violate): Watcher {
  const series = new Map<string, Map<Ip, Series>>();
  const words = new Map<string, Map<NodeId, Word>>();
  /** When a run noticed its last standstill. */
  const stalledMs = new Map<string, number>();

  function seriesOf(by: RunView, ip: Ip): Series {
    const ofRun = series.get(by.run) ?? new Map<Ip, Series>();
    series.set(by.run, ofRun);
    const known = ofRun.get(ip) ?? { fails: 0, holder: 'unknown', began: [] };
    ofRun.set(ip, known);
    return known;
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'probe': {
        const { result, address } = fact;
        const known = seriesOf(by, address);
        if (result.kind === 'ok') known.fails = 0;
        else if (result.kind === 'failed' && counts(by, address, known, result.durationMs)) known.fails += 1;
        return;
      }
      case 'holder': {
        const known = seriesOf(by, fact.address);
        // Failures are those of the holder that they were seen of; nobody may hold it for a moment on the way.
        if (known.holder !== 'unknown' && fact.holder !== 'nobody') known.fails = 0;
        known.holder = fact.holder;
        return;
      }
      case 'stalled':
        stalledMs.set(by.run, view.now());
        for (const known of series.get(by.run)?.values() ?? []) known.fails = 0;
        return;
      case 'verdict':
        if (fact.to === 'down') checkFall(by, fact.address);
        if (fact.to !== 'unknown') checkFresh(by, fact.address, fact.to);
        return;
      case 'voted':
        if (fact.reason === 'down' && by.state().addresses[fact.address]?.series.last?.ok === true)
          violate('I10', `${by.run} says that ${fact.address} is down, which has just answered it`);
        return;
      default:
        return;
    }
  }

  /** Not this node's own slowness, and not of a probe after which another was begun. */
  function counts(by: RunView, ip: Ip, { began }: Series, durationMs: number): boolean {
    if (durationMs > timeoutOf(by, ip) + LATE_MS) return false;
    const beganMs = view.now() - durationMs + TOLERANCE_MS;
    const newest = began.at(-1) ?? beganMs;
    return newest <= beganMs;
  }

  /** I8: by a probe that began after the last standstill. */
  function checkFresh(by: RunView, ip: Ip, verdict: string): void {
    const startedAt = by.state().addresses[ip]?.series.last?.startedAt;
    const sinceMs = stalledMs.get(by.run);
    if (startedAt === undefined || sinceMs === undefined) return;
    if (by.worldTimeOf(startedAt) < sinceMs - TOLERANCE_MS)
      violate(
        'I8',
        `${by.run} sees ${ip} ${verdict} by a probe from before ${sinceMs}, when it had stood still`,
      );
  }

  /** I1: enough failures, or one after the word of a holder that is unfit. */
  function checkFall(by: RunView, ip: Ip): void {
    const { fails } = seriesOf(by, ip);
    const fall = by.config.addresses.find((address) => address.ip === ip)?.probe.fall ?? 1;
    if (fails >= fall || (fails >= 1 && holderSaysUnfit(by, ip))) return;
    violate('I1', `${by.run} sees ${ip} down after ${counted(fails, 'failure')} in a row, and needs ${fall}`);
  }

  function holderSaysUnfit(by: RunView, ip: Ip): boolean {
    const { addresses, local } = by.state();
    const address = addresses[ip];
    const holder = address?.holder.node;
    if (address === undefined || holder == null) return false;
    if (holder === by.node) return local.fit === 'unfit';
    const word = words.get(by.run)?.get(holder);
    const startedMs = by.worldTimeOf(address.series.last?.startedAt ?? 0);
    if (word === undefined || word.unfitMs === null) return false;
    const silent = view.now() - word.heardMs > by.config.gossip.deadMs + TOLERANCE_MS;
    return !silent && startedMs >= word.unfitMs - TOLERANCE_MS;
  }

  /** A word that it is unfit counts for it however it came; one that it is fit only when it was taken in. */
  function onHeard(by: RunView, message: Envelope, takenIn: boolean, readMs: number): void {
    const { from, session, payload } = message;
    const ofRun = words.get(by.run) ?? new Map<NodeId, Word>();
    words.set(by.run, ofRun);
    const word = ofRun.get(from) ?? { session: '', version: 0, heardMs: 0, readMs: 0, unfitMs: null };
    ofRun.set(from, word);
    word.heardMs = view.now();
    if (payload.node === undefined) return;
    const unfit = payload.node.fit === 'unfit';
    if (unfit) word.unfitMs ??= view.now();
    if (session === word.session ? payload.version <= word.version : readMs < word.readMs) return;
    if (unfit || takenIn) Object.assign(word, { session, version: payload.version, readMs });
    if (!unfit && takenIn) word.unfitMs = null;
  }

  return (event) => {
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'probe-began': {
        const known = seriesOf(event.by, event.address);
        known.began = [...known.began, view.now()].slice(-MAX_BEGAN);
        return;
      }
      case 'heard':
        return onHeard(event.by, event.message, event.message.re !== null, view.now());
      case 'judged':
        if (event.status === 200) onHeard(event.by, event.request, true, event.readAtMs);
        return;
      case 'ended':
        series.delete(event.by.run);
        words.delete(event.by.run);
        stalledMs.delete(event.by.run);
        return;
      default:
        return;
    }
  };
}

function timeoutOf({ config }: RunView, ip: Ip): number {
  return config.addresses.find((address) => address.ip === ip)?.probe.timeoutMs ?? 0;
}
