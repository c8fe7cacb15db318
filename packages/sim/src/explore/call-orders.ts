/**
 * The calls to the cloud and to the store that arrive in one quantum: carried out in each order, failed where a fault
 * says so, and answered.
 */
import { externalIp } from '@failtome/cloud/model';
import type { ArbiterResult } from '@failtome/protocol';
import type { JudgedEvent } from '../invariants/index.ts';
import { instanceIdOf } from '../world/settings.ts';
import { QUANTUM_MS } from './bounds.ts';
import { type Carried, type CloudCall, carryOut } from './explored-cloud.ts';
import type { Call, NodeEvent, Pending, SimNode } from './explored-data.ts';
import { callWith, eventOf } from './explored-node.ts';
import { carryOutAtStore, type StoreCall } from './explored-store.ts';
import type { Global } from './explored-world.ts';
import type { CallFault, Variant } from './faults.ts';

/** A stale read shows the world as it was before anything of this quantum and the last few. */
const STALE_MS = 400;

/** The world after its calls, and what they answer. */
export interface Called {
  readonly g: Global;
  readonly answers: readonly { readonly node: number; readonly event: NodeEvent }[];
  readonly told: readonly string[];
  /** What has changed in the cloud and in the store. */
  readonly events: readonly JudgedEvent[];
}

/** Orders of the calls that arrive now. Reads see what is there, and who reads first is nothing to them. */
export function callOrders(g: Global, all: boolean): readonly (readonly Call[])[] {
  const due = g.calls.filter(({ appliesAt }) => appliesAt <= g.t).sort((a, b) => a.hash - b.hash);
  const changing = due.filter(({ operation }) => 'op' in operation && CHANGES.has(operation.op));
  if (!all || changing.length === 0 || due.length < 2) return [due];
  return permutations(due);
}

const CHANGES: ReadonlySet<string> = new Set(['release', 'take', 'swap']);

/** Carry out the calls of a moment in one order. */
export function withCalls(
  { g, callFaults }: Variant,
  order: readonly Call[],
  ips: readonly string[],
): Called {
  let { aws, items } = g;
  let calls = g.calls.filter(({ appliesAt }) => appliesAt > g.t);
  const answers: { node: number; event: NodeEvent }[] = [];
  const told: string[] = [];
  const events: JudgedEvent[] = [];
  for (const call of order) {
    const fault = callFaults.get(call);
    const reaches = externalIp(aws, instanceIdOf(call.node), g.t).kind !== 'none' || fault === 'late';
    if (!reaches && call.appliesAt <= call.until) {
      if (call.purpose === 'publish') answer(call, null);
      continue;
    }
    if (fault === 'late') {
      calls = [...calls, callWith({ ...call, appliesAt: call.until + QUANTUM_MS, answer: 'lost' })];
      continue;
    }
    const what = call.purpose === 'arbiter' ? atStore(call, fault) : atCloud(call, fault);
    if (fault === 'hang' || fault === 'applied-hang' || call.answer === 'lost') continue;
    answer(call, fault === undefined || SILENT_FAULTS.has(fault) ? what : { fault });
  }
  return { g: { ...g, aws, items, calls }, answers, told, events };

  function atCloud(call: CloudCall, fault: CallFault | undefined): Carried | null {
    if (fault !== undefined && UNAPPLIED.has(fault)) return null;
    const carried = carryOut(aws, call, ips, g.t, fault === 'stale' ? STALE_MS : 0);
    aws = carried.aws;
    events.push(...carried.events.map((event): JudgedEvent => ({ kind: 'cloud', event })));
    told.push(describeCall(g, call, carried));
    return carried;
  }

  function atStore(call: StoreCall, fault: CallFault | undefined): ArbiterResult | null {
    if (fault === 'lost') items = {};
    if (fault !== undefined && UNAPPLIED.has(fault)) return null;
    const stored = carryOutAtStore(items, call);
    items = stored.items;
    const { by, address, operation } = call;
    if (stored.swapped !== null) events.push({ kind: 'swapped', by, address, text: stored.swapped });
    const written = operation.op === 'swap' ? ` ${operation.text}` : '';
    told.push(`${by.node} ${operation.op} the arbiter's item${written}: ${stored.result.kind}`);
    return stored.result;
  }

  function answer(call: Call, what: Answer | null): void {
    const node = g.nodes[call.node];
    if (node === undefined || node.core.state.session !== call.by.state().session) return;
    const event = call.purpose === 'arbiter' ? storeAnswer(node, call, what) : answerOf(node, call, what);
    if (event !== null) answers.push({ node: call.node, event });
  }
}

/** What comes back: the answer itself, or the fault instead of it. */
type Answer = Carried | ArbiterResult | { readonly fault: string };

/** Nothing comes of the call. */
const UNAPPLIED: ReadonlySet<CallFault> = new Set<CallFault>(['throttled', 'error', 'hang']);
/** The call is answered as if nothing were wrong. */
const SILENT_FAULTS: ReadonlySet<CallFault> = new Set<CallFault>(['stale', 'lost']);

function storeAnswer(node: SimNode, call: StoreCall, what: Answer | null): NodeEvent | null {
  const { address, startedAt } = call;
  const waiting = node.pending.find(
    (one) => one.kind === 'arbiter' && one.address === address && one.startedAt === startedAt,
  );
  if (waiting === undefined || what === null || 'aws' in what) return null;
  const result: ArbiterResult =
    'fault' in what ? { kind: 'failed', code: 'InternalError', detail: '' } : what;
  return eventOf({ kind: 'arbiter', askId: waiting.id, address, result }, waiting.id);
}

function answerOf(node: SimNode, call: CloudCall, what: Answer | null): NodeEvent | null {
  if (call.purpose === 'publish') {
    const { operation } = call;
    const waiting = node.pending.find((one) => one.kind === 'publish' && one.message === operation.message);
    if (waiting === undefined) return null;
    const result = what !== null && 'published' in what ? what.published : null;
    const request = {
      service: 'sns',
      operation: 'Publish',
      result: 'unknown',
      code: 'Unreachable',
      requestId: null,
      durationMs: 0,
    } as const;
    return eventOf(
      {
        kind: 'published',
        publishId: waiting.id,
        result: result ?? { kind: 'failed', detail: 'unreachable', request },
      },
      waiting.id,
    );
  }
  const waiting = node.pending.find(
    (one): one is Extract<Pending, { kind: 'call' }> =>
      one.kind === 'call' &&
      one.purpose === call.purpose &&
      one.address === call.address &&
      one.startedAt === call.startedAt,
  );
  if (waiting === undefined || what === null || 'kind' in what) return null;
  const result =
    'driven' in what
      ? what.driven
      : {
          answer:
            what.fault === 'throttled'
              ? ({ kind: 'refused', throttled: true, code: 'RequestLimitExceeded', message: '' } as const)
              : ({ kind: 'unknown', code: 'InternalError', message: '' } as const),
          requests: [],
        };
  if (result === null) return null;
  const { id, purpose } = waiting;
  return eventOf({ kind: 'driven', callId: id, purpose, result }, id);
}

function describeCall(
  g: Global,
  { node, purpose, operation, address }: CloudCall,
  { driven, published }: Carried,
): string {
  const who = g.nodes[node]?.id ?? '';
  if (purpose === 'publish') return `${who} publishes: ${published?.kind}`;
  const answer = driven?.answer;
  const shows = answer?.kind === 'read' ? ` ${JSON.stringify(answer.association)}` : '';
  return `${who} ${operation.op} ${address}: ${answer?.kind}${shows}`;
}

/** Every order of a few things. */
function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) =>
    permutations(items.filter((_, at) => at !== index)).map((rest) => [item, ...rest]),
  );
}
