/**
 * An operator's command, signed with the cluster's key, and with the operator's own where there is one.
 *
 * The agent knows no operator, so the first message is answered with a challenge (409, `session`): the
 * second echoes the agent's session and session time, which proves that it was written lately and for
 * this very run.
 */
import {
  type Command,
  type CommandOutcome,
  type DurationMs,
  decodeMessage,
  type Echo,
  type Envelope,
  encodeMessage,
  type NodeId,
  OPERATOR_PREFIX,
  type Route,
  WIRE_VERSION,
} from '@failtome/protocol';
import { IDENTITY_HEADER } from '../auth/identities.ts';
import { isSignedBy, type PublicKey, type SigningIdentity } from '../auth/identity.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { proofOf, signOrder } from '../auth/operators.ts';
import {
  requestBytes,
  responseBytes,
  SIGNATURE_HEADER,
  signRequest,
  verifyResponse,
} from '../auth/signature.ts';
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf, textOf } from './fields.ts';
import { parseJson, readView, refusalIn } from './read.ts';
import { orderRuleIn, type SignedCommand, signedCommand } from './signed-order.ts';
import { findTarget, loadIdentity, loadKeys, type Target, type TargetOptions, trusting } from './target.ts';
import { clean } from './text.ts';

/** The routes that take commands. */
export type OperatorRoute = Extract<Route, '/v1/handover' | '/v1/pause' | '/v1/resume'>;

/** `refused`: the agent didn't do it, or nobody can tell; `detail` says why. */
export type CommandResult =
  | { readonly kind: 'outcome'; readonly outcome: CommandOutcome }
  | { readonly kind: 'refused'; readonly detail: string };

/** A first message, and the challenge's echo. One more where the agent has been restarted meanwhile. */
const MAX_ATTEMPTS = 3;
/** So often an order is signed anew, because another one came before it. */
const MAX_SIGNED = 3;

/** A session of one operator with one agent. */
export interface Operator {
  /** The agent that is spoken to. */
  readonly node: NodeId;
  send(route: OperatorRoute, command: Command): Promise<CommandResult>;
}

/** A session, or why there is none. */
export type OpenResult =
  | { readonly kind: 'open'; readonly operator: Operator }
  | { readonly kind: 'failed'; readonly detail: string };

interface OperatorOptions {
  readonly url: string;
  readonly keys: ClusterKeys;
  /** Null: whatever the agent says. A wrong one makes it refuse. */
  readonly cluster: string | null;
  /** Who gives the command; null: whoever has the cluster's key. */
  readonly identity: SigningIdentity | null;
  /** Whether that was chosen for this command, and isn't what the node has anyway. */
  readonly identityFile: { readonly named: boolean } | null;
  /** Whose agent it should be; null: that isn't known. */
  readonly node: NodeId | null;
  /** Of every node that is configured, by id; none of those that don't sign: an answer of another's isn't taken. */
  readonly publicKeys: ReadonlyMap<NodeId, readonly PublicKey[]>;
}

/** An agent that was found, and the session with it. */
export interface OpenedTarget {
  readonly target: Target;
  readonly opened: OpenResult;
}

/** Begin a session with the agent that the options name. Null: the faults have been printed, and the command ends with 2. */
export async function openTarget(
  options: TargetOptions,
  dependencies: CliDependencies,
): Promise<OpenedTarget | null> {
  const target = await findTarget(options, dependencies);
  if (target === null) return null;
  const keys = await loadKeys(target, dependencies);
  const identity = await loadIdentity(target, dependencies);
  if (keys === null || identity === undefined) return null;
  return {
    target,
    opened: await openOperator({ ...target, keys, identity }, trusting(dependencies, target)),
  };
}

type OperatorDependencies = Pick<CliDependencies, 'http' | 'now' | 'randomText'>;

/** Learn whom to address, and begin a session of this command's own. */
export async function openOperator(
  options: OperatorOptions,
  dependencies: OperatorDependencies,
): Promise<OpenResult> {
  const { url, keys, cluster } = options;
  const status = await readView(url, '/v1/status', dependencies, keys);
  if (status.kind === 'failed') return status;
  const fields = fieldsOf(status.json);
  const node = textOf(fieldsOf(fields.node).id);
  const told = textOf(fields.cluster);
  if (node === '' || told === '') {
    return { kind: 'failed', detail: `${url} is no failtome agent: its status names no node and cluster` };
  }
  if (cluster !== null && cluster !== told) {
    return { kind: 'failed', detail: `${url} is an agent of the cluster ${clean(told)}, not of ${cluster}` };
  }
  const objection = objectionTo(node, options);
  if (objection !== null)
    return { kind: 'failed', detail: `${url} is the agent of ${clean(node)}, ${objection}` };
  return { kind: 'open', operator: new OperatorSession(options, told, node, dependencies) };
}

/** The status isn't signed: what calls itself a node that isn't known here could be anybody, and is sent no order. */
function objectionTo(told: NodeId, { node, publicKeys }: OperatorOptions): string | null {
  if (node !== null && node !== told) return `and this configuration is for ${node}`;
  const anySigns = [...publicKeys.values()].some((keys) => keys.length > 0);
  if (!anySigns || node === told || publicKeys.has(told)) return null;
  return 'which is no node of this configuration, where nodes have public keys: name it in peers, or ask another node';
}

/** One command's talk with one agent. */
class OperatorSession implements Operator {
  readonly #options: OperatorOptions;
  readonly #cluster: string;
  /** The agent that is spoken to. */
  readonly node: NodeId;
  readonly #dependencies: OperatorDependencies;
  readonly #signers: readonly PublicKey[];
  readonly #from: string;
  readonly #session: string;
  readonly #startedAt: number;
  #seq = 0;
  #echo: Echo | null = null;

  constructor(options: OperatorOptions, cluster: string, node: NodeId, dependencies: OperatorDependencies) {
    this.#options = options;
    this.#cluster = cluster;
    this.node = node;
    this.#dependencies = dependencies;
    this.#signers = options.publicKeys.get(node) ?? [];
    this.#from = `${OPERATOR_PREFIX}${this.#dependencies.randomText(11)}`;
    this.#session = this.#dependencies.randomText(11);
    this.#startedAt = this.#dependencies.now();
  }

  async send(route: OperatorRoute, command: Command): Promise<CommandResult> {
    const stranger = await this.#meet();
    if (stranger !== null) return stranger;
    for (let left = MAX_SIGNED; ; left -= 1) {
      const signed = await this.#finished(command);
      if (signed.kind === 'refused') return refused(signed.detail);
      if (signed.kind === 'kept')
        return { kind: 'outcome', outcome: { state: 'done', id: '', detail: signed.detail } };
      const result = await this.#deliver(route, signed.command);
      const again = result.kind === 'outcome' && result.outcome.again === true;
      if (!again || left <= 1) return result;
    }
  }

  async #attempt(route: OperatorRoute, command: Command): Promise<CommandResult | 'challenged'> {
    this.#seq += 1;
    const message: Envelope = {
      v: WIRE_VERSION,
      cluster: this.#cluster,
      from: this.#from,
      session: this.#session,
      seq: this.#seq,
      to: this.node,
      t: Math.max(0, this.#dependencies.now() - this.#startedAt),
      echo: this.#echo,
      re: null,
      payload: { version: 0, ack: 0, command },
    };
    const body = encodeMessage(message);
    const request = { method: 'POST', path: route, body };
    const signature = signRequest(this.#options.keys, request);
    const headers = {
      'content-type': 'application/json',
      [SIGNATURE_HEADER]: signature,
      ...(this.#options.identity === null
        ? {}
        : { [IDENTITY_HEADER]: proofOf(this.#options.identity, requestBytes(request)) }),
    };
    const result = await this.#dependencies.http({
      method: 'POST',
      url: this.#options.url + route,
      headers,
      body,
    });
    if (result.kind === 'failed') {
      // The command may have been taken: who asks again should look first.
      return refused(
        `${this.#options.url} gave no answer: ${result.detail}; see what \`failtome status\` shows`,
      );
    }
    const answer = authentic(result, {
      keys: this.#options.keys,
      signers: this.#signers,
      route,
      signature,
      message,
    });
    if (answer === null) return refused(unsignedReason(this.#options.url, result));
    if (answer === 'not its own')
      return refused(
        `the answer of ${this.#options.url} is not signed by the publicKey that peers has for ${this.node}`,
      );
    this.#echo = { session: answer.session, t: answer.t };
    if (answer.payload.outcome !== undefined) return { kind: 'outcome', outcome: answer.payload.outcome };
    const reason = answer.payload.refused;
    if (reason === 'session' || reason === 'stale') return 'challenged';
    return refused(`${this.node} refused the command: ${reason ?? 'it gave no outcome'}`);
  }

  async #deliver(route: OperatorRoute, command: Command): Promise<CommandResult> {
    for (let left = MAX_ATTEMPTS; left > 0; left -= 1) {
      const result = await this.#attempt(route, command);
      if (result !== 'challenged') return result;
    }
    return refused(`${this.node} did not accept the proof that the command is fresh; try again`);
  }

  /** Where nodes sign, one that hasn't is given no order: a question comes first, whose answer has to be its own. Null: it is. */
  async #meet(): Promise<CommandResult | null> {
    if (this.#signers.length === 0 || this.#echo !== null) return null;
    const result = await this.#attempt('/v1/handover', { kind: 'handover-status', id: '-' });
    return result === 'challenged' || result.kind === 'outcome' ? null : result;
  }

  /** The command as it is sent: with a signed order, where those count and there is who signs. */
  async #finished(command: Command): Promise<SignedCommand> {
    const { identity } = this.#options;
    const unsigned = { kind: 'command', command } as const;
    if (identity === null || command.kind === 'handover-status') return unsigned;
    const status = await readView(this.#options.url, '/v1/status', this.#dependencies, this.#options.keys);
    if (status.kind === 'failed') return { kind: 'refused', detail: status.detail };
    const rule = orderRuleIn(status.json);
    if (rule !== 'proven' && !(rule === 'any' && this.#options.identityFile?.named === true)) return unsigned;
    return signedCommand(command, status.json, {
      cluster: this.#cluster,
      now: this.#dependencies.now,
      sign: (text) => signOrder(identity, text),
      newId: () => `order-${this.#dependencies.randomText(16)}`,
    });
  }
}

function refused(detail: string): CommandResult {
  return { kind: 'refused', detail: clean(detail) };
}

type Answered = Extract<Awaited<ReturnType<CliDependencies['http']>>, { readonly kind: 'answered' }>;

interface Asked {
  readonly keys: ClusterKeys;
  /** None: the cluster's key is enough. */
  readonly signers: readonly PublicKey[];
  readonly route: OperatorRoute;
  readonly signature: string;
  readonly message: Envelope;
}

/** The agent's own answer to this very message; null for anything else. */
function authentic(
  result: Answered,
  { keys, signers, route, signature, message }: Asked,
): Envelope | 'not its own' | null {
  const response = {
    method: 'POST',
    path: route,
    body: result.body,
    status: result.status,
    requestSignature: signature,
  };
  if (!verifyResponse(keys, response, result.header(SIGNATURE_HEADER) ?? '')) return null;
  const own = result.header(IDENTITY_HEADER) ?? '';
  if (signers.length > 0 && !isSignedBy(signers, responseBytes(response), own)) return 'not its own';
  const decoded = decodeMessage(result.body);
  if (decoded.kind === 'fault') return null;
  const { from, to, cluster, re } = decoded.message;
  const ours = re !== null && re.session === message.session && re.seq === message.seq;
  return ours && from === message.to && to === message.from && cluster === message.cluster
    ? decoded.message
    : null;
}

/** A refusal from before the message was known to be authentic carries no signature, and neither does a stranger's. */
function unsignedReason(url: string, { status, body }: Answered): string {
  const detail = refusalIn(parseJson(body));
  if (status === 401) return `${url} does not accept this key${detail === null ? '' : `: ${detail}`}`;
  if (status === 403 && detail !== null) return `${url} refused the command: ${detail}`;
  if (status === 200 || status === 409 || status === 403) {
    return `the answer of ${url} is not signed with this key`;
  }
  return `${url} refused the command: ${detail ?? `status ${status}`}`;
}

/** How often the state of something that was accepted is asked for. */
export const POLL_MS: DurationMs = 200;
