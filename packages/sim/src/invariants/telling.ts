/**
 * I17, by what the cloud has really done: a notification names a move that was accepted, and an accepted move is told
 * soon after its taker can know of it, by the cloud's answer or by a read.
 */

import { counted, type DurableDocument, type Ip, TAKEOVER_SUBJECT } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { documentOf } from './durability.ts';
import { type Broken, broken, type EventOf, type Judged, type RunView } from './events.ts';
import { isDoubted } from './run-history.ts';
import {
  type AcceptedMove,
  accountOf,
  addressTold,
  isOwing,
  type TakeoverAccount,
  type TakeoverAccounts,
  withAccount,
  withAccountsOf,
  withKnown,
  withOutbox,
  withWords,
} from './takeover-accounts.ts';

/** A move is verified for 15 s; what is left is for looking around. */
const TOLD_WITHIN_MS = 25_000;
/** A take can't land any more after 15 minutes; an idle read comes a minute or two after. */
const MAY_LAND_MS = 18 * 60_000;
/** A node believes that its given-up take may still land for this long. */
const LATE_MS = 15 * 60_000;
const MAX_OUTBOX = 100;
/** The most associations whose telling is waited for; those whose node never learns of them are forgotten. */
const MAX_OWED = 64;
const NEVER = Number.NEGATIVE_INFINITY;

/** The rules of what people are told. */
export const TELLING: ClusterRules<TakeoverAccounts> = {
  start: {},
  events: ['cloud', 'drive', 'driven', 'publish', 'stepped', 'started', 'ended', 'resumed'],
  facts: [],
  judge(accounts, event, view) {
    switch (event.kind) {
      case 'cloud':
        return [withAssociation(accounts, event, view)];
      case 'drive': {
        const { by, effect } = event;
        if (effect.operation.op !== 'take') return [accounts];
        const change = { takenMs: view.now(), unanswered: true, misled: false };
        return [withAccount(accounts, by, effect.address, (account) => ({ ...account, ...change }))];
      }
      case 'driven':
        return [withAnswer(accounts, event, view)];
      case 'publish':
        if (event.effect.subject !== TAKEOVER_SUBJECT) return [accounts];
        return onPublished(accounts, event.by, event.effect.message, view);
      case 'stepped':
        return onStep(accounts, event.by, view);
      case 'started':
        return [withStart(accounts, event.by, view)];
      case 'ended':
        return [withEnd(accounts, event.by, view)];
      case 'resumed':
        return [withResume(accounts, event.by, view.now())];
      default:
        return [accounts];
    }
  },
};

function withAssociation(
  accounts: TakeoverAccounts,
  { event }: EventOf<'cloud'>,
  view: ClusterView,
): TakeoverAccounts {
  if (event.kind !== 'associated') return accounts;
  const { association, by, publicIp, atMs } = event;
  const { instanceId, id } = association;
  const own = by.kind === 'instance' && by.instanceId === instanceId;
  return withAccount(accounts, { instanceId }, publicIp, (account) => {
    if (!own)
      return isDoubtful(account, view)
        ? { ...account, mayTell: account.mayTell + 1 }
        : { ...account, others: id };
    const move: AcceptedMove = {
      associationId: id,
      atMs,
      knownMs: null,
      busyMs: null,
      run: '',
      message: null,
      lastWords: null,
      durable: false,
    };
    const owed = [...account.owed, move].slice(-MAX_OWED);
    return { ...account, owed, moves: account.moves + 1, mayTell: account.mayTell + 1 };
  });
}

/** A take that is out, or one whose answer was lost, may be what it sees. */
function isDoubtful({ unanswered, doubtfulUntilMs }: TakeoverAccount, view: ClusterView): boolean {
  return unanswered || view.now() < (doubtfulUntilMs ?? NEVER);
}

function intentIn(document: DurableDocument | null, ip: Ip) {
  return document?.addresses.find((address) => address.ip === ip)?.intent ?? null;
}

function withAnswer(
  accounts: TakeoverAccounts,
  { by, effect, result }: EventOf<'driven'>,
  view: ClusterView,
): TakeoverAccounts {
  const { address: ip, operation } = effect;
  const { answer } = result;
  const isTake = operation.op === 'take';
  if (!isTake && answer.kind !== 'taken' && answer.kind !== 'read') return accounts;
  return withAccount(accounts, by, ip, (before) => {
    let account = before;
    if (isTake) account = { ...account, unanswered: false };
    if (isTake && answer.kind === 'unknown')
      account = { ...account, doubtfulUntilMs: view.now() + MAY_LAND_MS };
    if (answer.kind === 'taken') {
      const heldWithoutId = answer.associationId === null;
      account = { ...withOthersTaken(account, ip, answer.associationId, view), heldWithoutId };
      return withKnown(account, by, account.owed.at(-1), view.now());
    }
    if (answer.kind !== 'read') return account;
    const { association } = answer;
    const isSelf = association.kind === 'associated' && association.self;
    account = withOldRead(account, by, ip, isSelf, view);
    if (!isSelf) return account;
    const { associationId } = association;
    if (isDoubtful(account, view)) account = withOthersTaken(account, ip, associationId, view);
    if (associationId === null && (account.heldWithoutId || isDoubted(view.historyOf(by), ip, view.now())))
      return account;
    account = { ...account, heldWithoutId: associationId === null };
    return view.now() - (account.takenMs ?? NEVER) < LATE_MS && !view.disksHarmed()
      ? withKnown(account, by, shownTo(account, ip, associationId, view), view.now())
      : account;
  });
}

/**
 * A take of what another has given the node just before changes nothing, and is answered as one that was applied; where its answer
 * was lost, a read shows what it would have come to.
 */
function withOthersTaken(
  account: TakeoverAccount,
  ip: Ip,
  associationId: string | null,
  view: ClusterView,
): TakeoverAccount {
  const id = associationId ?? view.aws().addresses.get(ip)?.association?.id;
  if (id === undefined || id !== account.others) return account;
  return { ...account, mayTell: account.mayTell + 1, others: null };
}

/**
 * Without ids of associations a read that lags misleads: it shows what an earlier take came to, which looks like what an unanswered
 * one came to; or who held the address before this node, which looks like another holder in between.
 */
function withOldRead(
  account: TakeoverAccount,
  { instanceId }: RunView,
  ip: Ip,
  isSelf: boolean,
  view: ClusterView,
): TakeoverAccount {
  const isOld = (view.aws().addresses.get(ip)?.association?.instanceId === instanceId) !== isSelf;
  if (view.driver === 'ec2' || !isOld || account.misled) return account;
  if (view.now() >= (account.doubtfulUntilMs ?? NEVER)) return account;
  return { ...account, misled: true, mayTell: account.mayTell + 1 };
}

/** What a read has shown; without an id it is what the cloud really has now. */
function shownTo(
  { owed }: TakeoverAccount,
  ip: Ip,
  associationId: string | null,
  view: ClusterView,
): AcceptedMove | undefined {
  const id = associationId ?? view.aws().addresses.get(ip)?.association?.id;
  return owed.find((one) => one.associationId === id);
}

/** A notification of a move is of one that happened. One attempt may have taken the address more than once, and tells it once. */
function onPublished(
  accounts: TakeoverAccounts,
  by: RunView,
  message: string,
  view: ClusterView,
): Judged<TakeoverAccounts> {
  const ip = addressTold(message);
  if (ip === null) return [accounts];
  const before = accountOf(accounts, by, ip);
  if (before.told.includes(message)) return [accounts];
  const after = withAccount(accounts, by, ip, () => {
    const worded = withWords(before, message);
    const owed = worded.owed.filter((move) => move.message !== message);
    return { ...worded, told: [...before.told, message], owed };
  });
  // What a copied disk or one that was put back remembers, it tells again in its own words.
  const { told, mayTell } = accountOf(after, by, ip);
  const again = mayTell > 0 && (view.duplicates.copied.includes(by.node) || view.disksHarmed());
  if (told.length <= mayTell || again) return [after];
  return [
    after,
    broken(
      'I17',
      `${by.run} tells of ${counted(told.length, 'move')} to it, and there were ${mayTell}: ${message} at ${view.now()}`,
    ),
  ];
}

function onStep(accounts: TakeoverAccounts, by: RunView, view: ClusterView): Judged<TakeoverAccounts> {
  if (!isOwing(accounts, by)) return [accounts];
  const found: Broken[] = [];
  const after = withAccountsOf(accounts, by, (told, ip) => {
    const before = withHeld(told, by, ip);
    if (before.owed.length === 0) return before;
    const account = withBusy(withOutbox(before, by, ip), by, ip, view.now());
    // A read that lagged may have had it tell of this move by an association of before.
    const isTold = account.told.length >= account.moves;
    const untold = isTold ? undefined : account.owed.find((move) => isOverdue(move, by, view.now()));
    if (untold !== undefined && mustHaveTold(by, view))
      found.push(
        broken(
          'I17',
          `${by.run} has known since ${untold.knownMs} that it took ${ip} at ${untold.atMs}, and tells nobody`,
        ),
      );
    return account;
  });
  return [after, ...found];
}

/** An association without an id that is followed by another of the same node is one, to it, unless it knows of a holder in between. */
function withHeld(account: TakeoverAccount, by: RunView, ip: Ip): TakeoverAccount {
  if (!account.heldWithoutId) return account;
  const holder = by.state().addresses[ip]?.holder;
  const isHeld = holder === undefined || holder.kind === 'unknown' || holder.node === by.node;
  return isHeld ? account : { ...account, heldWithoutId: false };
}

function isOverdue({ run, knownMs, busyMs, message }: AcceptedMove, by: RunView, nowMs: number): boolean {
  if (run !== by.run || message !== null || knownMs === null) return false;
  return nowMs - Math.max(knownMs, busyMs ?? NEVER) > TOLD_WITHIN_MS;
}

/** A move isn't over, and isn't verified now either. */
function withBusy(account: TakeoverAccount, by: RunView, ip: Ip, nowMs: number): TakeoverAccount {
  const phase = by.state().addresses[ip]?.move?.stage.kind ?? 'verifying';
  const isBusy = ({ run, busyMs }: AcceptedMove): boolean => run === by.run && busyMs !== nowMs;
  if (phase === 'verifying' || !account.owed.some(isBusy)) return account;
  const owed = account.owed.map((move) => (isBusy(move) ? { ...move, busyMs: nowMs } : move));
  return { ...account, owed };
}

function mustHaveTold(by: RunView, view: ClusterView): boolean {
  return (
    by.config.notify.receivers.length > 0 &&
    by.state().outbox.length < MAX_OUTBOX &&
    !view.duplicates.copied.includes(by.node)
  );
}

function withEnd(accounts: TakeoverAccounts, by: RunView, view: ClusterView): TakeoverAccounts {
  const document = documentOf(by.synced());
  return withAccountsOf(accounts, by, (before, ip) => {
    const intent = intentIn(document, ip);
    // The step in which a run ends isn't told as one, and may have filled its outbox.
    const account = withOutbox(before, by, ip);
    // What is in its durable outbox its next run sends.
    const owed = account.owed.filter(
      (move) => !document?.outbox.some(({ message }) => message === move.message),
    );
    // The next run finds an intent, and an association which was there before: it can't know whether a call of the last
    // run made that.
    const { others } = account;
    const isThere = view.aws().addresses.get(ip)?.association?.id === others;
    const doubted = intent !== null && others !== null && isThere;
    return {
      ...account,
      mayTell: account.mayTell + (doubted ? 1 : 0),
      others: doubted ? null : others,
      doubtfulUntilMs:
        intent !== null || account.unanswered ? Number.POSITIVE_INFINITY : account.doubtfulUntilMs,
      unanswered: false,
      // A take that it hadn't been answered yet belongs to the attempt that its next run ends.
      owed: owed.map((move) =>
        move.run === by.run || move.run === ''
          ? {
              ...move,
              knownMs: null,
              run: '',
              lastWords: move.message,
              message: null,
              durable: intent?.stage === 'accepted',
            }
          : move,
      ),
    };
  });
}

function withStart(accounts: TakeoverAccounts, by: RunView, view: ClusterView): TakeoverAccounts {
  const outbox = documentOf(by.synced())?.outbox ?? [];
  const isKnown = !view.disksHarmed();
  return withAccountsOf(accounts, by, (account) => ({
    ...account,
    doubtfulUntilMs:
      account.doubtfulUntilMs === Number.POSITIVE_INFINITY
        ? view.now() + MAY_LAND_MS
        : account.doubtfulUntilMs,
    owed: account.owed
      // A last write may have reached the disk after its run: then this run sends what was in it.
      .filter(({ lastWords }) => outbox.every(({ message }) => message !== lastWords))
      .map((move) => (move.durable && isKnown ? { ...move, knownMs: view.now(), run: by.run } : move)),
  }));
}

function withResume(accounts: TakeoverAccounts, by: RunView, nowMs: number): TakeoverAccounts {
  return withAccountsOf(accounts, by, (account) => ({
    ...account,
    owed: account.owed.map((move) =>
      move.run === by.run && move.knownMs !== null ? { ...move, knownMs: nowMs } : move,
    ),
  }));
}
