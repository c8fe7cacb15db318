/**
 * The calls to the cloud that arrive in one quantum: carried out in each order, failed where a fault says so, and
 * answered.
 */
import { type AwsEvent, externalIp } from '@failtome/cloud/model';
import { instanceIdOf } from '../world/settings.ts';
import { QUANTUM_MS } from './bounds.ts';
import { type Carried, carryOut } from './explored-cloud.ts';
import type { Call, NodeEvent, Pending, SimNode } from './explored-data.ts';
import { callWith, eventOf } from './explored-node.ts';
import type { Global } from './explored-world.ts';
import type { Variant } from './faults.ts';

/** A stale read shows the world as it was before anything of this quantum and the last few. */
const STALE_MS = 400;

/** The world after its calls, and what they answer. */
export interface Called {
  readonly g: Global;
  readonly answers: readonly { readonly node: number; readonly event: NodeEvent }[];
  readonly told: readonly string[];
  /** What has changed in the cloud. */
  readonly events: readonly AwsEvent[];
}

/** Orders of the calls that arrive now. Reads see what is there, and who reads first is nothing to them. */
export function callOrders(g: Global, all: boolean): readonly (readonly Call[])[] {
  const due = g.calls.filter(({ appliesAt }) => appliesAt <= g.t).sort((a, b) => a.hash - b.hash);
  const changing = due.filter(({ operation }) => 'op' in operation && isChange(operation.op));
  if (!all || changing.length === 0 || due.length < 2) return [due];
  return permutations(due);
}

function isChange(op: string): boolean {
  return op === 'release' || op === 'take';
}

/** Carry out the calls of a moment in one order. */
export function withCalls(
  { g, callFaults }: Variant,
  order: readonly Call[],
  ips: readonly string[],
): Called {
  let { aws } = g;
  let calls = g.calls.filter(({ appliesAt }) => appliesAt > g.t);
  const answers: { node: number; event: NodeEvent }[] = [];
  const told: string[] = [];
  const events: AwsEvent[] = [];
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
    const applies = fault !== 'throttled' && fault !== 'error' && fault !== 'hang';
    const lagMs = fault === 'stale' ? STALE_MS : 0;
    const carried = applies ? carryOut(aws, call, ips, g.t, lagMs) : null;
    if (carried !== null) {
      aws = carried.aws;
      events.push(...carried.events);
      told.push(describeCall(g, call, carried));
    }
    if (fault === 'hang' || fault === 'applied-hang' || call.answer === 'lost') continue;
    answer(call, fault === undefined || fault === 'stale' ? carried : { fault });
  }
  return { g: { ...g, aws, calls }, answers, told, events };

  function answer(call: Call, what: Carried | { readonly fault: string } | null): void {
    const node = g.nodes[call.node];
    if (node === undefined || node.core.state.session !== call.session) return;
    const event = answerOf(node, call, what);
    if (event !== null) answers.push({ node: call.node, event });
  }
}

function answerOf(
  node: SimNode,
  call: Call,
  what: Carried | { readonly fault: string } | null,
): NodeEvent | null {
  if (call.purpose === 'publish') {
    const { operation } = call;
    if (!('message' in operation)) return null;
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
  if (waiting === undefined || what === null) return null;
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

function describeCall(g: Global, { node, operation, address }: Call, { driven, published }: Carried): string {
  const who = g.nodes[node]?.id ?? '';
  if (!('op' in operation)) return `${who} publishes: ${published?.kind}`;
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
