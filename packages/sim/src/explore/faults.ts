/**
 * What the budget of faults can be spent on in one quantum. A fault is offered only where something feels it at once: one
 * that nobody feels yet is the same fault a quantum later.
 */
import type { NodeId } from '@failtome/protocol';
import { EXPLORED_SETTINGS, type FaultKind, QUANTUM_MS } from './bounds.ts';
import type { Call, SimNode, Wire } from './explored-data.ts';
import { wireWith } from './explored-node.ts';
import {
  type Global,
  isBlind,
  isClosed,
  isGone,
  type Planned,
  withServer,
  withWayOut,
} from './explored-world.ts';
import { type Mode, RUN } from './run-node.ts';

/** What can go wrong with a call. */
export type CallFault =
  /** A definite no. */
  | 'throttled'
  /** Answered with a server error, not applied. */
  | 'error'
  /** Applied, and answered with a server error. */
  | 'applied-error'
  /** Neither applied nor answered. */
  | 'hang'
  /** Applied, never answered. */
  | 'applied-hang'
  /** Never answered, and applied after the caller has given up. */
  | 'late'
  /** The read shows what was so before. */
  | 'stale'
  /** Everything that stood in the store is gone when the call comes. */
  | 'lost';

/** The world with the faults of one quantum in it. */
export interface Variant {
  readonly g: Global;
  /** Per node. */
  readonly modes: readonly Mode[];
  readonly callFaults: ReadonlyMap<Call, CallFault>;
  /** Nodes whose write comes to nothing now. */
  readonly failingWrites: readonly number[];
  readonly labels: readonly string[];
}

/** A fault that can be had; null: no longer, with what has been chosen before. */
interface Option {
  readonly label: string;
  readonly apply: (variant: Variant) => Variant | null;
}

/** Shorter than `gossip.dead`, and longer than that and a lease. */
const PAUSES_MS = [700, 3_000] as const;
/** A quick restart, and one that everybody has noticed. */
const RESTARTS_MS = [300, 2_000] as const;
/** Longer than `gossip.dead`; else for good, which is until the end of the horizon. */
const CUT_MS = 2_000;
const FLAP_MS = 600;
const BLIND_MS = 1_000;
const LATE_MS = [2 * QUANTUM_MS, EXPLORED_SETTINGS.gossip.timeoutMs + QUANTUM_MS] as const;

/** The world with no fault chosen. */
export function plainly(g: Global): Variant {
  return { g, modes: g.nodes.map(() => RUN), callFaults: new Map(), failingWrites: [], labels: [] };
}

/** The world as it is, and with every choice of faults that the budget still allows. */
export function variantsOf(
  g: Global,
  kinds: readonly FaultKind[],
  isActive: (node: SimNode) => boolean,
): readonly Variant[] {
  const none = plainly(g);
  if (g.faultsLeft === 0) return [none];
  const options = kinds.flatMap((kind) => optionsOf(g, kind, isActive));
  const variants: Variant[] = [];
  const choose = (variant: Variant, from: number): void => {
    variants.push(variant);
    if (variant.g.faultsLeft === 0) return;
    for (let index = from; index < options.length; index += 1) {
      const option = options[index];
      const chosen = option?.apply(variant);
      if (option === undefined || chosen == null) continue;
      const paid = { ...chosen.g, faultsLeft: chosen.g.faultsLeft - 1 };
      choose({ ...chosen, g: paid, labels: [...chosen.labels, option.label] }, index + 1);
    }
  };
  choose(none, 0);
  return variants;
}

function optionsOf(g: Global, kind: FaultKind, isActive: (node: SimNode) => boolean): readonly Option[] {
  const active = g.nodes.filter((node) => node.life.kind === 'up' && isActive(node));
  switch (kind) {
    case 'message':
      return arriving(g).flatMap(messageOptions);
    case 'link':
      return linkOptions(g);
    case 'crash':
      return active.flatMap(({ id, index }) =>
        RESTARTS_MS.map((forMs) =>
          strike(index, { kind: 'crash', forMs }, `${id} dies, back in ${forMs} ms`),
        ),
      );
    case 'pause':
      return active.flatMap(({ id, index }) =>
        PAUSES_MS.map((forMs) =>
          strike(index, { kind: 'pause', forMs }, `${id} stands still for ${forMs} ms`),
        ),
      );
    case 'call':
      return calling(g).flatMap((call) => (call.purpose === 'arbiter' ? [] : callOptions(g, call)));
    case 'store':
      return calling(g).flatMap((call) => (call.purpose === 'arbiter' ? callOptions(g, call) : []));
    case 'check':
      return g.nodes.flatMap((node) => checkOptions(g, node));
    case 'server':
      return [...serverOptions(g), ...wayOutOptions(g, active)];
    case 'disk':
      return active.flatMap(({ id, index, disk }) =>
        disk.writing !== null && disk.writing.doneAt <= g.t ? [writeFails(id, index)] : [],
      );
  }
}

function calling(g: Global): readonly Call[] {
  return g.calls.filter(({ appliesAt }) => appliesAt <= g.t);
}

function arriving(g: Global): readonly Wire[] {
  return g.wire.filter(
    ({ kind, arrivesAt, from, to }) => kind !== 'refused' && arrivesAt <= g.t && !isClosed(g, from, to),
  );
}

function messageOptions(wire: Wire): readonly Option[] {
  const what = `the ${wire.kind} ${wire.from}>${wire.to}`;
  const replaced = (label: string, by: readonly Omit<Wire, 'hash'>[]): Option => ({
    label: `${what} ${label}`,
    apply: ({ g, ...rest }) =>
      g.wire.includes(wire)
        ? { ...rest, g: { ...g, wire: [...g.wire.filter((one) => one !== wire), ...by.map(wireWith)] } }
        : null,
  });
  const options = [replaced('is lost', [])];
  for (const byMs of LATE_MS)
    options.push(replaced(`is ${byMs} ms late`, [{ ...wire, arrivesAt: wire.arrivesAt + byMs }]));
  const later = { ...wire, arrivesAt: wire.arrivesAt + 2 * QUANTUM_MS, duplicated: true };
  if (wire.kind === 'request') options.push(replaced('comes twice', [{ ...wire, duplicated: true }, later]));
  return options;
}

function linkOptions(g: Global): readonly Option[] {
  const carrying = arriving(g);
  const options: Option[] = [];
  for (const [index, a] of g.nodes.entries()) {
    for (const b of g.nodes.slice(index + 1)) {
      const there = carrying.some(({ from, to }) => from === a.id && to === b.id);
      const back = carrying.some(({ from, to }) => from === b.id && to === a.id);
      if (there) options.push(...cuts([[a.id, b.id]]));
      if (back) options.push(...cuts([[b.id, a.id]]));
      if (there || back)
        options.push(
          ...cuts([
            [a.id, b.id],
            [b.id, a.id],
          ]),
        );
    }
    const others = g.nodes.filter((node) => node !== a);
    if (others.length > 1 && carrying.some(({ from, to }) => from === a.id || to === a.id))
      options.push(
        ...cuts(
          others.flatMap(({ id }): [NodeId, NodeId][] => [
            [a.id, id],
            [id, a.id],
          ]),
        ),
      );
  }
  return options;
}

function cuts(ways: readonly (readonly [NodeId, NodeId])[]): readonly Option[] {
  const links = ways.map(([from, to]) => `${from}>${to}`);
  const cut = (label: string, forMs: number | null): Option => ({
    label: `${links.join(' ')} is cut ${label}`,
    apply: ({ g, ...rest }) => {
      const open: readonly Planned[] =
        forMs === null ? [] : ways.map(([from, to]) => ({ kind: 'link-open', at: g.t + forMs, from, to }));
      return { ...rest, g: { ...g, closed: [...g.closed, ...links], planned: [...g.planned, ...open] } };
    },
  });
  return [cut(`for ${CUT_MS} ms`, CUT_MS), cut('for good', null)];
}

function strike(index: number, mode: Mode, label: string): Option {
  return {
    label,
    apply: (variant) =>
      variant.modes[index]?.kind === 'run'
        ? { ...variant, modes: variant.modes.map((one, at) => (at === index ? mode : one)) }
        : null,
  };
}

function callOptions(g: Global, call: Call): readonly Option[] {
  const who = g.nodes[call.node]?.id ?? '';
  return faultsOf(call).map((fault) => ({
    label: `${who}'s ${nameOf(call)}: ${fault}`,
    apply: (variant) =>
      variant.callFaults.has(call)
        ? null
        : { ...variant, callFaults: new Map(variant.callFaults).set(call, fault) },
  }));
}

function nameOf({ purpose, operation }: Call): string {
  if (purpose === 'publish') return purpose;
  return purpose === 'arbiter' ? `${operation.op} of the arbiter` : operation.op;
}

function faultsOf({ purpose, operation }: Call): readonly CallFault[] {
  if (purpose === 'publish') return ['error', 'applied-error'];
  switch (operation.op) {
    case 'read':
      return purpose === 'arbiter' ? ['error', 'hang', 'lost'] : ['throttled', 'error', 'hang', 'stale'];
    case 'permit':
      return ['throttled', 'error', 'hang'];
    case 'swap':
      return ['error', 'applied-error', 'hang', 'applied-hang', 'late', 'lost'];
    case 'release':
    case 'take':
      return ['throttled', 'error', 'applied-error', 'hang', 'applied-hang', 'late'];
  }
}

/** A check that comes to nothing, though what it looks at is well. */
function checkOptions(g: Global, node: SimNode): readonly Option[] {
  return node.pending.flatMap((pending): Option[] => {
    if (pending.kind !== 'probe' && pending.kind !== 'ask') return [];
    if (pending.startedAt + QUANTUM_MS !== g.t) return [];
    return [
      {
        label: `${node.id}'s ${pending.kind} gets no answer`,
        apply: ({ g: before, ...rest }) => ({
          ...rest,
          g: {
            ...before,
            nodes: before.nodes.map((one) =>
              one.id === node.id
                ? {
                    ...one,
                    pending: one.pending.map((each) =>
                      each === pending ? { ...pending, failed: true } : each,
                    ),
                  }
                : one,
            ),
          },
        }),
      },
    ];
  });
}

function serverOptions(g: Global): readonly Option[] {
  const looked = g.nodes.some(({ pending }) =>
    pending.some(({ kind }) => kind === 'probe' || kind === 'local'),
  );
  if (!looked) return [];
  return g.nodes.flatMap(({ id, index, config }): Option[] => {
    if (config.node.role !== 'candidate' || g.servers[index] !== 'up' || isGone(g, index)) return [];
    const down = (state: 'dead' | 'hung', label: string, forMs: number | null): Option => ({
      label: `${id}'s server is ${state} ${label}`,
      apply: ({ g: before, ...rest }) => {
        const up: readonly Planned[] =
          forMs === null ? [] : [{ kind: 'server-up', at: g.t + forMs, node: index }];
        return {
          ...rest,
          g: withServer({ ...before, planned: [...before.planned, ...up] }, index, state),
        };
      },
    });
    return [down('dead', `for ${FLAP_MS} ms`, FLAP_MS), down('dead', 'for good', null)];
  });
}

function wayOutOptions(g: Global, active: readonly SimNode[]): readonly Option[] {
  return active.flatMap(({ id, index, pending }): Option[] => {
    if (isBlind(g, index) || !pending.some(({ kind }) => kind !== 'send' && kind !== 'local')) return [];
    const blind = (label: string, forMs: number | null): Option => ({
      label: `${id} has no way out ${label}`,
      apply: ({ g: before, ...rest }) => {
        const open: readonly Planned[] =
          forMs === null ? [] : [{ kind: 'way-out-open', at: g.t + forMs, node: index }];
        return {
          ...rest,
          g: withWayOut({ ...before, planned: [...before.planned, ...open] }, index, 'broken'),
        };
      },
    });
    return [blind(`for ${BLIND_MS} ms`, BLIND_MS), blind('for good', null)];
  });
}

function writeFails(id: NodeId, index: number): Option {
  return {
    label: `${id}'s write fails`,
    apply: (variant) => ({ ...variant, failingWrites: [...variant.failingWrites, index] }),
  };
}
