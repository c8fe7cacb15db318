import {
  associateAddress,
  describeAddresses,
  describeInstanceStatus,
  describeInstances,
  disassociateAddress,
} from './ec2.ts';
import { ec2Errors, expiredError, serverError, throttledError, unauthorizedError } from './errors.ts';
import { consultFaults, type FaultEffect } from './faults.ts';
import { type AwsAction, type Caller, serviceOf } from './names.ts';
import { externalIp } from './network.ts';
import {
  associateElasticIp,
  describeElasticIps,
  describeOpsworksInstances,
  disassociateElasticIp,
} from './opsworks.ts';
import { type Applied, unchanged } from './outcome.ts';
import { isRefusedByPolicy, type Policies } from './policy.ts';
import {
  assignIpv6Addresses,
  assignPrivateIpAddresses,
  describeNetworkInterfaces,
  unassignIpv6Addresses,
  unassignPrivateIpAddresses,
} from './private-ips.ts';
import { type AwsError, type AwsRequest, isDryRun, isRead } from './requests.ts';
import { describeRouteTables, setRoute } from './routes.ts';
import { getSecretValue } from './secrets.ts';
import { getTopicAttributes, publish } from './sns.ts';
import { type AwsConfig, type AwsState, draw, type Facts, factsAt, uuidOf } from './state.ts';
import { arnOf, assumeRole, callerIdentity } from './sts.ts';
import { describeSubnets } from './subnets.ts';

/** How long a call travels and works when nothing is wrong; drawn by the host. */
export interface CallLatency {
  readonly applyAfterMs: number;
  readonly answerAfterMs: number;
}

/** When, if ever, a call takes effect. */
export type ApplyPlan = { readonly kind: 'never' } | { readonly kind: 'at'; readonly atMs: number };

/** When, if ever, a call is answered, and with what. An `outcome` never comes before the call is applied. */
export type ReplyPlan =
  | { readonly kind: 'never' }
  | { readonly kind: 'reset'; readonly atMs: number }
  | { readonly kind: 'outcome'; readonly atMs: number }
  | { readonly kind: 'error'; readonly atMs: number; readonly error: AwsError };

/**
 * What will become of a call, decided as it arrives. The host (virtual time, or a server on real timers) carries it out:
 * `applyCall` at `apply.atMs`, and at `reply.atMs` the answer.
 */
export interface CallPlan {
  readonly requestId: string;
  readonly caller: Caller;
  readonly request: AwsRequest;
  readonly arrivedAtMs: number;
  readonly apply: ApplyPlan;
  readonly reply: ReplyPlan;
  /** How old the facts are that this call, if it is a read, will see. */
  readonly readLagMs: number;
  /** The fault that shaped it, for logs and coverage. */
  readonly fault: { readonly id: number; readonly kind: FaultEffect['kind'] } | null;
}

/** Takes a call in: who may, what goes wrong, and when things happen. */
export function beginCall(
  state: AwsState,
  request: AwsRequest,
  caller: Caller,
  atMs: number,
  latency: CallLatency,
  policies: Policies = new Map(),
): { readonly state: AwsState; readonly plan: CallPlan } {
  const [number, numbered] = draw(state, 'request');
  const applyAtMs = atMs + latency.applyAfterMs;
  const replyAtMs = applyAtMs + latency.answerAfterMs;
  const healthy: CallPlan = {
    requestId: uuidOf(1, number),
    caller,
    request,
    arrivedAtMs: atMs,
    apply: { kind: 'at', atMs: applyAtMs },
    reply: { kind: 'outcome', atMs: replyAtMs },
    readLagMs: 0,
    fault: null,
  };
  if (caller.kind === 'instance' && externalIp(state, caller.instanceId, atMs).kind === 'none') {
    // The request never leaves the instance: no service sees it, and no fault is used up.
    return { state: numbered, plan: { ...healthy, apply: { kind: 'never' }, reply: { kind: 'never' } } };
  }
  const verdict = consultFaults(numbered.faults, request.action, caller, isDryRun(request));
  const after: AwsState = { ...numbered, faults: verdict.faults };
  const refusal = standingRefusal(after, request, caller, policies);
  const plan: CallPlan =
    refusal === null
      ? healthy
      : { ...healthy, apply: { kind: 'never' }, reply: { kind: 'error', atMs: replyAtMs, error: refusal } };
  if (verdict.hit === null) return { state: after, plan };
  const { effect, faultId, hitNumber } = verdict.hit;
  return {
    state: after,
    plan: { ...bend(plan, effect, hitNumber, state.config), fault: { id: faultId, kind: effect.kind } },
  };
}

/** The action of a call with the permission its dry run would prove. */
function standingRefusal(
  state: AwsState,
  request: AwsRequest,
  caller: Caller,
  policies: Policies,
): AwsError | null {
  if (isRevoked(state, caller, request.action) || isRefusedByPolicy(policies, state, request, caller)) {
    return unauthorizedError(request.action, arnOf(state.config, caller));
  }
  return isDryRun(request) ? ec2Errors.dryRun() : null;
}

/** The name under which IAM keeps a permission taken from an instance's role. */
export function revocation(instanceId: string, action: AwsAction): string {
  return `${instanceId} ${action}`;
}

function isRevoked(state: AwsState, caller: Caller, action: AwsAction): boolean {
  if (caller.kind !== 'instance' || caller.role !== undefined || action === 'sts:GetCallerIdentity')
    return false;
  return state.revoked.has(revocation(caller.instanceId, action));
}

/** What a fault makes of a plan. A call that is refused anyway is never applied, whatever the fault. */
function bend(plan: CallPlan, effect: FaultEffect, hitNumber: number, config: AwsConfig): CallPlan {
  const { request } = plan;
  const service = serviceOf(request.action);
  const replyAtMs = plan.reply.kind === 'never' ? plan.arrivedAtMs : plan.reply.atMs;
  const refuse = (error: AwsError): CallPlan => ({
    ...plan,
    apply: { kind: 'never' },
    reply: { kind: 'error', atMs: replyAtMs, error },
  });
  switch (effect.kind) {
    case 'throttle':
      return refuse(throttledError(service));
    case 'server-error':
      return refuse(serverError(service, effect.status));
    case 'refuse':
      return refuse({ code: effect.code, message: effect.message, status: effect.status });
    case 'unauthorized':
      return refuse(unauthorizedError(request.action, arnOf(config, plan.caller)));
    case 'expired':
      return refuse(expiredError(service));
    case 'hang':
      return { ...plan, apply: { kind: 'never' }, reply: { kind: 'never' } };
    case 'reset':
      return { ...plan, apply: { kind: 'never' }, reply: { kind: 'reset', atMs: replyAtMs } };
    case 'apply-then-hang':
      return { ...plan, reply: { kind: 'never' } };
    case 'apply-then-reset':
      return { ...plan, reply: { kind: 'reset', atMs: replyAtMs } };
    case 'apply-then-error':
      return {
        ...plan,
        reply: { kind: 'error', atMs: replyAtMs, error: serverError(service, effect.status) },
      };
    case 'apply-late':
      return { ...plan, apply: later(plan.apply, effect.applyAfterMs), reply: { kind: 'never' } };
    case 'slow':
      return {
        ...plan,
        apply: later(plan.apply, effect.applyAfterMs),
        reply: laterReply(plan.reply, effect.applyAfterMs + effect.answerAfterMs),
      };
    case 'stale':
      return { ...plan, readLagMs: effect.lagMs };
    case 'non-monotonic':
      return { ...plan, readLagMs: hitNumber % 2 === 1 ? effect.lagMs : 0 };
  }
}

function later(apply: ApplyPlan, byMs: number): ApplyPlan {
  return apply.kind === 'never' ? apply : { kind: 'at', atMs: apply.atMs + byMs };
}

function laterReply(reply: ReplyPlan, byMs: number): ReplyPlan {
  return reply.kind === 'never' ? reply : { ...reply, atMs: reply.atMs + byMs };
}

/** Carries a call out. Call it at `plan.apply.atMs`, once, and not at all when that is `never`. */
export function applyCall(state: AwsState, plan: CallPlan, atMs: number): Applied {
  const { request, caller } = plan;
  const facts: Facts = isRead(request.action) ? factsAt(state, atMs - plan.readLagMs) : state;
  switch (request.action) {
    case 'ec2:DescribeAddresses':
      return unchanged(state, describeAddresses(facts, request));
    case 'ec2:AssociateAddress':
      return associateAddress(state, request, caller, atMs);
    case 'ec2:DisassociateAddress':
      return disassociateAddress(state, request, caller, atMs);
    case 'ec2:DescribeInstances':
      return unchanged(state, describeInstances(facts, request, atMs));
    case 'ec2:DescribeInstanceStatus':
      return unchanged(state, describeInstanceStatus(facts, request));
    case 'ec2:DescribeNetworkInterfaces':
      return unchanged(state, describeNetworkInterfaces(facts, request, atMs - plan.readLagMs));
    case 'ec2:AssignPrivateIpAddresses':
      return assignPrivateIpAddresses(state, request, caller, atMs);
    case 'ec2:UnassignPrivateIpAddresses':
      return unassignPrivateIpAddresses(state, request, caller, atMs);
    case 'ec2:AssignIpv6Addresses':
      return assignIpv6Addresses(state, request, caller, atMs);
    case 'ec2:UnassignIpv6Addresses':
      return unassignIpv6Addresses(state, request, caller, atMs);
    case 'ec2:DescribeSubnets':
      return unchanged(state, describeSubnets(facts, request));
    case 'ec2:DescribeRouteTables':
      return unchanged(state, describeRouteTables(facts, request));
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
      return setRoute(state, request, caller, atMs);
    case 'opsworks:AssociateElasticIp':
      return associateElasticIp(state, request, caller, atMs);
    case 'opsworks:DisassociateElasticIp':
      return disassociateElasticIp(state, request, caller, atMs);
    case 'opsworks:DescribeElasticIps':
      return unchanged(state, describeElasticIps(facts, state.config, request));
    case 'opsworks:DescribeInstances':
      return unchanged(state, describeOpsworksInstances(facts, state.config, request, atMs));
    case 'secretsmanager:GetSecretValue':
      return unchanged(state, getSecretValue(state, request));
    case 'sns:Publish':
      return publish(state, request, caller, atMs);
    case 'sns:GetTopicAttributes':
      return unchanged(state, getTopicAttributes(state, request));
    case 'sts:AssumeRole':
      return unchanged(state, assumeRole(state.config, request, caller));
    case 'sts:GetCallerIdentity':
      return unchanged(state, callerIdentity(state.config, caller));
  }
}
