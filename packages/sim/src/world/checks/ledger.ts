/**
 * What one run has been seen to learn and to do about an address, as far as it still counts: a standstill empties it,
 * whether the run has noticed or not.
 */
import type { DriverAnswer, DriverOperation, Fact, Ip } from '@failtome/protocol';
import type { RunView, Watcher, WorldView } from '../watch.ts';

export interface Proof {
  readonly atMs: number;
  readonly ip: Ip;
}

/** What a read has shown; `associationId` null: nobody. */
export interface Shown {
  readonly associationId: string | null;
  readonly self: boolean;
  readonly atMs: number;
}

/** A call whose answer is unknown, and what reads have shown since. */
export interface Unknown {
  readonly op: 'release' | 'take' | 'swap';
  readonly atMs: number;
  /** What was read before the call, and what it was therefore to end. */
  readonly before: string | null;
  readonly reads: readonly Shown[];
}

export interface Ledger {
  /** Since when its verdict has been down; null: it isn't. */
  downMs: number | null;
  openedMs: number;
  /** Whether its verdict was down when it opened the ballot. */
  openedDown: boolean;
  won: { readonly epoch: number; readonly atMs: number } | null;
  guardedMs: number | null;
  shows: Shown | null;
  unknown: Unknown | null;
  /** The epoch of the move whose first call has been seen. */
  begun: number | null;
}

export interface RunLedger {
  readonly addresses: Map<Ip, Ledger>;
  proofs: readonly Proof[];
  /** The last results of the check of its own HAProxy, newest last. */
  local: readonly boolean[];
  /** When it stood still last: until when, in true time. */
  stoodStillMs: number;
  /** Since when the process is stopped; null: it runs. */
  stoppedMs: number | null;
  /** Since when it has known of the present pause of automatic moves; null: there is none. */
  pauseMs: number | null;
}

export interface Ledgers {
  readonly watch: Watcher;
  readonly run: (by: RunView) => RunLedger;
  readonly of: (by: RunView, ip: Ip) => Ledger;
}

const MAX_KEPT = 8;
/** However late, a node that runs takes an input in within this; later than that by `gossip.dead`, it stood still. */
const MAX_GAP_MS = 1_000;

export function createLedgers(view: WorldView): Ledgers {
  const runs = new Map<string, RunLedger>();

  function run(by: RunView): RunLedger {
    const known = runs.get(by.run);
    if (known !== undefined) return known;
    const made: RunLedger = {
      addresses: new Map(),
      proofs: [],
      local: [],
      stoodStillMs: Number.NEGATIVE_INFINITY,
      stoppedMs: null,
      pauseMs: null,
    };
    runs.set(by.run, made);
    return made;
  }

  function of(by: RunView, ip: Ip): Ledger {
    const { addresses } = run(by);
    const known = addresses.get(ip);
    if (known !== undefined) return known;
    const made: Ledger = {
      downMs: null,
      openedMs: 0,
      openedDown: false,
      won: null,
      guardedMs: null,
      shows: null,
      unknown: null,
      begun: null,
    };
    addresses.set(ip, made);
    return made;
  }

  function forget(known: RunLedger): void {
    known.proofs = [];
    known.local = [];
    for (const ledger of known.addresses.values())
      Object.assign(ledger, { downMs: null, won: null, guardedMs: null, openedDown: false });
  }

  function onResumed(by: RunView): void {
    const known = run(by);
    const { stoppedMs } = known;
    known.stoppedMs = null;
    if (stoppedMs === null || view.now() - stoppedMs < by.config.gossip.deadMs + MAX_GAP_MS) return;
    known.stoodStillMs = view.now();
    forget(known);
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'stalled':
        return forget(run(by));
      case 'started':
        run(by).pauseMs = by.state().pause.paused ? view.now() : null;
        return;
      case 'pause':
        run(by).pauseMs = fact.paused ? view.now() : null;
        return;
      case 'verdict':
        of(by, fact.address).downMs = fact.to === 'down' ? view.now() : null;
        return;
      case 'ballot-opened': {
        const ledger = of(by, fact.address);
        // Another attempt: it is agreed anew, and begins with a read.
        if (by.state().addresses[fact.address]?.move === null) ledger.unknown = null;
        const openedDown = ledger.downMs !== null;
        Object.assign(ledger, { won: null, guardedMs: null, openedMs: view.now(), openedDown });
        return;
      }
      case 'ballot-closed': {
        const won = fact.result === 'won' ? { epoch: fact.epoch, atMs: view.now() } : null;
        Object.assign(of(by, fact.address), { won, guardedMs: null });
        return;
      }
      case 'guard':
        of(by, fact.address).guardedMs = fact.passed ? view.now() : null;
        return;
      default:
        return;
    }
  }

  function onDriven(by: RunView, ip: Ip, operation: DriverOperation, answer: DriverAnswer): void {
    const ledger = of(by, ip);
    if (answer.kind === 'read') onRead(ledger, shownBy(answer, view.now()));
    else if (answer.kind === 'unknown' && (operation.op === 'release' || operation.op === 'take')) {
      const op = operation.op === 'take' && operation.reassociate ? 'swap' : operation.op;
      ledger.unknown = { op, atMs: view.now(), before: ledger.shows?.associationId ?? null, reads: [] };
    } else if (answer.kind === 'released')
      ledger.shows = { associationId: null, self: false, atMs: view.now() };
    else if (answer.kind === 'taken')
      ledger.shows = { associationId: answer.associationId, self: true, atMs: view.now() };
  }

  function onRead(ledger: Ledger, shows: Shown): void {
    ledger.shows = shows;
    if (ledger.unknown === null) return;
    // A read that shows this node is proof.
    ledger.unknown = shows.self
      ? null
      : { ...ledger.unknown, reads: [...ledger.unknown.reads, shows].slice(-MAX_KEPT) };
  }

  return {
    run,
    of,
    watch(event) {
      switch (event.kind) {
        case 'facts':
          for (const fact of event.facts) onFact(event.by, fact);
          return;
        case 'proof': {
          const known = run(event.by);
          known.proofs = [...known.proofs, { atMs: view.now(), ip: event.ip }].slice(-MAX_KEPT);
          return;
        }
        case 'local-checked': {
          const known = run(event.by);
          if (event.ok !== null) known.local = [...known.local, event.ok].slice(-MAX_KEPT);
          return;
        }
        case 'driven':
          return onDriven(event.by, event.effect.address, event.effect.operation, event.result.answer);
        case 'paused':
          run(event.by).stoppedMs = view.now();
          return;
        case 'resumed':
          return onResumed(event.by);
        case 'ended':
          runs.delete(event.by.run);
          return;
        default:
          return;
      }
    },
  };
}

function shownBy({ association }: Extract<DriverAnswer, { kind: 'read' }>, atMs: number): Shown {
  return association.kind === 'none'
    ? { associationId: null, self: false, atMs }
    : {
        associationId: association.associationId ?? association.instanceId,
        self: association.self,
        atMs,
      };
}
