/** What is seen in the facts that nodes tell: votes, decisions, ballots, handovers, starts. */
import {
  type BallotMode,
  type Command,
  type CommandOutcome,
  FAILBACK_OWNER,
  type Fact,
  type Ip,
  majorityOf,
  type NodeId,
  votersOf,
} from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import type { Mark } from './mark.ts';

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

/** Marks what nodes decided. */
export class DecisionMarks {
  readonly #mark: Mark;
  /** Per address, who has a ballot open. */
  readonly #open = new Map<Ip, Set<NodeId>>();
  readonly #modes = new Map<string, BallotMode>();
  readonly #owed = new Map<string, Set<string>>();
  readonly #failed = new Set<string>();
  readonly watch: Watcher = (event) => {
    if (event.kind === 'order-answered') this.#onAnswered(event.command, event.outcome);
    if (event.kind === 'facts') for (const fact of event.facts) this.#onFact(event.by, fact, event.facts);
    if (event.kind === 'ended') for (const nodes of this.#open.values()) nodes.delete(event.by.node);
  };

  constructor(mark: Mark) {
    this.#mark = mark;
  }

  #onOpened({ node, run }: RunView, { address, mode }: FactOf<'ballot-opened'>): void {
    this.#modes.set(`${run} ${address}`, mode);
    const others = this.#open.get(address) ?? new Set();
    this.#open.set(address, others.add(node));
    if (others.size > 1) this.#mark('ballot:duel');
  }

  #onClosed(by: RunView, { address: ip, result, detail }: FactOf<'ballot-closed'>): void {
    this.#open.get(ip)?.delete(by.node);
    this.#mark(`ballot:${result}`);
    if (result === 'won') return this.#onWon(by, ip);
    if (detail.endsWith('was heard')) this.#mark('ballot:silence-ended');
    if (detail.endsWith('leases ran out')) this.#mark('ballot:lapsed');
    if (detail.startsWith('not decided in time')) this.#mark('ballot:timed-out');
    if (this.#modes.get(`${by.run} ${ip}`) === 'handover' && detail.includes(': refuse ('))
      this.#mark('handover:refused');
    if (result === 'lost' && detail.includes('refuse (lent)')) this.#mark('ballot:split');
  }

  #onWon(by: RunView, ip: Ip): void {
    const campaign = by.state().addresses[ip]?.campaign;
    if (campaign?.won == null) return;
    const answers = Object.values(campaign.answers);
    if (campaign.mode === 'handover' && answers.some(({ consents }) => consents === true))
      this.#mark('handover:relieved');
    const grants = answers.filter(({ answer }) => answer === 'grant').length;
    const blind = answers.filter(({ answer }) => answer === 'blind').length;
    const needed = majorityOf(votersOf(by.config).length);
    if (blind > 0 && grants < needed && grants + blind >= needed) this.#mark('ballot:blind-mattered');
    if (campaign.won.silent.length > 0 && grants + blind < needed) this.#mark('ballot:won-by-silence');
  }

  #onVerdict(by: RunView, { address: ip, to, reason }: FactOf<'verdict'>): void {
    if (to === 'unknown' && reason.startsWith('probes fail')) this.#mark('sight:cut-off');
    const address = by.state().addresses[ip];
    const { fall, timeoutMs } = by.config.addresses.find((one) => one.ip === ip)?.probe ?? {
      fall: 1,
      timeoutMs: 0,
    };
    if (to !== 'down' || address === undefined) return;
    const { fails, last, failingSince } = address.series;
    if (fails > 1 && last?.reason === 'timeout' && last.startedAt < (failingSince ?? 0) + timeoutMs)
      this.#mark('sight:overlap-decided');
    if (fails >= fall) return;
    this.#mark(address.holder.node === by.node ? 'sight:fast-path-holder' : 'sight:fast-path');
  }

  #onProbe(by: RunView, { address: ip, result }: FactOf<'probe'>): void {
    const series = by.state().addresses[ip]?.series;
    if (series === undefined) return;
    const { inFlight, last, silent } = series;
    const out = inFlight.filter(({ counts }) => counts);
    if (out.length > 0) this.#mark('sight:overlap');
    if (out.some(({ failsAfter }) => failsAfter > 0)) this.#mark('sight:held-back');
    if (silent) this.#mark('sight:silent');
    const overtaken = inFlight.some(({ startedAt, counts }) => !counts && startedAt < (last?.startedAt ?? 0));
    if (result.kind === 'ok' && overtaken) this.#mark('sight:out-of-order');
  }

  #onDecided(by: RunView, { address: ip, reason }: FactOf<'decided'>): void {
    this.#mark(`decided:${reason}`);
    const { pause, now, addresses } = by.state();
    if (pause.paused && pause.until !== null && now.wall >= pause.until && reason === 'address-down')
      this.#mark('pause:expired');
    const down = addresses[ip]?.verdict === 'down';
    if (down && reason === 'held-down') this.#mark('damping:held');
    if (down && reason === 'flapping') this.#mark('damping:flapping');
  }

  #onStarted(by: RunView, { storage }: FactOf<'started'>): void {
    if (storage === 'unreadable') this.#mark('disk:unreadable');
    if (storage === 'foreign') this.#mark('disk:foreign');
    this.#owed.set(by.run, new Set(by.state().outbox.map(({ id }) => id)));
    for (const { intent, move } of Object.values(by.state().addresses))
      if (intent !== null && move !== null) this.#mark(move.duty ? 'restart:released' : 'restart:planned');
  }

  #onNotified(by: RunView, { id, receiver, notice, result }: FactOf<'notified'>): void {
    if (result === 'failed') return void this.#failed.add(id);
    this.#mark('notification:accepted');
    if (by.state().outbox.some((one) => one.receiver !== receiver)) this.#mark('notification:beside');
    if (notice !== 'taken' && notice !== 'blocked') this.#mark('notification:news');
    if (this.#failed.has(id)) this.#mark('notification:retried');
    if (this.#owed.get(by.run)?.has(id) === true) this.#mark('notification:after-restart');
  }

  #onConcluded({ entry }: FactOf<'concluded'>, batch: readonly Fact[]): void {
    if (entry.kind !== 'takeover' && entry.kind !== 'handover') return;
    this.#mark(`concluded:${entry.kind}:${entry.result}`);
    if (entry.result === 'lost-race') this.#mark('race:lost');
    if (entry.result === 'moved') this.#mark('move:not-answering');
    if (entry.from === 'nobody' && entry.result === 'served') this.#mark('move:claimed');
    if (batch[0]?.kind === 'started' && entry.result === 'moved') this.#mark('restart:accepted');
  }

  #onFact(by: RunView, fact: Fact, batch: readonly Fact[]): void {
    switch (fact.kind) {
      case 'decided':
        return this.#onDecided(by, fact);
      case 'voted':
        if (by.config.node.role === 'witness' && fact.answer === 'grant') this.#mark('witness:voted');
        return this.#mark(`vote:${fact.reason}`);
      case 'rejected':
        return this.#mark(`rejected:${fact.reason}`);
      case 'ballot-opened':
        return this.#onOpened(by, fact);
      case 'ballot-closed':
        return this.#onClosed(by, fact);
      case 'probe':
        return this.#onProbe(by, fact);
      case 'verdict':
        return this.#onVerdict(by, fact);
      case 'started':
        return this.#onStarted(by, fact);
      case 'notified':
        return this.#onNotified(by, fact);
      case 'concluded':
        return this.#onConcluded(fact, batch);
      case 'step':
        return this.#onStep(fact);
      case 'stalled':
        return this.#mark('stall');
      case 'peer':
        if (fact.to === 'suspect') this.#mark('peer:suspected');
        if (fact.to === 'dead') this.#mark('peer:dead');
        return;
      case 'duplicate-id':
        return this.#mark(fact.peer === by.node ? 'duplicate:told' : 'duplicate:noticed');
      case 'late-association':
        return this.#mark('stale:late-association');
      case 'handover':
        return this.#onHandover(by, fact);
      case 'pause':
        if (!fact.paused) this.#mark('pause:resumed');
        if (by.config.orders === 'proven' && fact.owner !== '') this.#mark('signed:pause');
        return;
      case 'storage':
        if (fact.code === 'SLOW') this.#mark('disk:slow');
        return;
      case 'blocked':
        return this.#mark('blocked');
      default:
        return;
    }
  }

  #onStep({ step, result }: FactOf<'step'>): void {
    if (step !== 'read' || !result.startsWith('early')) return;
    if (result === 'early') this.#mark('early:known');
    else this.#mark(result === 'early: read' ? 'early:awaited' : 'early:failed');
  }

  #onHandover(by: RunView, { state, detail, by: owner }: FactOf<'handover'>): void {
    if (state === 'done' && owner === FAILBACK_OWNER) this.#mark('handover:home');
    if (state === 'done' && by.config.orders === 'proven') this.#mark('signed:handover');
    if (state !== 'open') this.#mark(`handover:${state}`);
    if (state === 'withdrawn' && detail.startsWith('ended by the pause'))
      this.#mark('handover:ended-by-pause');
  }

  #onAnswered(command: Command, outcome: CommandOutcome | null): void {
    if (outcome?.detail.startsWith('only what an operator') === true) this.#mark('signed:refused');
    if (command.kind !== 'handover-cancel' || outcome === null) return;
    if (outcome.state === 'done') this.#mark('handover:promised');
    if (outcome.detail.includes("can't be recalled")) this.#mark('handover:past-recall');
    if (outcome.detail.endsWith('it may still happen')) this.#mark('handover:not-promised');
  }
}
