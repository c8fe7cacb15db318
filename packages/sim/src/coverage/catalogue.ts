/**
 * Everything that a swarm must have met for its silence to mean something: a check that never saw a lost race says
 * nothing about lost races. What a swarm misses has to be drawn more often; nothing is taken off the list for that.
 */

import { type FaultKind, READ_FAULTS, WRITE_FAULTS } from '@failtome/cloud/model';
import {
  BALLOT_MODES,
  BALLOT_REASONS,
  MOVE_PHASES,
  MOVE_RESULTS,
  REASONS,
  REJECT_REASONS,
  type Reason,
} from '@failtome/protocol';
import { ACTIONS, TOPOLOGIES } from '../plan/index.ts';
import { STORE_FAULTS } from '../world/index.ts';

/** Something that a swarm must meet. */
export interface CoverageMark {
  readonly id: string;
  /** What was seen, as a sentence. */
  readonly says: string;
}

/** What a node is about, as far as one address goes, when a message reaches it or something strikes it. */
export const STAGES: readonly Stage[] = [
  'starting',
  'idle',
  'holding',
  'lent',
  'asking',
  'won',
  ...MOVE_PHASES,
  'stopping',
];
/** How far an address's affairs are on a node. */
export type Stage =
  | 'starting'
  | 'idle'
  | 'holding'
  | 'lent'
  | 'asking'
  | 'won'
  | (typeof MOVE_PHASES)[number]
  | 'stopping';

/** Parts of a message that a node may have to take in at any moment. */
export const PARTS = ['node', 'rumours', 'ballots', 'answers', 'releases', 'command'] as const;

/** Where a process may be struck down, or stand still. */
export const STRUCK_STAGES: readonly Stage[] = [
  'asking',
  'won',
  ...MOVE_PHASES.filter((phase) => phase !== 'resting'),
];

/** What the swarm can't reach, and where it is tested instead. */
export const OUT_OF_REACH: Readonly<Record<string, string>> = {
  'vote:no-vote':
    "the simulated nodes agree on their roles: packages/protocol has it as a row of the voter's table",
  'vote:unknown-address': 'the simulated nodes agree on their addresses: the same table',
  'vote:unfit-candidate':
    'a candidate that finds itself unfit gives its ballot up in the same step: the same table',
  'vote:unknown-candidate': 'the simulated nodes agree on who is a candidate: the same table',
  'vote:never-answered':
    'a candidate asks nobody about an address that it has never seen up itself, and all probe alike: the same table',
  'rejected:cluster': 'the simulated nodes are of one cluster: packages/protocol/test/rejected.test.ts',
  'rejected:unasked':
    'a simulated answer comes to a request that is waited for, or after a time-out that is: packages/protocol/test/rejected.test.ts',
  'rejected:over-budget': 'a swarm draws no liar: the scenario forged-news',
  'rejected:unproven': 'a swarm draws no liar: the scenario forged-pause',
  ...Object.fromEntries(
    (['unsigned', 'signature', 'malformed', 'too-large', 'too-slow', 'tls', 'overloaded'] as const).map(
      (reason) => [
        `rejected:${reason}`,
        "found by the agent's server before a message is decoded: packages/agent/test/server.test.ts",
      ],
    ),
  ),
};

/** Which faults make sense for which calls of a node. */
const HITTABLE: Readonly<Record<string, readonly FaultKind[]>> = {
  read: READ_FAULTS,
  permit: ['unauthorized', 'expired'],
  release: WRITE_FAULTS,
  take: WRITE_FAULTS,
  publish: ['throttle', 'server-error', 'hang', 'reset', 'apply-then-hang', 'unauthorized'],
};

const SITUATIONS: readonly (readonly [id: string, says: string])[] = [
  ['race:lost', 'a candidate lost the race for an address that it had set out to take'],
  ['race:held', 'a take found the address held by somebody else'],
  ['ambiguous:release:applied', 'a release was answered with unknown, and had been applied'],
  ['ambiguous:release:not-applied', 'a release was answered with unknown, and was never applied'],
  ['ambiguous:release:applied-late', 'a release was answered with unknown, and was applied afterwards'],
  ['ambiguous:take:applied', 'a take was answered with unknown, and had been applied'],
  ['ambiguous:take:not-applied', 'a take was answered with unknown, and was never applied'],
  ['ambiguous:take:applied-late', 'a take was answered with unknown, and was applied afterwards'],
  ['stale:call-landed', 'a call took effect after its node had given the move up'],
  ['stale:late-association', 'a node found that a take it had given up has landed'],
  ['stale:release-of-ended', 'a release named an association that had ended already'],
  ['stale:replaced-shown', 'a read showed whoever a single call had just replaced'],
  ['stale:read-ignored', 'a read showed an association that its reader knew to have ended'],
  ['early:known', 'a move began with what had been read before it'],
  ['early:awaited', 'a move waited for a read that had begun before it'],
  ['early:failed', 'a read that had begun before the move failed, and the move read for itself'],
  ['throttled:read', 'the read of a move was throttled'],
  ['throttled:release', 'the release of a move was throttled'],
  ['throttled:take', 'the take of a move was throttled'],
  ['ballot:won', 'a ballot was won'],
  ['ballot:lost', 'a ballot was lost'],
  ['ballot:timed-out', 'a ballot was not decided in time'],
  ['ballot:dropped', 'a ballot was given up'],
  ['ballot:duel', 'two candidates held ballots for one address at the same time'],
  ['ballot:split', 'a ballot was lost because a voter had lent its lease to another candidate'],
  ['ballot:blind-mattered', 'a ballot would not have been won without the lease of a blind voter'],
  ['ballot:won-by-silence', 'a ballot was won on the silence of the other of a pair'],
  ['ballot:silence-ended', 'a mandate ended because the silent peer was heard'],
  ['ballot:lapsed', 'a mandate ended with its leases'],
  ['sight:fast-path', 'a failed probe completed a verdict alone, after the word of an unfit holder'],
  ['sight:fast-path-holder', 'an unfit holder completed its own verdict with one failed probe'],
  ['sight:cut-off', 'probes failed without a way-out proof'],
  ['sight:overlap', 'probes of an address overlapped'],
  ['sight:overlap-decided', 'a verdict of down rests on probes that were out at the same time'],
  ['sight:out-of-order', 'a probe succeeded before one ended that had started earlier'],
  ['sight:held-back', 'a failure waited for a probe that had started earlier'],
  ['sight:silent', 'an answer was out for so long that it was a sign of trouble'],
  ['stall', 'a node noticed that it had stood still'],
  ['peer:suspected', 'a peer was suspected'],
  ['peer:dead', 'a peer was called dead'],
  ['peer:refuted', 'a node that heard itself called suspect or dead raised its incarnation'],
  ['peer:vouched', 'a second opinion kept a peer that was not heard for long from being called dead'],
  ['peer:left', 'a goodbye was heard'],
  ['duplicate:noticed', 'two runs with one id were noticed'],
  ['duplicate:told', 'a run was told that its id runs twice'],
  ['disk:rollback-noticed', 'a node learnt from a peer that its disk had been rolled back'],
  ['disk:foreign', 'a node started with the document of another cluster'],
  ['disk:unreadable', 'a node started with a document that can not be read'],
  ['disk:slow', 'a write took so long that the disk counts as failing'],
  ['handover:swap', 'an address was handed over by one call, with the consent of its holder'],
  ['handover:fenced', 'a handover became a fenced move'],
  ['handover:paused', 'an address was handed over while automatic moves were paused'],
  ['handover:refused', 'a holder refused a handover'],
  ['handover:done', 'a handover was done'],
  ['handover:home', 'an address went home'],
  ['handover:failed', 'a handover failed'],
  ['handover:expired', 'a handover was not done in time'],
  ['handover:withdrawn', 'a handover was taken back'],
  ['handover:ended-by-pause', 'a pause ended a handover'],
  ['handover:past-recall', 'a handover was taken back while its target was past recall'],
  ['handover:promised', 'an operator was told that a handover will not happen'],
  ['handover:not-promised', 'an operator was told that a handover may still happen'],
  ['handover:relieved', 'a holder that can not write was relieved by a handover'],
  ['pause:expired', 'a pause ended by itself'],
  ['pause:resumed', 'a pause was ended by an operator'],
  ['signed:pause', 'a pause or a resume that an operator had signed was taken over'],
  ['signed:handover', 'a handover that an operator had signed was done'],
  ['signed:refused', 'an order without a signature was refused where operators have keys'],
  ['notification:accepted', 'a notification was accepted'],
  ['notification:retried', 'a notification was accepted after a failure'],
  ['notification:after-restart', 'a notification was accepted from a later run than the one that owed it'],
  ['notification:beside', 'a receiver was told while something else waited for another'],
  ['notification:news', 'a receiver was told of something that is no move and no blocked address'],
  ['damping:held', 'a failing address was left where it is for a while, because it had just moved'],
  ['damping:flapping', 'a failing address was left where it is, because it had moved too often'],
  ['blocked', 'people were told that an address is down and nobody may take it'],
  ['restart:planned', 'a start found an intent that had come to nothing'],
  ['restart:released', 'a start found an address released and not taken'],
  ['restart:accepted', 'a start found a move that had been accepted'],
  ['duty:retried', 'a released address was tried to be taken more than once'],
  ['duty:outlived-lease', 'a released address was taken after the leases had run out'],
  ['duty:while-stopping', 'a node that was told to stop finished its move first'],
  ['move:not-answering', 'an address moved, and did not answer in time'],
  ['move:claimed', 'an address that nobody held was claimed'],
  ['console:during-move', 'an operator moved an address while a node was moving it'],
  ['store:written', 'a node wrote to the store'],
  ['store:request', 'a request came through the store'],
  ['store:answer', 'an answer came through the store'],
  ['store:lent', 'a lease was lent through the store'],
  ['store:refused', 'a voter refused through the store'],
  ['store:kept-from-silence', 'only what came through the store kept a peer from being silent'],
  ...STORE_FAULTS.map((state) => [`store:${state}`, `the store was out of order: ${state}`] as const),
  ['arbiter:made', 'a candidate made the arbiter, where nothing stood in the store'],
  ['arbiter:lent', 'the arbiter lent its lease'],
  ['arbiter:given-back', 'what the arbiter had lent was given back'],
  [
    'arbiter:stood-still',
    'what the arbiter had lent to a run that is gone was seen to stand still, and ended',
  ],
  ['arbiter:applied-unanswered', 'what was written for the arbiter was applied, and its writer was not told'],
  ['arbiter:decided', 'a ballot was won that the arbiter alone made a majority'],
  ['arbiter:refused:lent', 'the arbiter had lent its lease to another'],
  ['arbiter:refused:lease-unknown', 'the arbiter had been made lately, and could not know what it had lent'],
  ['arbiter:refused:stale-epoch', 'the arbiter had lent that epoch, or a later one'],
  ['witness:voted', 'a witness lent its lease'],
  ['action:liar', 'a witness lied'],
  ['ending:despite:liar', 'the rest came right although a witness lied to the end'],
  ['ending:served', 'a healed core had every address in service within the bound'],
  ['ending:converged', 'a healed core had come right in every respect'],
  [
    'ending:rightly-unavailable',
    'an address stayed down because nobody could take it, and every candidate said why',
  ],
  ...[
    'vanish',
    'isolate',
    'pause',
    'freeze',
    'no-way-out',
    'disk-fails',
    'haproxy',
    'cut',
    'pause-order',
  ].map(
    (what) => [`ending:despite:${what}`, `the rest came right although this stayed broken: ${what}`] as const,
  ),
];

const SETTINGS: readonly (readonly [id: string, says: string])[] = [
  ['driver:ec2', 'the driver ec2'],
  ['driver:opsworks', 'the driver opsworks'],
  ['driver:ec2-private-ip', 'the driver ec2-private-ip'],
  ['driver:ec2-route', 'the driver ec2-route'],
  ['setting:silent-peer-hold', 'a silent peer counts as a refusal'],
  ['setting:no-local-check', 'no check of the own HAProxy'],
  ['setting:displace', 'other addresses may be thrown off'],
  ['setting:occupied', 'another Elastic IP where a contested address would land'],
  ['setting:nat', 'a node behind a NAT gateway'],
  ['setting:disagreeing', 'configurations that disagree'],
  ['setting:store', 'a store to relay through'],
  ['setting:arbiter', 'a pair with an arbiter in its store'],
  ['setting:homeless', 'an address that nobody held at first'],
];

/** Everything that should have been seen, in an order for people. */
export const COVERAGE_MARKS: readonly CoverageMark[] = [
  ...actions(),
  ...Object.entries(HITTABLE).flatMap(([call, effects]) =>
    effects.map((effect) => ({
      id: `hit:${call}:${effect}`,
      says: `a call to AWS (${call}) met the fault ${effect}`,
    })),
  ),
  ...PARTS.flatMap((part) =>
    STAGES.map((stage) => ({
      id: `message:${part}:${stage}`,
      says: `a message with ${part} reached a node that was ${stage}`,
    })),
  ),
  ...BALLOT_REASONS.map((reason) => ({ id: `vote:${reason}`, says: `a voter answered ${reason}` })),
  ...REJECT_REASONS.map((reason) => ({
    id: `rejected:${reason}`,
    says: `a request was refused as ${reason}`,
  })),
  ...REASONS.map((reason: Reason) => ({ id: `decided:${reason}`, says: `a node decided by ${reason}` })),
  ...BALLOT_MODES.flatMap((kind) =>
    MOVE_RESULTS.map((result) => ({
      id: `concluded:${kind}:${result}`,
      says: `a ${kind} ended as ${result}`,
    })),
  ),
  ...STRUCK_STAGES.flatMap((stage) => [
    { id: `crashed:${stage}`, says: `an agent was killed while it was ${stage}` },
    { id: `paused:${stage}`, says: `an agent was stopped while it was ${stage}` },
  ]),
  ...SITUATIONS.map(([id, says]) => ({ id, says })),
  ...TOPOLOGIES.map(({ name }) => ({ id: `topology:${name}`, says: `a cluster: ${name}` })),
  ...SETTINGS.map(([id, says]) => ({ id, says })),
].filter(({ id }) => OUT_OF_REACH[id] === undefined);

/** Every action that a swarm uses, and every choice that it has. */
function actions(): readonly CoverageMark[] {
  return [...ACTIONS.values()]
    .filter(({ draw }) => draw !== undefined)
    .flatMap(({ name, says, parameters }) => [
      { id: `action:${name}`, says },
      ...Object.entries(parameters).flatMap(([parameter, about]) =>
        about.kind === 'choice'
          ? about.of.map((value) => ({
              id: `action:${name}:${parameter}:${value}`,
              says: `${says} (${parameter} ${value})`,
            }))
          : [],
      ),
    ]);
}
