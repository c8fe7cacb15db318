/**
 * The drivers that call AWS and the notifier over the model of AWS. What they ask, and what they make of the
 * answers, is the agent's own (`@failtome/ports`); here it is carried in virtual time.
 */

import type { AwsRequest, Caller } from '@failtome/cloud/model';
import {
  type AwsCall,
  type CallOutcome,
  createEc2Calls,
  createPrivateIpCalls,
  createRouteCalls,
  type DriverRun,
  type Ec2Address,
  FIRST_READ_SHARE,
  isRepeatable,
  operationOf,
  opsworksRun,
  publishResultOf,
  READ_ATTEMPTS,
  READ_BACKOFF_MS,
  resultOf,
  worthRepeating,
} from '@failtome/ports';
import type {
  CloudRequest,
  DriveEffect,
  DriverOperation,
  DriverResult,
  Ip,
  PublishEffect,
  PublishResult,
} from '@failtome/protocol';
import type { CallEnd, Cloud } from './cloud.ts';
import { outcomeOf, requestOf } from './driver-calls.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { SimDriverKind } from './settings.ts';

/** Who drives, and what is known of the addresses beforehand. */
export interface DriverSpec {
  readonly kind: SimDriverKind;
  readonly instanceId: string;
  readonly addresses: readonly Ec2Address[];
  readonly topicArn: string;
  /** The time in which reads are sent again; null: every call is sent once. */
  readonly time: { readonly queue: EventQueue; readonly random: Random } | null;
}

/** What a driver heeds of a call. */
export type DriverCall = Pick<DriveEffect, 'address' | 'operation'>;

/** What moves addresses and publishes, for one run of a node. */
export interface SimDriver {
  /**
   * @param enter how an answer of AWS reaches the process: now, when it goes on, or never
   * @param done called once, from within `enter` or before this has returned
   */
  drive(
    call: DriverCall,
    until: number,
    enter: (work: () => void) => void,
    done: (result: DriverResult) => void,
  ): void;
  publish(effect: PublishEffect, until: number, done: (result: PublishResult) => void): void;
}

/** What a publication is, as `operationOf` would name it. */
const PUBLISH = { service: 'sns', operation: 'Publish' };

type Send = (done: (outcome: CallOutcome) => void) => void;

/** The driver of one run of a process: what it has learnt ends with it. */
export function createDriver(cloud: Cloud, spec: DriverSpec): SimDriver {
  const caller: Caller = { kind: 'instance', instanceId: spec.instanceId };
  const run = runOf(cloud, spec);

  function sendAll(
    calls: readonly AwsCall[],
    until: number,
    record: (request: CloudRequest) => void,
    done: (outcomes: readonly CallOutcome[]) => void,
  ): void {
    const outcomes: CallOutcome[] = [];
    let left = calls.length;
    for (const [index, call] of calls.entries()) {
      const once: Send = (answered) =>
        cloud.call(requestOf(call), caller, until, (end) => {
          record(requestMade(operationOf(call), end));
          answered(outcomeOf(end));
        });
      const ended = (outcome: CallOutcome): void => {
        outcomes[index] = outcome;
        left -= 1;
        if (left === 0) done(outcomes);
      };
      if (spec.time === null || !isRepeatable(call)) once(ended);
      else repeatedly(once, spec.time, until, ended);
    }
  }

  return {
    drive({ address, operation }, until, enter, done) {
      const running = run(address, operation);
      const requests: CloudRequest[] = [];
      const goOn = (outcomes: readonly CallOutcome[]): void => {
        const step = running.next(outcomes);
        // A copy: a read that was asked for side by side may be answered later, and what was told stays as it was.
        if (step.done === true) return done({ answer: step.value, requests: [...requests] });
        sendAll(
          step.value,
          until,
          (request) => requests.push(request),
          (ends) => enter(() => goOn(ends)),
        );
      };
      goOn([]);
    },
    publish({ subject, message }, until, done) {
      const request: AwsRequest = { action: 'sns:Publish', topicArn: spec.topicArn, subject, message };
      cloud.call(request, caller, until, (end) =>
        done(publishResultOf(outcomeOf(end), requestMade(PUBLISH, end))),
      );
    },
  };
}

function runOf(cloud: Cloud, spec: DriverSpec): (ip: Ip, operation: DriverOperation) => DriverRun {
  const onto = { ...spec, networkInterfaceId: null };
  if (spec.kind === 'ec2') return createEc2Calls(onto).run;
  if (spec.kind === 'ec2-private-ip') return createPrivateIpCalls(onto).run;
  if (spec.kind === 'ec2-route') return createRouteCalls({ ...onto, routeTables: tablesIn(cloud) }).run;
  const own = cloud.state().instances.get(spec.instanceId)?.opsworksId ?? '';
  return (ip, operation) => opsworksRun(own, ip, operation);
}

/** All that the account has. */
function tablesIn(cloud: Cloud): readonly string[] {
  const addresses = [...cloud.state().addresses.values()];
  return [...new Set(addresses.flatMap(({ routes = {} }) => Object.keys(routes)))];
}

/** As the agent sends a read: once more when it fails, and the first time with a second one beside it when it lasts. */
function repeatedly(
  once: Send,
  { queue, random }: NonNullable<DriverSpec['time']>,
  until: number,
  done: (outcome: CallOutcome) => void,
): void {
  const [least, most] = READ_BACKOFF_MS;
  const attempt = (number: number, send: Send): void =>
    send((outcome) => {
      const again = outcome.kind === 'failed' && worthRepeating(outcome.failure);
      const waitMs = Math.min(most, random.between(1, 2) * least * 2 ** (number - 1));
      if (!again || number === READ_ATTEMPTS || queue.now() + waitMs >= until) return done(outcome);
      queue.after(waitMs, () => attempt(number + 1, once));
    });
  attempt(1, (answered) => {
    let underWay = 1;
    let over = false;
    const ended = (outcome: CallOutcome): void => {
      underWay -= 1;
      if (over || (outcome.kind === 'failed' && underWay > 0)) return;
      over = true;
      answered(outcome);
    };
    queue.after((until - queue.now()) * FIRST_READ_SHARE, () => {
      if (over) return;
      underWay += 1;
      once(ended);
    });
    once(ended);
  });
}

/** A request that was made, as it is counted. */
function requestMade(
  { service, operation }: Pick<CloudRequest, 'service' | 'operation'>,
  end: CallEnd,
): CloudRequest {
  const outcome = outcomeOf(end);
  const failure = outcome.kind === 'ok' ? null : outcome.failure;
  return {
    service,
    operation,
    result: resultOf(failure),
    code: failure?.code ?? null,
    requestId: 'requestId' in end ? end.requestId : null,
    durationMs: 0,
  };
}
