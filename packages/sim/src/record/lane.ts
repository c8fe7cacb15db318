/**
 * What one lane shows of a process: records of what has changed in its state since they were last made.
 */
import { type Ip, type State, takeoverPhase, whyOf } from '@failtome/protocol';
import type { RunView } from '../world/watch.ts';
import type { GateLine, RecordBody, ViewLine } from './records.ts';

type AddressState = State['addresses'][Ip];

/** Moments further away than this are "never". */
const FAR_MS = 1e12;

/** What one process shows of itself; only changes are recorded. */
export class Lane {
  readonly name: string;
  /** The last record of each kind and subject, as text without what changes all the time. */
  readonly #last = new Map<string, string>();
  readonly #borrowed = new Map<string, RecordBody>();

  constructor(name: string) {
    this.name = name;
  }

  /** The records that make up for what has changed. */
  changes(by: RunView): readonly RecordBody[] {
    const state = by.state();
    if (state.phase === 'new') return [];
    return [
      ...this.#node(state),
      ...Object.values(state.addresses).flatMap((address) => [
        ...this.#lease(by, address),
        ...this.#borrows(by, address),
        ...this.#view(address),
        ...this.#ladder(state, address.ip),
      ]),
    ];
  }

  #isNews(key: string, text: string): boolean {
    if ((this.#last.get(key) ?? '') === text) return false;
    this.#last.set(key, text);
    return true;
  }

  #node(state: State): readonly RecordBody[] {
    const { phase, local, ready, incarnation } = state;
    const line: RecordBody = {
      kind: 'node',
      who: this.name,
      phase,
      fit: local.fit,
      ready: ready.ready,
      incarnation,
    };
    return this.#isNews('node', JSON.stringify(line)) ? [line] : [];
  }

  #view(address: AddressState): readonly RecordBody[] {
    const { ip, verdict, holder, epoch, decision } = address;
    const line: ViewLine = {
      kind: 'view',
      who: this.name,
      address: ip,
      verdict,
      holder: holder.node ?? holder.instanceId ?? (holder.kind === 'none' ? 'nobody' : holder.kind),
      stage: takeoverPhase(address),
      epoch,
      outcome: decision.outcome,
      reason: decision.reason,
      detail: decision.detail,
    };
    return this.#isNews(`view ${ip}`, JSON.stringify({ ...line, detail: '' })) ? [line] : [];
  }

  #ladder(state: State, ip: Ip): readonly RecordBody[] {
    const why = whyOf(state, ip, state.now);
    if (why === null) return [];
    const gates = why.gates.map((gate): GateLine => [gate.name, gate.passed, gate.reason]);
    // Time that runs out is no news.
    const text = gates.map(([, passed, sees]) => `${passed} ${sees.replace(/\d+/g, '')}`).join('\n');
    return this.#isNews(`ladder ${ip}`, text) ? [{ kind: 'ladder', who: this.name, address: ip, gates }] : [];
  }

  #lease(by: RunView, { ip, lent }: AddressState): readonly RecordBody[] {
    const text = lent === null ? '' : `${lent.candidate} ${lent.epoch} ${lent.expiresAt}`;
    if (!this.#isNews(`lease ${ip}`, text)) return [];
    return [
      {
        kind: 'lease',
        who: this.name,
        address: ip,
        to: lent?.candidate ?? null,
        epoch: lent?.epoch ?? 0,
        untilMs: lent === null ? 0 : (worldMs(by, lent.expiresAt) ?? 0),
      },
    ];
  }

  #borrows(by: RunView, { ip, campaign }: AddressState): readonly RecordBody[] {
    const made: RecordBody[] = [];
    const now = new Set<string>();
    for (const [from, { leaseUntil }] of Object.entries(campaign?.answers ?? {})) {
      const untilMs = leaseUntil > 0 ? worldMs(by, leaseUntil) : null;
      if (untilMs === null) continue;
      const key = `${ip} ${from}`;
      now.add(key);
      if (!this.#isNews(`borrowed ${key}`, String(leaseUntil))) continue;
      this.#borrowed.set(key, { kind: 'borrowed', who: this.name, address: ip, from, untilMs: null });
      made.push({ kind: 'borrowed', who: this.name, address: ip, from, untilMs });
    }
    for (const [key, end] of this.#borrowed) {
      if (!key.startsWith(`${ip} `) || now.has(key)) continue;
      this.#borrowed.delete(key);
      this.#last.delete(`borrowed ${key}`);
      made.push(end);
    }
    return made;
  }
}

/** Null: never, or further than anybody looks. */
function worldMs(by: RunView, at: number): number | null {
  return Math.abs(at) < FAR_MS ? Math.round(by.worldTimeOf(at) * 1_000) / 1_000 : null;
}
