/** What each node's calls have made of an address, and what its outbox and its notifications tell of that: for I17. */
import { type Ip, TAKEOVER_SUBJECT } from '@failtome/protocol';
import type { RunView } from './events.ts';
import { withEntry } from './run-history.ts';

/** An association that a node's own call has made. */
export interface AcceptedMove {
  readonly associationId: string;
  readonly atMs: number;
  /** Since when a run that still runs has known of it; null: none does. */
  readonly knownMs: number | null;
  /** When its attempt was last busy with calls: one that has to take it anew tells of all once that has come to an end. */
  readonly busyMs: number | null;
  readonly run: string;
  /** What tells of it, in an outbox that may be lost with its run; null: nothing as yet. */
  readonly message: string | null;
  /** What its last run was about to tell, when it ended before that was known to be on the disk; null: nothing. */
  readonly lastWords: string | null;
  /** The disk of a run that has ended says that it was accepted. */
  readonly durable: boolean;
}

/** What concerns one instance and one address. */
export interface TakeoverAccount {
  /** Not told yet, oldest first. */
  readonly owed: readonly AcceptedMove[];
  /** All that were published, word for word. */
  readonly told: readonly string[];
  /** How many own takes were applied. */
  readonly moves: number;
  /** How many associations may be told: own ones, and others that the node can't tell from its own. */
  readonly mayTell: number;
  /** When its last take left, and whether it was answered. */
  readonly takenMs: number | null;
  readonly unanswered: boolean;
  /** Until when an association that others made could be one that its own call made, as far as it can know. */
  readonly doubtfulUntilMs: number | null;
  /** The last association that others made, and that was none of these; null: there is none. */
  readonly others: string | null;
  /** After its last take an old read without an id has shown this node as the holder, or no more as the holder. */
  readonly misled: boolean;
  /** It knows that it holds the address by an association without an id, and has known no other holder since. */
  readonly heldWithoutId: boolean;
}

/** By instance, and then by address. */
export type TakeoverAccounts = Readonly<Record<string, AccountsOfInstance>>;
type AccountsOfInstance = Readonly<Record<Ip, TakeoverAccount>>;

/** Nothing owed, nothing told. */
const NEW_ACCOUNT: TakeoverAccount = {
  owed: [],
  told: [],
  moves: 0,
  mayTell: 0,
  takenMs: null,
  unanswered: false,
  doubtfulUntilMs: null,
  others: null,
  misled: false,
  heldWithoutId: false,
};

/** What concerns this instance and this address. */
export function accountOf(
  accounts: TakeoverAccounts,
  { instanceId }: Pick<RunView, 'instanceId'>,
  ip: Ip,
): TakeoverAccount {
  return accounts[instanceId]?.[ip] ?? NEW_ACCOUNT;
}

/** Whether anything is still to be told of what a run's instance has taken; nearly always nothing is. */
export function isOwing(accounts: TakeoverAccounts, { instanceId }: RunView): boolean {
  const own = accounts[instanceId];
  for (const ip in own) if (own[ip] !== undefined && own[ip].owed.length > 0) return true;
  return false;
}

/** With one account changed. */
export function withAccount(
  accounts: TakeoverAccounts,
  by: Pick<RunView, 'instanceId'>,
  ip: Ip,
  change: (account: TakeoverAccount) => TakeoverAccount,
): TakeoverAccounts {
  const before = accountOf(accounts, by, ip);
  const after = change(before);
  if (after === before) return accounts;
  return withEntry(accounts, by.instanceId, withEntry(accounts[by.instanceId] ?? {}, ip, after));
}

/** Each account of a run's instance. */
export function withAccountsOf(
  accounts: TakeoverAccounts,
  by: RunView,
  change: (account: TakeoverAccount, ip: Ip) => TakeoverAccount,
): TakeoverAccounts {
  let after = accounts;
  for (const { ip } of by.config.addresses)
    after = withAccount(after, by, ip, (account) => change(account, ip));
  return after;
}

function withMove(
  account: TakeoverAccount,
  move: AcceptedMove,
  change: Partial<AcceptedMove>,
): TakeoverAccount {
  const owed = account.owed.map((one) => (one === move ? { ...one, ...change } : one));
  return { ...account, owed };
}

/** With a move that its run knows to have been accepted. */
export function withKnown(
  account: TakeoverAccount,
  by: RunView,
  move: AcceptedMove | undefined,
  nowMs: number,
): TakeoverAccount {
  return move === undefined || move.knownMs !== null
    ? account
    : withMove(account, move, { knownMs: nowMs, run: by.run });
}

/** Which address a notification of a move is about; null: it is none. */
export function addressTold(message: string): Ip | null {
  return /^Instance \S+ took over (\S+)/.exec(message)?.[1] ?? null;
}

/** Words tell of all that was known when they were new. */
export function withWords(account: TakeoverAccount, message: string): TakeoverAccount {
  const { owed } = account;
  const isNews = (move: AcceptedMove): boolean => move.knownMs !== null && move.message === null;
  if (owed.some((move) => move.message === message) || !owed.some(isNews)) return account;
  return { ...account, owed: owed.map((move) => (isNews(move) ? { ...move, message } : move)) };
}

/** With what its outbox tells. */
export function withOutbox(account: TakeoverAccount, by: RunView, ip: Ip): TakeoverAccount {
  let after = account;
  for (const { subject, message } of by.state().outbox)
    if (subject === TAKEOVER_SUBJECT && addressTold(message) === ip && !after.told.includes(message))
      after = withWords(after, message);
  return after;
}
