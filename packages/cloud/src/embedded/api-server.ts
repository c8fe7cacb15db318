import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AwsError,
  type AwsOutcome,
  type AwsResult,
  type AwsService,
  applyCall,
  beginCall,
  type Caller,
  type CallLatency,
  type CallPlan,
  expiredError,
  type Policies,
} from '../model/index.ts';
import { ApiSockets, type MoveEffect } from './api-sockets.ts';
import type { Control } from './control.ts';
import type { Credentials } from './credentials.ts';
import { cut, httpServer, readBody, send } from './http-parts.ts';
import type { LiveAccount } from './live-account.ts';
import { opsworksAnswer, opsworksError, parseOpsworks } from './opsworks-json.ts';
import { type KeyFor, queryAnswer, queryError } from './query-answer.ts';
import { type Parsed, parseQuery } from './query-request.ts';
import { parseSecrets, secretsAnswer, secretsTarget } from './secrets-json.ts';
import { type Authorization, parseAuthorization, type SignatureFault, verifySignature } from './sigv4.ts';
import { type Endpoint, TogglableListener } from './togglable-listener.ts';

/** The largest request that is read: SNS's bound of 256 KiB, form-encoded at its worst. */
const bodyBoundBytes = 1_048_576;

/** How the API behaves beyond the model. */
export interface ApiOptions extends Endpoint {
  readonly latency: CallLatency;
  readonly moveEffect: MoveEffect;
}

/** What the API needs of the rest of the cloud. */
export interface ApiDependencies {
  readonly account: LiveAccount;
  readonly credentials: Credentials;
  /** What roles are held to. */
  readonly policies: Policies;
  /** Absent: nobody from outside may steer the cloud. */
  readonly control: Control | null;
}

/** Who called, or why nobody may know. */
type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'error'; readonly error: AwsError };

/** EC2, OpsWorks, Secrets Manager, SNS and STS behind one port, told apart by what the request is signed for. */
export class ApiServer {
  readonly #options: ApiOptions;
  readonly #account: LiveAccount;
  readonly #credentials: Credentials;
  readonly #policies: Policies;
  readonly #control: Control | null;
  readonly #sockets: ApiSockets;
  /** Where it answers. */
  readonly listener: TogglableListener;

  constructor(options: ApiOptions, { account, credentials, policies, control }: ApiDependencies) {
    this.#options = options;
    this.#account = account;
    this.#credentials = credentials;
    this.#policies = policies;
    this.#control = control;
    this.#sockets = new ApiSockets(account, options.moveEffect);
    this.listener = new TogglableListener(
      () => httpServer((request, response) => this.#receive(request, response)),
      options,
    );
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (!this.#sockets.begin(socket)) return;
    response.once('finish', () => this.#sockets.end(socket));
    void readBody(request, bodyBoundBytes).then((body) => {
      if (body === null) cut(request);
      else if (this.#control !== null && request.url === '/_control')
        this.#control.handle(request, response, body);
      else this.#serve(request, response, body);
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const authorization = parseAuthorization(request.headers.authorization);
    const service = serviceFor(request, authorization, body);
    const refuse = (error: AwsError): void =>
      sendError(response, service, error, '00000000-0000-4000-8000-000000000000');
    if (request.method !== 'POST' || request.url !== '/') {
      refuse({ code: 'InvalidAction', message: 'Only POST / is understood here.', status: 400 });
      return;
    }
    const who = this.#authenticate(request, authorization, service, body);
    if (who.kind === 'error') {
      refuse(who.error);
      return;
    }
    this.#sockets.identify(request.socket, who.caller.kind === 'instance' ? who.caller.instanceId : null);
    const parsed = parse(service, request, body);
    if (parsed.kind === 'error') {
      refuse(parsed.error);
      return;
    }
    const { state } = this.#account;
    const now = this.#account.nowMs();
    const { latency } = this.#options;
    const begun = beginCall(state, parsed.request, who.caller, now, latency, this.#policies);
    this.#account.commit({ state: begun.state, events: [] });
    this.#carryOut(begun.plan, request, response);
  }

  #authenticate(
    request: IncomingMessage,
    authorization: Authorization | null,
    service: AwsService,
    body: Buffer,
  ): Authentication {
    if (authorization === null) return { kind: 'error', error: unsignedError(service) };
    const key = this.#credentials.find(authorization.accessKeyId);
    if (key === undefined) return { kind: 'error', error: unknownKeyError(service) };
    const { region } = this.#account.state.config;
    if (authorization.region !== region || authorization.service !== service) {
      const message = `Credential should be scoped to a valid region and service: '${region}', '${service}'.`;
      return { kind: 'error', error: signatureError(service, message) };
    }
    const { method = '', url = '/', headers } = request;
    const fault = verifySignature({ method, target: url, headers, body }, authorization, key, Date.now());
    if (fault !== null) return { kind: 'error', error: faultError(service, fault) };
    if (key.expiresAtMs <= Date.now()) return { kind: 'error', error: expiredError(service) };
    return { kind: 'caller', caller: key.caller };
  }

  /** Does what the model planned, when it planned it. */
  #carryOut(plan: CallPlan, request: IncomingMessage, response: ServerResponse): void {
    const amend = this.#account.recordCall(plan);
    const { apply, reply } = plan;
    const { config } = this.#account.state;
    const answer = (outcome: AwsOutcome): void => {
      const atMs = this.#account.nowMs();
      if (this.#sockets.isEnding(request.socket)) response.setHeader('connection', 'close');
      if (outcome.kind === 'ok') {
        sendResult(response, outcome.result, plan.requestId, config, ({ caller, durationMs }) =>
          this.#credentials.assumed(caller, Date.now() + durationMs),
        );
        amend({ answer: { kind: 'ok', atMs } });
      } else {
        const service = serviceFor(
          request,
          parseAuthorization(request.headers.authorization),
          Buffer.alloc(0),
        );
        sendError(response, service, outcome.error, plan.requestId);
        amend({ answer: { kind: 'error', atMs, error: outcome.error } });
      }
    };
    if (apply.kind === 'at') {
      this.#account.at(apply.atMs, () => {
        const applied = applyCall(this.#account.state, plan, this.#account.nowMs());
        amend({ appliedAtMs: this.#account.nowMs() });
        this.#account.commit(applied);
        if (reply.kind === 'outcome') this.#account.at(reply.atMs, () => answer(applied.outcome));
      });
    }
    if (reply.kind === 'error') {
      this.#account.at(reply.atMs, () => answer({ kind: 'error', error: reply.error }));
    } else if (reply.kind === 'reset') {
      this.#account.at(reply.atMs, () => {
        cut(request);
        amend({ answer: { kind: 'reset', atMs: this.#account.nowMs() } });
      });
    }
  }
}

/** The service that a request means: what it is signed for, or else what it looks like. */
function serviceFor(request: IncomingMessage, authorization: Authorization | null, body: Buffer): AwsService {
  switch (authorization?.service) {
    case 'ec2':
    case 'opsworks':
    case 'secretsmanager':
    case 'sns':
    case 'sts':
      return authorization.service;
    default: {
      const target = request.headers['x-amz-target'];
      if (target !== undefined) return target === secretsTarget ? 'secretsmanager' : 'opsworks';
      const action = new URLSearchParams(body.toString('utf8')).get('Action');
      return action === 'Publish' || action === 'GetTopicAttributes'
        ? 'sns'
        : action === 'GetCallerIdentity' || action === 'AssumeRole'
          ? 'sts'
          : 'ec2';
    }
  }
}

function parse(service: AwsService, request: IncomingMessage, body: Buffer): Parsed {
  const text = body.toString('utf8');
  if (!speaksJson(service)) return parseQuery(service, text);
  const { 'x-amz-target': header } = request.headers;
  const target = typeof header === 'string' ? header : undefined;
  return service === 'opsworks' ? parseOpsworks(target, text) : parseSecrets(target, text);
}

/** The others speak the Query protocol. */
function speaksJson(service: AwsService): service is 'opsworks' | 'secretsmanager' {
  return service === 'opsworks' || service === 'secretsmanager';
}

function sendResult(
  response: ServerResponse,
  result: AwsResult,
  requestId: string,
  config: LiveAccount['state']['config'],
  keyFor: KeyFor,
): void {
  const headers = { 'x-amzn-requestid': requestId };
  switch (result.action) {
    case 'opsworks:AssociateElasticIp':
    case 'opsworks:DisassociateElasticIp':
    case 'opsworks:DescribeElasticIps':
    case 'opsworks:DescribeInstances':
      send(response, 200, 'application/x-amz-json-1.1', opsworksAnswer(result, config), headers);
      return;
    case 'secretsmanager:GetSecretValue':
      send(response, 200, 'application/x-amz-json-1.1', secretsAnswer(result), headers);
      return;
    case 'ec2:DescribeAddresses':
    case 'ec2:AssociateAddress':
    case 'ec2:DisassociateAddress':
    case 'ec2:DescribeInstances':
    case 'ec2:DescribeInstanceStatus':
    case 'ec2:DescribeNetworkInterfaces':
    case 'ec2:AssignPrivateIpAddresses':
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:UnassignIpv6Addresses':
    case 'ec2:DescribeSubnets':
    case 'ec2:DescribeRouteTables':
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
    case 'sns:Publish':
    case 'sns:GetTopicAttributes':
    case 'sts:AssumeRole':
    case 'sts:GetCallerIdentity':
      send(response, 200, 'text/xml;charset=UTF-8', queryAnswer(result, requestId, config, keyFor), headers);
  }
}

function sendError(response: ServerResponse, service: AwsService, error: AwsError, requestId: string): void {
  const headers = { 'x-amzn-requestid': requestId };
  if (speaksJson(service)) {
    send(response, error.status, 'application/x-amz-json-1.1', opsworksError(error), headers);
  } else {
    send(response, error.status, 'text/xml;charset=UTF-8', queryError(service, error, requestId), headers);
  }
}

/** "Common errors" of each service: a request without a signature. */
function unsignedError(service: AwsService): AwsError {
  const code = speaksJson(service) ? 'MissingAuthenticationTokenException' : 'MissingAuthenticationToken';
  return {
    code,
    status: speaksJson(service) ? 400 : 403,
    message: 'Request is missing Authentication Token',
  };
}

function unknownKeyError(service: AwsService): AwsError {
  const message = 'The security token included in the request is invalid.';
  switch (service) {
    case 'ec2':
      return {
        code: 'AuthFailure',
        status: 401,
        message: 'AWS was not able to validate the provided access credentials',
      };
    case 'opsworks':
    case 'secretsmanager':
      return { code: 'UnrecognizedClientException', status: 400, message };
    case 'sns':
    case 'sts':
      return { code: 'InvalidClientTokenId', status: 403, message };
  }
}

function signatureError(service: AwsService, message: string): AwsError {
  if (speaksJson(service)) return { code: 'InvalidSignatureException', status: 400, message };
  return { code: 'SignatureDoesNotMatch', status: 403, message };
}

function faultError(service: AwsService, fault: SignatureFault): AwsError {
  switch (fault) {
    case 'incomplete':
      return {
        code: speaksJson(service) ? 'IncompleteSignatureException' : 'IncompleteSignature',
        status: 400,
        message: 'The request must sign host and x-amz-date.',
      };
    case 'token':
      return unknownKeyError(service);
    case 'skew':
      if (service === 'ec2') return { code: 'RequestExpired', status: 400, message: 'Request has expired.' };
      return signatureError(service, 'Signature expired: the time of the request is too far from ours.');
    case 'mismatch':
      return signatureError(
        service,
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      );
  }
}
