/**
 * What the page knows of a cluster: read from `/v1/cluster` and `/v1/events`, whatever versions of agents tell it. What is missing
 * has a plain stand-in, and every text is without control characters.
 */
import { plainText } from '@failtome/protocol';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from './fields.ts';

/** The state of an address, in the words of `/v1/status`; `unknown` where an agent says none of them. */
export type ProtectionWord = 'protected' | 'no-standby' | 'failing-over' | 'outage' | 'paused' | 'unknown';

/** Something that stands in the way, with what to do about it. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  /** Empty: nobody has to do anything. */
  readonly advice: string;
}

/** A part of a takeover that is over. */
export interface Step {
  readonly step: string;
  readonly durationMs: number;
}

/** A takeover that a node is about. */
export interface Progress {
  readonly mode: string;
  readonly phase: string;
  readonly forMs: number;
  readonly steps: readonly Step[];
}

/** The node that an address belongs to. */
export interface HomeModel {
  /** Empty: it has none. */
  readonly node: string;
  readonly isThere: boolean;
  /** What it waits for, while it is away. */
  readonly because: string;
}

/** An address, as one node sees it. */
export interface AddressModel {
  readonly ip: string;
  readonly protection: {
    readonly state: ProtectionWord;
    readonly next: string;
    readonly reasons: readonly Reason[];
  };
  readonly holder: string;
  readonly home: HomeModel;
  readonly verdict: string;
  readonly verdictForMs: number | null;
  readonly holdDownMs: number;
  readonly takeover: Progress | null;
}

/** What one node thinks of another. */
export interface PeerModel {
  readonly id: string;
  readonly state: string;
}

/** A handover that is open. */
export interface HandoverModel {
  readonly id: string;
  readonly address: string;
  readonly to: string;
  readonly by: string;
  readonly reason: string;
  readonly detail: string;
  readonly until: number | null;
}

/** A pause that is in force. */
export interface PauseModel {
  readonly owner: string;
  readonly reason: string;
  /** Null: until it is ended. */
  readonly until: number | null;
}

/** What one node says of itself and of all it sees. */
export interface StatusModel {
  readonly version: string;
  readonly configDigest: string;
  readonly fit: string;
  readonly readiness: string;
  readonly because: readonly string[];
  readonly addresses: readonly AddressModel[];
  readonly peers: readonly PeerModel[];
  readonly pause: PauseModel | null;
  readonly handovers: readonly HandoverModel[];
}

/** A gate of a ladder. */
export interface GateModel {
  readonly name: string;
  readonly state: 'passed' | 'closed' | 'not-asked';
  readonly calm: boolean;
  readonly code: string;
  readonly reason: string;
  readonly ageMs: number | null;
}

/** A node's decision about an address, as a ladder. */
export interface DecisionModel {
  readonly address: string;
  readonly outcome: string;
  readonly reason: string;
  readonly detail: string;
  readonly advice: string;
  readonly gates: readonly GateModel[];
}

/** A node, as the one that answers could get it. */
export interface NodeModel {
  readonly id: string;
  readonly role: string;
  readonly self: boolean;
  /** How old its word is; null: it has said nothing. */
  readonly ageMs: number | null;
  /** Why there is no newer word; empty: nothing is wrong. */
  readonly failure: string;
  readonly status: StatusModel | null;
  readonly decisions: readonly DecisionModel[];
}

/** A whole cluster. */
export interface ClusterModel {
  readonly cluster: string;
  /** Who answers. */
  readonly node: string;
  readonly at: number;
  readonly nodes: readonly NodeModel[];
}

/** One event of the history, as all nodes tell it. */
export interface StoryModel {
  readonly id: string;
  readonly node: string;
  readonly kind: string;
  readonly address: string;
  readonly from: string;
  readonly to: string;
  readonly result: string;
  readonly reason: string;
  readonly at: number;
  readonly steps: readonly Step[];
  /** Who else tells of it, and what. */
  readonly seen: readonly {
    readonly node: string;
    readonly kind: string;
    readonly result: string;
    readonly reason: string;
  }[];
}

/** Longer than a few missed answers: what a node said then isn't taken for the present. */
export const STALE_AFTER_MS = 5_000;

/** Whether a node's word is of now. */
export function isFresh({ ageMs, status }: NodeModel): boolean {
  return status !== null && ageMs !== null && ageMs <= STALE_AFTER_MS;
}

/** Reads an answer of `/v1/cluster`. */
export function clusterOf(json: unknown): ClusterModel {
  const { cluster, node, at, nodes } = fieldsOf(json);
  return {
    cluster: text(cluster),
    node: text(node),
    at: numberOf(at) ?? 0,
    nodes: listOf(nodes).map((item) => nodeOf(fieldsOf(item))),
  };
}

function nodeOf({ id, role, self, ageMs, failure, status, decisions }: Fields): NodeModel {
  return {
    id: text(id),
    role: text(role),
    self: self === true,
    ageMs: numberOf(ageMs),
    failure: text(fieldsOf(failure).message),
    status: typeof status === 'object' && status !== null ? statusOf(fieldsOf(status)) : null,
    decisions: listOf(decisions).map((item) => decisionOf(fieldsOf(item))),
  };
}

function statusOf({ version, configDigest, node, addresses, peers, pause, handovers }: Fields): StatusModel {
  const { fit, readiness } = fieldsOf(node);
  const { word, because } = fieldsOf(readiness);
  return {
    version: text(version),
    configDigest: text(configDigest),
    fit: text(fit, 'unknown'),
    readiness: text(word, 'unknown'),
    because: listOf(because).map((one) => text(one)),
    addresses: listOf(addresses).map((item) => addressOf(fieldsOf(item))),
    peers: listOf(peers).map((item) => {
      const peer = fieldsOf(item);
      return { id: text(peer.id), state: text(peer.state, 'unknown') };
    }),
    pause: pauseOf(fieldsOf(pause)),
    handovers: listOf(handovers)
      .map(fieldsOf)
      .filter(({ state }) => state === 'open')
      .map(handoverOf),
  };
}

const WORDS: readonly string[] = ['protected', 'no-standby', 'failing-over', 'outage', 'paused'];

function addressOf({
  ip,
  protection,
  holder,
  home,
  verdict,
  verdictForMs,
  holdDownMs,
  takeover,
}: Fields): AddressModel {
  const { state, next, reasons, advice } = fieldsOf(protection);
  const advices = listOf(advice);
  return {
    ip: text(ip),
    protection: {
      state: typeof state === 'string' && WORDS.includes(state) ? (state as ProtectionWord) : 'unknown', // it is one of them
      next: text(next),
      reasons: listOf(reasons).map((reason, at) => reasonOf(text(reason), text(advices[at]))),
    },
    holder: holderOf(fieldsOf(holder)),
    home: homeOf(fieldsOf(home)),
    verdict: text(verdict, 'unknown'),
    verdictForMs: numberOf(verdictForMs),
    holdDownMs: numberOf(holdDownMs) ?? 0,
    takeover: typeof takeover === 'object' && takeover !== null ? progressOf(fieldsOf(takeover)) : null,
  };
}

function homeOf({ node, word, because }: Fields): HomeModel {
  return { node: text(node), isThere: word === 'home', because: text(because) };
}

function reasonOf(told: string, advice: string): Reason {
  const [code = ''] = told.split(':');
  const detail = told.slice(code.length + 1).trim();
  return { code, text: detail === '' ? code : detail, advice };
}

/** Who holds it: a node's id, an instance, `nobody`; empty where that isn't known. */
function holderOf({ kind, node, instanceId }: Fields): string {
  switch (kind) {
    case 'node':
      return text(node);
    case 'none':
      return 'nobody';
    case 'other':
      return text(instanceId) === '' ? 'another instance' : `another instance (${text(instanceId)})`;
    default:
      return '';
  }
}

function progressOf({ mode, phase, forMs, steps }: Fields): Progress {
  return { mode: text(mode), phase: text(phase), forMs: numberOf(forMs) ?? 0, steps: stepsOf(steps) };
}

function stepsOf(json: unknown): readonly Step[] {
  return listOf(json).map((item) => {
    const { step, durationMs } = fieldsOf(item);
    return { step: text(step), durationMs: numberOf(durationMs) ?? 0 };
  });
}

function pauseOf({ paused, owner, reason, until }: Fields): PauseModel | null {
  return paused === true ? { owner: text(owner), reason: text(reason), until: numberOf(until) } : null;
}

function handoverOf({ id, address, to, by, reason, detail, until }: Fields): HandoverModel {
  return {
    id: text(id),
    address: text(address),
    to: text(to),
    by: text(by),
    reason: text(reason),
    detail: text(detail),
    until: numberOf(until),
  };
}

function decisionOf({ address, outcome, reason, detail, advice, gates }: Fields): DecisionModel {
  return {
    address: text(address),
    outcome: text(outcome, 'unknown'),
    reason: text(reason),
    detail: text(detail),
    advice: text(advice),
    gates: listOf(gates).map((item) => {
      const { name, state, calm, code, reason: why, ageMs } = fieldsOf(item);
      return {
        name: text(name),
        state: state === 'passed' || state === 'closed' ? state : 'not-asked',
        calm: calm === true,
        code: text(code),
        reason: text(why),
        ageMs: numberOf(ageMs),
      };
    }),
  };
}

/** Reads the stories of `/v1/cluster`, newest first. */
export function storiesOf(json: unknown): readonly StoryModel[] {
  return listOf(json).map((item) => {
    const story = fieldsOf(item);
    const { id, node, kind, address, from, to, result, reason, at, steps } = fieldsOf(story.entry);
    return {
      id: text(id),
      node: text(node),
      kind: text(kind),
      address: text(address),
      from: text(from),
      to: text(to),
      result: text(result),
      reason: text(reason),
      at: numberOf(at) ?? 0,
      steps: stepsOf(steps),
      seen: listOf(story.seen).map((one) => {
        const seen = fieldsOf(one);
        return {
          node: text(seen.node),
          kind: text(seen.kind),
          result: text(seen.result),
          reason: text(seen.reason),
        };
      }),
    };
  });
}

function text(value: unknown, missing = ''): string {
  return plainText(textOf(value, missing));
}
