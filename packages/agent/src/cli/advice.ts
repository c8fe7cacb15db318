/**
 * What would have to change, one sentence a reason code. `failtome why` prints them, and
 * docs/operations.md explains the same codes; the types see that none is missing.
 */
import type { BallotReason, Reason } from '@failtome/protocol';

/** How the advice begins where nobody has to do anything. */
const BY_ITSELF = 'Nothing:';

/** Of a candidate's decision. */
export const REASON_ADVICE: Readonly<Record<Reason, string>> = {
  'call-in-flight': 'Nothing: a call to the cloud is under way, and its answer or its time-out decides.',
  settling: 'Nothing: the answer to a call was unclear, and the address is read until two reads agree.',
  starting: 'Nothing: the first probe after a start or a stall has to finish.',
  'verdict-unknown':
    'The probes have to amount to something: enough of them in a row, and this node able to reach the outside.',
  'failure-not-current': 'Nothing: the next probes decide whether the address is down after all.',
  staggered: 'Nothing: a better-ranked candidate goes first, and this one follows if it does not.',
  'ballot-open': 'Nothing: the voters have to answer; one that is silent is waited for until its time is up.',
  'ballot-lost': 'The voters have to change their minds: see what each of them said in the last ballot.',
  'guard-asked': 'Nothing: the external-IP service has to answer.',
  'guard-refused':
    "The external-IP service has to answer with this node's own address: see guard.urls, and this node's way out.",
  'backing-off': 'Nothing: something was refused lately, and it is tried again within 10 s.',
  'permission-unproven': 'The cloud has to answer the dry run: `failtome check` shows what it says.',
  'intent-unwritten': 'Nothing: the disk has to finish a write.',
  'lease-too-short':
    'Nothing: the leases are asked for again; should it recur, raise agreement.lease or shorten guard.timeout.',
  'storage-failed': "This node's disk has to take writes: see stateDir, its space and its permissions.",
  'no-way-out':
    'This node has to reach one of guard.urls: see its routes, its public address or NAT, and its DNS.',
  'not-a-candidate': 'Nothing: node.role says that this node never takes an address.',
  stopping: 'The agent is shutting down, and has to be started again.',
  'is-holder': 'Nothing: this node has the address.',
  paused: 'An operator has to end the pause with `failtome resume`, or its time has to run out.',
  'local-unfit':
    "This node's own HAProxy has to be fit by what `local` asks: the address would fail here too.",
  'local-unknown': "Nothing: the first check of this node's own HAProxy has to finish.",
  'address-up': 'Nothing: the address is up.',
  'would-displace':
    'The other Elastic IP on this network interface has to go elsewhere, or addresses[].privateIp has to name another one.',
  'not-permitted': "This node's role has to allow the call: `failtome check` names the permission.",
  'held-down':
    'The hold-down has to end, or the holder has to fall silent or say that it is unfit; `failtome handover` does not wait.',
  flapping:
    'The address moved too often within flap.within; once it has rested it may move again. `failtome handover` does not wait.',
  'move-did-not-help':
    'The address fails wherever it is: look at what every node has in common (the application behind HAProxy, probe.host, probe.path, probe.expect). `failtome handover` does not wait.',
  'never-answered':
    'The probe has to ask for something that is answered: compare probe.host, probe.path and probe.expect with what came. `failtome handover` does not wait.',
  'address-down': 'Nothing: the address is down, and the voters are being asked.',
  'handover-asked': 'Nothing: a handover was asked for, and the voters are being asked.',
  agreed: 'Nothing: the voters agreed, and the external IP is being checked.',
  'guard-passed': 'Nothing: everything has passed, and the address is being moved.',
  'finish-move': 'Nothing: a move that was begun is being finished.',
  moved: 'Nothing: the move was accepted, and the address has to answer at its new place.',
};

/** Of a voter's answer. */
export const BALLOT_ADVICE: Readonly<Record<BallotReason, string>> = {
  down: 'It sees the address down, and lends its lease.',
  consent: 'It agrees to the handover, and lends its lease.',
  'no-way-out': 'It cannot prove its own way out, so it lends its lease without a word on the address.',
  arbiter: 'It is the arbiter: it sees nothing, and lends its lease to one candidate at a time.',
  undecided: 'It is still looking, and will answer again by itself.',
  up: 'It sees the address up: find out why this node does not.',
  paused: 'Automatic moves are paused: `failtome resume` ends that.',
  'held-down': 'The address changed hands lately: the hold-down has to end, or an operator hands over.',
  'move-did-not-help': 'Moving the address has not helped lately: look at what every node has in common.',
  'never-answered': 'Nobody has seen the address answer as the probe asks: look at addresses[].probe.',
  lent: 'It has lent its lease to another candidate: that lease has to end or be given back.',
  'lease-unknown': 'It started lately and cannot know what it had lent: the longest lease has to pass.',
  'stale-epoch': 'It knows of a later ballot: the candidate asks again by itself with a higher epoch.',
  'unfit-candidate': "The candidate's own HAProxy has to be fit.",
  starting: 'It started or stood still lately: its first probe has to finish.',
  electorate:
    'Its configuration has other voters, or it runs another version: make peers the same on all nodes.',
  'no-vote': 'It is a member and has no vote: its configuration and ours disagree on its role.',
  'unknown-address': 'Its configuration lacks the address: make addresses the same on all nodes.',
  storage: 'Its disk has to take writes: see stateDir there.',
  stopping: 'It is shutting down, and has to be started again.',
  'no-handover':
    'It knows of no such open handover: it was taken back or has had its time. Order it again if it is still meant.',
  'unknown-candidate':
    'Its configuration has the candidate in another role: make peers the same on all nodes.',
  'duplicate-id': "Two agents use the candidate's node.id: stop one of them, or give it its own id.",
};

/** Of what stands in the way of an address's protection, where it is no reason of a decision or of a node's readiness. */
export const PROTECTION_ADVICE: Readonly<Record<string, string>> = {
  dead: 'Start that agent again, or find out why it is not heard: its machine, its port, the security group.',
  unknown: 'That node has not been heard yet: see whether its agent runs and its port can be reached.',
  'no-candidate': 'Add a second candidate: nobody else could take the address.',
  'no-majority':
    'Bring back the voters that are missing, or add a witness: without a majority nobody may take the address.',
  preflight: 'Run `failtome check` on that node: it names what is missing.',
  'address-down':
    'Look at the ladder of the node that could take it: the first closed gate says what it waits for.',
  'read-refused': 'The cloud refuses what that node asks: renew its credentials, or its role.',
  'read-failed':
    'The cloud gives that node no answer: see its way to the API, and the throttling of the account.',
  'lease-unknown': BY_ITSELF,
  lent: BY_ITSELF,
  'ballot-open': BY_ITSELF,
  agreed: BY_ITSELF,
  handover: BY_ITSELF,
};

/** What somebody has to do about a reason that begins with a code and a colon; null where nobody has to do anything. */
export function protectionAdviceFor(reason: string): string | null {
  const [code = ''] = reason.split(':');
  const own = lookUp(PROTECTION_ADVICE, code);
  if (own !== null) return own === BY_ITSELF ? null : own;
  // It may be told by another node than the one that it is about.
  return (
    adviceFor(code)
      ?.replaceAll(/\b([Tt])his node/g, '$1hat node')
      .replace('fail here', 'fail there') ?? null
  );
}

/** What somebody has to do; null where nobody has to do anything. Codes come over the wire, perhaps from a later version. */
export function adviceFor(reason: string): string | null {
  const sentence = lookUp(REASON_ADVICE, reason);
  return sentence?.startsWith(BY_ITSELF) === true ? null : sentence;
}

/** Reasons for which nobody has to do anything: a gate that is closed for one of them is as it should be. */
export const CALM_REASONS: readonly string[] = Object.entries(REASON_ADVICE).flatMap(([code, sentence]) =>
  sentence.startsWith(BY_ITSELF) ? [code] : [],
);

/** What an operator should do about a voter's reason; null: nothing is known. */
export function ballotAdviceFor(reason: string): string | null {
  return lookUp(BALLOT_ADVICE, reason);
}

function lookUp(table: Readonly<Record<string, string>>, code: string): string | null {
  return Object.hasOwn(table, code) ? (table[code] ?? null) : null;
}
