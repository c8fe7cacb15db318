/**
 * The cloud in the explored world: the drivers and the model of AWS that the simulator has, one call at a time.
 */

import { type AwsEvent, type AwsState, applyCall, beginCall, createAws } from '@failtome/cloud/model';
import type { Ec2Address } from '@failtome/ports';
import type { DriverResult, PublishResult } from '@failtome/protocol';
import type { CallEnd, Cloud } from '../world/cloud.ts';
import { createDriver } from '../world/drivers.ts';
import { instanceIdOf, landingOf, opsworksIdOf } from '../world/settings.ts';
import { TOPIC } from '../world/spec.ts';
import { ASSOCIATION_SETTLE_MS, AUTO_ADDRESS_MS, addressesOf, type Bounds, configsOf } from './bounds.ts';
import type { Call } from './explored-data.ts';
import { hashBag, hashOf, mix } from './hash.ts';

/** The account at the beginning: every address with the first node. */
export function createAccount(bounds: Bounds): AwsState {
  const ips = addressesOf(bounds.addresses);
  return createAws({
    instances: configsOf(bounds).map(({ node }, index) => {
      const [first = landingOf(index, 0), ...others] = ips.map((_, at) => landingOf(index, at));
      return {
        id: instanceIdOf(index),
        opsworksId: opsworksIdOf(index),
        hostname: node.id,
        privateIps: [[first, ...others]],
      };
    }),
    addresses: ips.map((publicIp, at) => ({
      publicIp,
      holder: instanceIdOf(0),
      privateIp: landingOf(0, at),
    })),
    topics: [TOPIC],
    config: { associationSettleMs: ASSOCIATION_SETTLE_MS, autoAddressDelayMs: AUTO_ADDRESS_MS },
  });
}

/** A call to AWS. */
export type CloudCall = Exclude<Call, { purpose: 'arbiter' }>;

/** AWS after a call, and its answer. */
export interface Carried {
  readonly aws: AwsState;
  readonly events: readonly AwsEvent[];
  readonly driven: DriverResult | null;
  readonly published: PublishResult | null;
}

/**
 * Carry a call out at once.
 *
 * @param lagMs how old the facts are that a read sees
 */
export function carryOut(
  aws: AwsState,
  call: CloudCall,
  addresses: readonly string[],
  t: number,
  lagMs: number,
): Carried {
  let state = aws;
  let driven: DriverResult | null = null;
  let published: PublishResult | null = null;
  const events: AwsEvent[] = [];
  const cloud: Cloud = {
    state: () => state,
    call(request, caller, _until, done) {
      const begun = beginCall(state, request, caller, t, { applyAfterMs: 0, answerAfterMs: 0 });
      state = begun.state;
      const { plan } = begun;
      if (plan.reply.kind === 'error')
        return done({ ...plan.reply.error, kind: 'error', requestId: plan.requestId });
      const applied = applyCall(state, { ...plan, readLagMs: lagMs }, t);
      state = applied.state;
      events.push(...applied.events);
      const { outcome } = applied;
      const end: CallEnd =
        outcome.kind === 'ok'
          ? { kind: 'ok', result: outcome.result, requestId: plan.requestId }
          : { ...outcome.error, kind: 'error', requestId: plan.requestId };
      done(end);
    },
    change: unused,
    arm: unused,
    clear: unused,
  };
  const driver = createDriver(cloud, {
    kind: 'ec2',
    instanceId: instanceIdOf(call.node),
    addresses: addresses.map((ip, at) => learnt(aws, ip, call.node, landingOf(call.node, at))),
    topicArn: TOPIC,
    time: null,
  });
  if (call.purpose === 'publish')
    driver.publish(call.operation, call.until, (result) => {
      published = result;
    });
  else {
    const { address, operation } = call;
    driver.drive({ address, operation }, call.until, atOnce, (result) => {
      driven = result;
    });
  }
  return { aws: state, events, driven, published };
}

/** What never changes in this world, a driver has learnt by its first call. */
function learnt(aws: AwsState, ip: string, node: number, privateIp: string): Ec2Address {
  const networkInterfaceId = aws.instances.get(instanceIdOf(node))?.interfaces[0].id ?? '';
  return {
    ip,
    allocationId: aws.addresses.get(ip)?.allocationId ?? null,
    privateIp,
    target: { kind: 'interface', networkInterfaceId, privateIp, only: true },
  };
}

/** Nothing happens to a node in the middle of a call. */
function atOnce(work: () => void): void {
  work();
}

/** What calls, probes and reads can find there; how many requests there have been is nothing to them. */
export function hashAws(aws: AwsState): number {
  let hash = hashFacts(aws);
  hash = mix(hash, aws.counters.association);
  hash = mix(hash, aws.counters.autoAddress);
  for (const past of aws.past) hash = mix(mix(hash, past.untilMs), hashFacts(past));
  return hash;
}

const known = new WeakMap<object, number>();

function hashFacts({ instances, addresses }: Pick<AwsState, 'instances' | 'addresses'>): number {
  return mix(hashMap(instances), hashMap(addresses));
}

function hashMap(map: ReadonlyMap<string, object>): number {
  const before = known.get(map);
  if (before !== undefined) return before;
  const hash = hashBag([...map].map(([key, value]) => mix(hashOf(key), hashOf(value))));
  known.set(map, hash);
  return hash;
}

function unused(): never {
  throw new Error('the explored cloud is changed by calls alone');
}
