/**
 * What the whole cluster and the cloud say to a ballot and to a call: who really holds the address (I9), what the voters
 * think of it (I10, and where one lies I25), whether an answer that stayed unknown was settled (I14), and whether a
 * majority knows that moves are paused (I16).
 */
import { holderOf } from '@failtome/cloud/model';
import type { Ip } from '@failtome/protocol';
import { checkAmbiguity, isPaused } from './calls.ts';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { isDouble } from './duplicate-ids.ts';
import { type Broken, broken, type EventOf, type RunView } from './events.ts';
import { addressOf, firstCallOf } from './run-history.ts';

/** A node that runs looks around at least this often. */
const MAX_GAP_MS = 1_000;

/** The rules of calls that only the whole cluster shows. */
export const CLUSTER_CALLS: ClusterRules<null> = {
  start: null,
  events: ['drive'],
  facts: ['ballot-opened'],
  judge(history, event, view) {
    if (event.kind === 'drive') return [history, ...checkCall(event, view)];
    if (event.kind === 'fact' && event.fact.kind === 'ballot-opened')
      return [history, ...checkHolder(event.by, event.fact.address, view)];
    return [history];
  },
};

/** I9: a ballot borrows what others could use. */
function checkHolder(by: RunView, ip: Ip, view: ClusterView): readonly Broken[] {
  const { heldMs, shows } = addressOf(view.historyOf(by), ip);
  if (heldMs === null || holderOf(view.aws(), ip) !== by.instanceId) return [];
  const told = shows?.associationId ?? null;
  if (told !== null && !isPresent(by, ip, told, view)) return [];
  return [broken('I9', `${by.run} asks for ${ip}, which it holds and was told so at ${heldMs}`)];
}

/** I9: what it was told last is so, whatever it makes of it. */
function checkOwn({ by, effect }: EventOf<'drive'>, view: ClusterView): readonly Broken[] {
  const { address: ip, operation } = effect;
  const { shows } = addressOf(view.historyOf(by), ip);
  if (operation.op !== 'take' || shows?.self !== true || shows.associationId === null) return [];
  if (!isPresent(by, ip, shows.associationId, view)) return [];
  return [broken('I9', `${by.run} takes ${ip}, which it holds and has read so at ${shows.atMs}`)];
}

/**
 * Whether that is the association in force. Told of one that has ended a run was told of the past: an operator has given it the address
 * anew since. Where a peer has said that it has ended, as a read that lagged had it see, its own reads may lag as well for a while.
 */
function isPresent(by: RunView, ip: Ip, id: string, view: ClusterView): boolean {
  if (id !== view.aws().addresses.get(ip)?.association?.id) return false;
  return by.state().addresses[ip]?.toldEnded.some((one) => one.id === id) !== true;
}

function checkCall(event: EventOf<'drive'>, view: ClusterView): readonly Broken[] {
  const { by, effect } = event;
  const { address: ip, operation } = effect;
  const history = view.historyOf(by);
  const move = by.state().addresses[ip]?.move;
  if (move == null) return [];
  const present = view.aws().addresses.get(ip)?.association?.id ?? null;
  const found = [...checkAmbiguity(history, event, present), ...checkOwn(event, view)];
  if (firstCallOf(history, event) === null || move.mode !== 'takeover') return found;
  // What was decided before a standstill goes out after it.
  const decidedMs = by.worldTimeOf(by.state().now.at);
  if (decidedMs < (history.stoodStillMs ?? Number.NEGATIVE_INFINITY)) return found;
  const { won, openedMs } = addressOf(history, ip);
  if (won?.epoch !== move.epoch) return found;
  const what = `${by.run} calls ${operation.op} of ${ip}`;
  return [...found, ...checkPause(by, openedMs, what, view), ...checkSight(by, ip, openedMs, what, view)];
}

/** I16: not when a majority has known of the pause since before it asked. Of two runs with one id the other may answer. */
function checkPause(by: RunView, openedMs: number, what: string, view: ClusterView): readonly Broken[] {
  const paused = view.runs().filter((voter) => {
    const since = view.historyOf(voter).pauseMs;
    const lasting = isPaused(voter) && voter.state().pause.until === null;
    const knows = lasting && since !== null && since < openedMs;
    return knows && voter.config.node.role !== 'member' && !isDouble(view.duplicates, voter.node, view.now());
  });
  const configured = votersOf(by);
  if (configured <= 2 || paused.length * 2 <= configured) return [];
  const names = paused.map(({ run }) => run).join(', ');
  return [broken('I16', `${what}, though ${names} know that moves are paused`)];
}

/** I10, and where one lies I25: what the voters that don't have thought since before the ballot. Whose id runs twice may have answered either way. */
function checkSight(
  by: RunView,
  ip: Ip,
  openedMs: number,
  what: string,
  view: ClusterView,
): readonly Broken[] {
  const voting = view.runs().filter(({ config }) => config.node.role !== 'member');
  const voters = voting.filter(({ node }) => !view.isLiar(node));
  const seen = voters.flatMap((voter) => {
    const address = voter.state().addresses[ip];
    if (address === undefined || address.series.last === null) return [];
    // Whoever stands still thinks what it thought then.
    if (view.now() - voter.worldTimeOf(voter.state().now.at) > 2 * MAX_GAP_MS) return [];
    if (isDouble(view.duplicates, voter.node, view.now())) return [{ voter, is: 'seen by two' }];
    if (address.verdict === 'down') return [{ voter, is: 'down' }];
    const longUp = address.verdict === 'up' && address.series.last.ok;
    return longUp && voter.worldTimeOf(address.verdictSince) < openedMs ? [{ voter, is: 'up' }] : [];
  });
  const up = seen.filter(({ is }) => is === 'up').length;
  if (up * 2 <= seen.length || votersOf(by) <= 2) return [];
  const told = seen.map(({ voter, is }) => `${voter.run} ${is}`).join(', ');
  return [
    broken(
      voters.length < voting.length ? 'I25' : 'I10',
      `${what}, though ${up} of ${seen.length} sighted see it up: ${told}`,
    ),
  ];
}

/** How many voters are configured, as this run counts. */
function votersOf({ config }: RunView): number {
  return config.peers.filter(({ role }) => role !== 'member').length + 1;
}
