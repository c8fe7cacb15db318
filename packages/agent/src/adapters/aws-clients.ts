/**
 * The AWS clients of one agent: made once, warmed at start, all over one pool of connections.
 *
 * - One attempt a call. What may be repeated (reads) is repeated here, within the caller's time; a call
 *   that moves something never is.
 * - Endpoints, credentials and profile come from the SDK's standard environment.
 * - The credentials are one for all clients, but for the driver's where a role is assumed, and asked for again when a call is refused because of them
 *   (`credentials.ts`). Such a refusal is definite, so the call is sent once more if there are others.
 */

import { setTimeout } from 'node:timers/promises';
import { EC2Client } from '@aws-sdk/client-ec2';
import { OpsWorksClient } from '@aws-sdk/client-opsworks';
import { SNSClient } from '@aws-sdk/client-sns';
import { type AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import {
  areBadCredentials,
  type CallOutcome,
  CONNECT_TIMEOUT_MS,
  DRY_RUN_PASSED,
  FIRST_READ_SHARE,
  MALFORMED_CODE,
  READ_ATTEMPTS,
  READ_BACKOFF_MS,
  resultOf,
  TIMED_OUT,
  unknown,
  worthRepeating,
} from '@failtome/ports';
import type { CloudRequest, DurationMs } from '@failtome/protocol';
import pRetry from 'p-retry';
import { topicRegion } from '../config/aws-names.ts';
import { boundAllAnswers } from './answer-bounds.ts';
import { type AskSts, assumedRole, type RoleToAssume } from './assumed-role.ts';
import { boundedAnswers } from './aws-answers.ts';
import { type Connections, createConnections } from './aws-connections.ts';
import { failureOf, requestIdOf } from './aws-failure.ts';
import { type AwsIdentity, Credentials } from './credentials.ts';

/** The last resort behind the time-out that each call brings along. */
const REQUEST_TIMEOUT_MS: DurationMs = 30_000;

/** Shorter than what is waited for a source of credentials. */
const ASSUME_TIMEOUT_MS: DurationMs = 4_000;
/** Which clients an agent needs, and for where. */
export interface AwsClientsOptions {
  /** Null: as the SDK finds it (`AWS_REGION`, then the profile).  */
  readonly region: string | null;
  /** The topic to publish to; its own region counts. Null: nothing is published. */
  readonly topicArn: string | null;
  /** What the driver's calls are made as; null or absent: as the node itself. */
  readonly role?: RoleToAssume | null;
}

/** What every client of one agent is made with, for one that only a single command needs. */
export interface SharedSettings {
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly httpAgent: Connections['httpAgent'];
    readonly httpsAgent: Connections['httpsAgent'];
    readonly connectionTimeout: DurationMs;
    readonly requestTimeout: DurationMs;
    readonly throwOnRequestTimeout: boolean;
  };
  readonly region?: string;
  readonly credentials: Credentials<AwsIdentity>['provider'];
}

/** The AWS clients of one agent, on one pool of connections and one set of credentials. */
export interface AwsClients {
  readonly region: string | null;
  readonly ec2: EC2Client;
  readonly opsworks: OpsWorksClient;
  readonly sns: SNSClient;
  readonly sts: STSClient;
  readonly shared: SharedSettings;
  readonly connections: Connections;
  readonly credentials: Credentials<AwsIdentity>;
  /** Of EC2 and OpsWorks: the same, or those of a role that is assumed. */
  readonly driverCredentials: Credentials<AwsIdentity>;
  /** Ends all calls and closes all connections. */
  close(): void;
}

/** What an adapter knows of the time and the book-keeping of one effect. */
export interface CallContext {
  readonly signal: AbortSignal;
  /** When `signal` fires, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly record: (request: CloudRequest) => void;
}

/** What the SDK is told beside the command. */
export interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/** One request to AWS. */
export interface AwsRequest<Output> {
  readonly service: 'dynamodb' | 'ec2' | 'opsworks' | 'secretsmanager' | 'sns' | 'sts';
  /** As it stands in metrics and history. */
  readonly operation: string;
  readonly send: (options: SendOptions) => Promise<Output>;
}

/** Build the clients. Nothing is sent yet. */
export function createAwsClients({ region, topicArn, role = null }: AwsClientsOptions): AwsClients {
  const connections = createConnections();
  const { httpAgent, httpsAgent } = connections;
  const common = {
    maxAttempts: 1,
    requestHandler: {
      httpAgent,
      httpsAgent,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  } as const;
  const regional = region === null ? common : { ...common, region };
  const credentials = createCredentials(region);
  const lent: SharedSettings = { ...regional, credentials: credentials.provider };
  const askSts: AskSts = (command) => {
    const send = (options: SendOptions): Promise<AssumeRoleCommandOutput> => sts.send(command, options);
    const context = contextFor(ASSUME_TIMEOUT_MS, () => undefined);
    return callAws(clients, { service: 'sts', operation: 'AssumeRole', send }, context);
  };
  const driverCredentials = role === null ? credentials : assumedRole(role, askSts);
  const driving = { ...regional, credentials: driverCredentials.provider };
  const ec2 = new EC2Client(driving);
  const publishRegion = topicArn === null ? null : topicRegion(topicArn);
  const opsworks = new OpsWorksClient(driving);
  const sns = new SNSClient(publishRegion === null ? lent : { ...lent, region: publishRegion });
  const sts = new STSClient(lent);
  for (const client of [ec2, opsworks, sns, sts]) client.middlewareStack.use(boundedAnswers);
  const unbound = boundAllAnswers();
  const close = (): void => {
    connections.close();
    unbound();
  };
  const clients: AwsClients = {
    region,
    ec2,
    opsworks,
    sns,
    sts,
    shared: lent,
    connections,
    credentials,
    driverCredentials,
    close,
  };
  return clients;
}

/**
 * The SDK's own chain, made anew for each ask, because each link of it remembers.
 * A profile that assumes a role asks STS in `region`, like a client's own chain.
 */
function createCredentials(region: string | null): Credentials<AwsIdentity> {
  const parentClientConfig = region === null ? {} : { parentClientConfig: { region } };
  const options = { ignoreCache: true, clientPlugins: [boundedAnswers], ...parentClientConfig };
  return new Credentials({ ask: (properties) => defaultProvider(options)(properties) });
}

/** A context of its own, for calls that belong to no effect. */
export function contextFor(timeoutMs: DurationMs, record: CallContext['record']): CallContext {
  return { signal: AbortSignal.timeout(timeoutMs), deadline: performance.now() + timeoutMs, record };
}

/** What a call needs to know of the clients. */
type Caller = Pick<AwsClients, 'credentials' | 'driverCredentials' | 'connections'>;

/**
 * Send once; a second time only when the credentials were refused and others are there by now, because such a
 * refusal is certain to have changed nothing. Never throws: whatever goes wrong is classified.
 */
export async function callAws<Output>(
  clients: Caller,
  call: AwsRequest<Output>,
  context: CallContext,
): Promise<CallOutcome<Output>> {
  const first = await sendAndLearn(clients, call, context);
  if (!first.renewed || context.signal.aborted) return first.outcome;
  return (await sendAndLearn(clients, call, context)).outcome;
}

/** What the answer says of the credentials is told to them; `renewed`: it refused them, and there are others now. */
async function sendAndLearn<Output>(
  clients: Caller,
  call: AwsRequest<Output>,
  context: CallContext,
): Promise<{ readonly outcome: CallOutcome<Output>; readonly renewed: boolean }> {
  const isDriving = call.service === 'ec2' || call.service === 'opsworks';
  const credentials = isDriving ? clients.driverCredentials : clients.credentials;
  const { generation } = credentials;
  const outcome = await sendOnce(clients, call, context);
  if (outcome.kind === 'ok' || outcome.failure.code === DRY_RUN_PASSED) credentials.accepted(generation);
  else if (areBadCredentials(outcome.failure))
    return { outcome, renewed: await credentials.refused(generation, outcome.failure.code) };
  return { outcome, renewed: false };
}

/** An unknown answer also empties the pool. */
async function sendOnce<Output>(
  clients: Caller,
  call: AwsRequest<Output>,
  context: CallContext,
): Promise<CallOutcome<Output>> {
  const startedAt = performance.now();
  const { service, operation } = call;
  const told = (request: Pick<CloudRequest, 'result' | 'code' | 'requestId'>) =>
    context.record({ service, operation, ...request, durationMs: performance.now() - startedAt });
  try {
    const output = await call.send({ abortSignal: context.signal });
    told({ result: 'ok', code: null, requestId: requestIdOf(output) });
    return { kind: 'ok', output };
  } catch (error) {
    const failure = failureOf(error, context.signal.aborted);
    told({ result: resultOf(failure), code: failure.code, requestId: requestIdOf(error) });
    if (failure.kind === 'unknown') clients.connections.renew(0);
    return { kind: 'failed', failure };
  }
}

/** Send a read, and again while that may help and time is left: repeating a read changes nothing. */
export async function readAws<Output>(
  clients: AwsClients,
  call: AwsRequest<Output>,
  context: CallContext,
): Promise<CallOutcome<Output>> {
  let last: CallOutcome<Output> = {
    kind: 'failed',
    failure: TIMED_OUT,
  };
  const attempt = async (number: number): Promise<void> => {
    last = number === 1 ? await hedged(clients, call, context) : await callAws(clients, call, context);
    if (last.kind === 'failed' && worthRepeating(last.failure)) throw new ReadFailed(last.failure.code);
  };
  try {
    await pRetry(attempt, {
      retries: READ_ATTEMPTS - 1,
      minTimeout: READ_BACKOFF_MS[0],
      maxTimeout: READ_BACKOFF_MS[1],
      randomize: true,
      signal: context.signal,
    });
  } catch (error) {
    if (!(error instanceof ReadFailed) && !context.signal.aborted) throw error;
  }
  return last;
}

/** Tells `pRetry` to go on; what it stands for is kept beside it. */
class ReadFailed extends Error {}

/**
 * The connection that the first read went out on may be dead without anybody knowing, or the cloud may only be slow: a
 * second read goes out beside it, and the first that is answered counts.
 */
async function hedged<Output>(
  clients: AwsClients,
  call: AwsRequest<Output>,
  context: CallContext,
): Promise<CallOutcome<Output>> {
  const overtaken = new AbortController();
  const signal = AbortSignal.any([context.signal, overtaken.signal]);
  const first = callAws(clients, call, { ...context, signal });
  const waitMs = Math.max(1, Math.round((context.deadline - performance.now()) * FIRST_READ_SHARE));
  const timer = new AbortController();
  const answered = await Promise.race([first, setTimeout(waitMs, null, { signal: timer.signal })]);
  timer.abort();
  if (answered !== null) return answered;
  clients.connections.renew(0);
  const both = [first, callAws(clients, call, context)];
  const good = both.map(async (one) => {
    const outcome = await one;
    if (outcome.kind === 'failed') throw new ReadFailed(outcome.failure.code);
    return outcome;
  });
  const outcome = await Promise.any(good).catch(() => first);
  overtaken.abort();
  return outcome;
}

/** A request, and what of its answer counts; null: an answer without it. */
export interface AwsQuestion<Answer, Output> extends AwsRequest<Answer> {
  /** Sending it twice changes nothing. */
  readonly repeatable: boolean;
  readonly read: (answer: Answer) => Output | null;
}

/** Ask, and ask again where that may help and changes nothing. */
export async function ask<Answer, Output>(
  clients: AwsClients,
  { repeatable, read, ...request }: AwsQuestion<Answer, Output>,
  context: CallContext,
): Promise<CallOutcome<Output>> {
  const outcome = await (repeatable ? readAws : callAws)(clients, request, context);
  if (outcome.kind === 'failed') return outcome;
  const output = read(outcome.output);
  if (output !== null) return { kind: 'ok', output };
  const told = `${request.operation} answered without what it must tell`;
  return { kind: 'failed', failure: unknown(MALFORMED_CODE, told) };
}
