/** What is seen in the facts that nodes tell: votes, decisions, ballots, handovers, starts. */
import {
  type BallotMode,
  type Command,
  type CommandOutcome,
  type Fact,
  type Ip,
  majorityOf,
  type NodeId,
  votersOf,
} from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import type { Mark } from './mark.ts';

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

export function watchDecisions(mark: Mark): Watcher {
  /** Per address, who has a ballot open. */
  const open = new Map<Ip, Set<NodeId>>();
  const modes = new Map<string, BallotMode>();
  const owed = new Map<string, Set<string>>();
  const failed = new Set<string>();

  function onOpened({ node, run }: RunView, { address, mode }: FactOf<'ballot-opened'>): void {
    modes.set(`${run} ${address}`, mode);
    const others = open.get(address) ?? new Set();
    open.set(address, others.add(node));
    if (others.size > 1) mark('ballot:duel');
  }

  function onClosed(by: RunView, { address: ip, result, detail }: FactOf<'ballot-closed'>): void {
    open.get(ip)?.delete(by.node);
    mark(`ballot:${result}`);
    if (result === 'won') return onWon(by, ip);
    if (detail.endsWith('was heard')) mark('ballot:silence-ended');
    if (detail.endsWith('leases ran out')) mark('ballot:lapsed');
    if (detail.startsWith('not decided in time')) mark('ballot:timed-out');
    if (modes.get(`${by.run} ${ip}`) === 'handover' && detail.includes(': refuse ('))
      mark('handover:refused');
    if (result === 'lost' && detail.includes('refuse (lent)')) mark('ballot:split');
  }

  function onWon(by: RunView, ip: Ip): void {
    const campaign = by.state().addresses[ip]?.campaign;
    if (campaign?.won == null) return;
    const answers = Object.values(campaign.answers);
    if (campaign.mode === 'handover' && answers.some(({ consents }) => consents === true))
      mark('handover:relieved');
    const grants = answers.filter(({ answer }) => answer === 'grant').length;
    const blind = answers.filter(({ answer }) => answer === 'blind').length;
    const needed = majorityOf(votersOf(by.config).length);
    if (blind > 0 && grants < needed && grants + blind >= needed) mark('ballot:blind-mattered');
    if (campaign.won.silent.length > 0 && grants + blind < needed) mark('ballot:won-by-silence');
  }

  function onVerdict(by: RunView, { address: ip, to, reason }: FactOf<'verdict'>): void {
    if (to === 'unknown' && reason.startsWith('probes fail')) mark('sight:cut-off');
    const address = by.state().addresses[ip];
    const fall = by.config.addresses.find((one) => one.ip === ip)?.probe.fall ?? 1;
    if (to !== 'down' || address === undefined || address.series.fails >= fall) return;
    mark(address.holder.node === by.node ? 'sight:fast-path-holder' : 'sight:fast-path');
  }

  function onDecided(by: RunView, { address: ip, reason }: FactOf<'decided'>): void {
    mark(`decided:${reason}`);
    const { pause, now, addresses } = by.state();
    if (pause.paused && pause.until !== null && now.wall >= pause.until && reason === 'address-down')
      mark('pause:expired');
    const down = addresses[ip]?.verdict === 'down';
    if (down && reason === 'held-down') mark('damping:held');
    if (down && reason === 'flapping') mark('damping:flapping');
  }

  function onStarted(by: RunView, { storage }: FactOf<'started'>): void {
    if (storage === 'unreadable') mark('disk:unreadable');
    if (storage === 'foreign') mark('disk:foreign');
    owed.set(by.run, new Set(by.state().outbox.map(({ id }) => id)));
    for (const { intent, move } of Object.values(by.state().addresses))
      if (intent !== null && move !== null) mark(move.duty ? 'restart:released' : 'restart:planned');
  }

  function onNotified(by: RunView, { id, result }: FactOf<'notified'>): void {
    if (result === 'failed') return void failed.add(id);
    mark('notification:accepted');
    if (failed.has(id)) mark('notification:retried');
    if (owed.get(by.run)?.has(id) === true) mark('notification:after-restart');
  }

  function onConcluded({ entry }: FactOf<'concluded'>, batch: readonly Fact[]): void {
    if (entry.kind !== 'takeover' && entry.kind !== 'handover') return;
    mark(`concluded:${entry.kind}:${entry.result}`);
    if (entry.result === 'lost-race') mark('race:lost');
    if (entry.result === 'moved') mark('move:not-answering');
    if (entry.from === 'nobody' && entry.result === 'served') mark('move:claimed');
    if (batch[0]?.kind === 'started' && entry.result === 'moved') mark('restart:accepted');
  }

  function onFact(by: RunView, fact: Fact, batch: readonly Fact[]): void {
    switch (fact.kind) {
      case 'decided':
        return onDecided(by, fact);
      case 'voted':
        if (by.config.node.role === 'witness' && fact.answer === 'grant') mark('witness:voted');
        return mark(`vote:${fact.reason}`);
      case 'rejected':
        return mark(`rejected:${fact.reason}`);
      case 'ballot-opened':
        return onOpened(by, fact);
      case 'ballot-closed':
        return onClosed(by, fact);
      case 'verdict':
        return onVerdict(by, fact);
      case 'started':
        return onStarted(by, fact);
      case 'notified':
        return onNotified(by, fact);
      case 'concluded':
        return onConcluded(fact, batch);
      case 'stalled':
        return mark('stall');
      case 'peer':
        if (fact.to === 'suspect') mark('peer:suspected');
        if (fact.to === 'dead') mark('peer:dead');
        return;
      case 'duplicate-id':
        return mark(fact.peer === by.node ? 'duplicate:told' : 'duplicate:noticed');
      case 'late-association':
        return mark('stale:late-association');
      case 'handover':
        return onHandover(by, fact);
      case 'pause':
        if (!fact.paused) mark('pause:resumed');
        if (by.config.orders === 'proven' && fact.owner !== '') mark('signed:pause');
        return;
      case 'storage':
        if (fact.code === 'SLOW') mark('disk:slow');
        return;
      case 'blocked':
        return mark('blocked');
      default:
        return;
    }
  }

  function onHandover(by: RunView, { state, detail }: FactOf<'handover'>): void {
    if (state === 'done' && by.config.orders === 'proven') mark('signed:handover');
    if (state !== 'open') mark(`handover:${state}`);
    if (state === 'withdrawn' && detail.startsWith('ended by the pause')) mark('handover:ended-by-pause');
  }

  function onAnswered(command: Command, outcome: CommandOutcome | null): void {
    if (outcome?.detail.startsWith('only what an operator') === true) mark('signed:refused');
    if (command.kind !== 'handover-cancel' || outcome === null) return;
    if (outcome.state === 'done') mark('handover:promised');
    if (outcome.detail.includes("can't be recalled")) mark('handover:past-recall');
    if (outcome.detail.endsWith('it may still happen')) mark('handover:not-promised');
  }

  return (event) => {
    if (event.kind === 'order-answered') onAnswered(event.command, event.outcome);
    if (event.kind === 'facts') for (const fact of event.facts) onFact(event.by, fact, event.facts);
    if (event.kind === 'ended') for (const nodes of open.values()) nodes.delete(event.by.node);
  };
}
