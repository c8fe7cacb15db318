/**
 * I17, by what the cloud has really done: a notification names a move that was accepted, and an accepted move is told
 * soon after its taker can know of it, by the cloud's answer or by a read.
 */

import type { AwsEvent } from '@failtome/cloud/model';
import {
  type Association,
  counted,
  type DriveEffect,
  type DriverResult,
  type Ip,
  TAKEOVER_SUBJECT,
} from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createDoubles } from './doubles.ts';
import { createReader } from './durability.ts';

/** A move is verified for 15 s; what is left is for looking around. */
const TOLD_WITHIN_MS = 25_000;
/** A take can't land any more after 15 minutes; an idle read comes a minute or two after. */
const MAY_LAND_MS = 18 * 60_000;
/** A node believes that its given-up take may still land for this long. */
const LATE_MS = 15 * 60_000;
const MAX_OUTBOX = 100;
/** The most associations whose telling is waited for; those whose node never learns of them are forgotten. */
const MAX_OWED = 64;

/** An association that a node's own call has made. */
interface Move {
  readonly associationId: string;
  readonly atMs: number;
  /** Since when a run that still runs has known of it; null: none does. */
  knownMs: number | null;
  /** When its attempt was last busy with calls: one that has to take it anew tells of all once that has come to an end. */
  busyMs: number;
  run: string;
  /** What tells of it, in an outbox that may be lost with its run; null: nothing as yet. */
  message: string | null;
  /** What its last run was about to tell, when it ended before that was known to be on the disk; null: nothing. */
  lastWords: string | null;
  /** The disk of a run that has ended says that it was accepted. */
  durable: boolean;
}

/** What concerns one instance and one address. */
interface Account {
  /** Not told yet, oldest first. */
  owed: Move[];
  /** All that were published, word for word. */
  readonly told: Set<string>;
  /** How many associations may be told: own ones, and others that the node can't tell from its own. */
  mayTell: number;
  /** When its last take left, and whether it was answered. */
  takenMs: number;
  unanswered: boolean;
  /** Until when an association that others made could be one that its own call made, as far as it can know. */
  doubtfulUntilMs: number;
  /** The last association that others made, and that was none of these; null: there is none. */
  others: string | null;
  /** After its last take an old read without an id has shown this node as the holder. */
  misled: boolean;
}

export function checkTelling(view: WorldView, violate: Violate): Watcher {
  const accounts = new Map<string, Account>();
  const doubles = createDoubles(view);
  const read = createReader();

  function accountOf(instanceId: string, ip: Ip): Account {
    const key = `${instanceId} ${ip}`;
    const known = accounts.get(key) ?? {
      owed: [],
      told: new Set<string>(),
      mayTell: 0,
      takenMs: Number.NEGATIVE_INFINITY,
      unanswered: false,
      doubtfulUntilMs: Number.NEGATIVE_INFINITY,
      others: null,
      misled: false,
    };
    accounts.set(key, known);
    return known;
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind !== 'associated') return;
    const { association, by, publicIp, atMs } = event;
    const account = accountOf(association.instanceId, publicIp);
    const own = by.kind === 'instance' && by.instanceId === association.instanceId;
    if (own) {
      if (account.owed.length >= MAX_OWED) account.owed.shift();
      account.owed.push({
        associationId: association.id,
        atMs,
        knownMs: null,
        busyMs: Number.NEGATIVE_INFINITY,
        run: '',
        message: null,
        lastWords: null,
        durable: false,
      });
      account.mayTell += 1;
    } else if (isDoubtful(account, association.instanceId, publicIp)) account.mayTell += 1;
    else account.others = association.id;
  }

  /** The next run finds an intent, and this association, which was there before: it can't know whether a call of the last run made it. */
  function doubtOthers(account: Account, ip: Ip): void {
    if (account.others === null || view.aws().addresses.get(ip)?.association?.id !== account.others) return;
    account.others = null;
    account.mayTell += 1;
  }

  function isDoubtful(account: Account, instanceId: string, ip: Ip): boolean {
    const moving = view
      .runs()
      .some(
        (run) =>
          run.instanceId === instanceId &&
          read(run)?.addresses.some((address) => address.ip === ip && address.intent !== null) === true,
      );
    return moving || account.unanswered || view.now() < account.doubtfulUntilMs;
  }

  function onDriven(by: RunView, { address: ip, operation }: DriveEffect, { answer }: DriverResult): void {
    const account = accountOf(by.instanceId, ip);
    if (operation.op === 'take') {
      account.unanswered = false;
      if (answer.kind === 'unknown') account.doubtfulUntilMs = view.now() + MAY_LAND_MS;
    }
    if (answer.kind === 'read') readOld(account, by, ip, answer.association);
    if (answer.kind === 'taken') know(by, account.owed.at(-1));
    else if (answer.kind === 'read' && answer.association.kind === 'associated' && answer.association.self)
      if (view.now() - account.takenMs < LATE_MS && !view.disksHarmed())
        know(by, shownTo(account, ip, answer.association.associationId));
  }

  /** A read that lags shows what an earlier take came to. Without an id it looks like what an unanswered one came to. */
  function readOld(account: Account, { instanceId }: RunView, ip: Ip, read: Association): void {
    if (read.kind !== 'associated' || !read.self || read.associationId !== null) return;
    const isOld = view.aws().addresses.get(ip)?.association?.instanceId !== instanceId;
    if (!isOld || account.misled || view.now() >= account.doubtfulUntilMs) return;
    account.misled = true;
    account.mayTell += 1;
  }

  /** What a read has shown; without an id it is what the cloud really has now. */
  function shownTo({ owed }: Account, ip: Ip, associationId: string | null): Move | undefined {
    const id = associationId ?? view.aws().addresses.get(ip)?.association?.id;
    return owed.find((one) => one.associationId === id);
  }

  function know(by: RunView, move: Move | undefined): void {
    if (move !== undefined && move.knownMs === null)
      Object.assign(move, { knownMs: view.now(), run: by.run });
  }

  /** A notification of a move is of one that happened. One attempt may have taken the address more than once, and tells it once. */
  function onPublished(by: RunView, message: string): void {
    const account = accountIn(by, message);
    if (account === null || account.told.has(message)) return;
    account.told.add(message);
    onWords(account, message);
    account.owed = account.owed.filter((move) => move.message !== message);
    // What a copied disk or one that was put back remembers, it tells again in its own words.
    const again = account.mayTell > 0 && (doubles.ever(by.node) || view.disksHarmed());
    if (account.told.size > account.mayTell && !again)
      violate(
        'I17',
        `${by.run} tells of ${counted(account.told.size, 'move')} to it, and there were ${account.mayTell}: ${message} at ${view.now()}`,
      );
  }

  function accountIn(by: RunView, message: string): Account | null {
    const [, ip] = /^Instance \S+ took over (\S+)/.exec(message) ?? [];
    return ip === undefined ? null : accountOf(by.instanceId, ip);
  }

  /** Words tell of all that was known when they were new. */
  function onWords({ owed }: Account, message: string): void {
    if (owed.some((move) => move.message === message)) return;
    for (const move of owed) if (move.knownMs !== null && move.message === null) move.message = message;
  }

  function onStep(by: RunView): void {
    for (const [ip, account] of movesOf(by)) {
      if (account.owed.length === 0) continue;
      readOutbox(by, account);
      if (isBusy(by, ip)) for (const move of account.owed) if (move.run === by.run) move.busyMs = view.now();
      const untold = account.owed.find(
        ({ run, knownMs, busyMs, message }) =>
          run === by.run &&
          message === null &&
          knownMs !== null &&
          view.now() - Math.max(knownMs, busyMs) > TOLD_WITHIN_MS,
      );
      if (untold !== undefined && mustHaveTold(by))
        violate(
          'I17',
          `${by.run} has known since ${untold.knownMs} that it took ${ip} at ${untold.atMs}, and tells nobody`,
        );
    }
  }

  function readOutbox(by: RunView, account: Account): void {
    for (const { subject, message } of by.state().outbox)
      if (subject === TAKEOVER_SUBJECT && accountIn(by, message) === account && !account.told.has(message))
        onWords(account, message);
  }

  /** A move isn't over, and isn't verified now either. */
  function isBusy(by: RunView, ip: Ip): boolean {
    return (by.state().addresses[ip]?.move?.stage.kind ?? 'verifying') !== 'verifying';
  }

  function mustHaveTold(by: RunView): boolean {
    return by.config.notify.enabled && by.state().outbox.length < MAX_OUTBOX && !doubles.ever(by.node);
  }

  function movesOf(by: RunView): readonly (readonly [Ip, Account])[] {
    return by.config.addresses.flatMap(({ ip }) => {
      const account = accounts.get(`${by.instanceId} ${ip}`);
      return account === undefined ? [] : [[ip, account] as const];
    });
  }

  function onEnded(by: RunView): void {
    const document = read(by);
    for (const [ip, account] of movesOf(by)) {
      const intent = document?.addresses.find((address) => address.ip === ip)?.intent ?? null;
      if (intent !== null || account.unanswered) account.doubtfulUntilMs = Number.POSITIVE_INFINITY;
      if (intent !== null) doubtOthers(account, ip);
      account.unanswered = false;
      // The step in which a run ends isn't told as one, and may have filled its outbox.
      readOutbox(by, account);
      // What is in its durable outbox its next run sends.
      account.owed = account.owed.filter(
        (move) => !document?.outbox.some(({ message }) => message === move.message),
      );
      // A take that it hadn't been answered yet belongs to the attempt that its next run ends.
      for (const move of account.owed)
        if (move.run === by.run || move.run === '')
          Object.assign(move, {
            knownMs: null,
            run: '',
            lastWords: move.message,
            message: null,
            durable: intent?.stage === 'accepted',
          });
    }
  }

  function onStarted(by: RunView): void {
    const outbox = read(by)?.outbox ?? [];
    for (const [, account] of movesOf(by)) {
      // A last write may have reached the disk after its run: then this run sends what was in it.
      account.owed = account.owed.filter(({ lastWords }) =>
        outbox.every(({ message }) => message !== lastWords),
      );
      if (account.doubtfulUntilMs === Number.POSITIVE_INFINITY)
        account.doubtfulUntilMs = view.now() + MAY_LAND_MS;
      for (const move of account.owed)
        if (move.durable && !view.disksHarmed()) Object.assign(move, { knownMs: view.now(), run: by.run });
    }
  }

  function onResumed(by: RunView): void {
    for (const [, { owed }] of movesOf(by))
      for (const move of owed) if (move.run === by.run && move.knownMs !== null) move.knownMs = view.now();
  }

  return (event) => {
    doubles.watch(event);
    switch (event.kind) {
      case 'cloud':
        return onCloud(event.event);
      case 'drive': {
        if (event.effect.operation.op !== 'take') return;
        const account = accountOf(event.by.instanceId, event.effect.address);
        return void Object.assign(account, { takenMs: view.now(), unanswered: true, misled: false });
      }
      case 'driven':
        return onDriven(event.by, event.effect, event.result);
      case 'publish':
        if (event.effect.subject === TAKEOVER_SUBJECT) onPublished(event.by, event.effect.message);
        return;
      case 'stepped':
        return onStep(event.by);
      case 'started':
        return onStarted(event.by);
      case 'ended':
        return onEnded(event.by);
      case 'resumed':
        return onResumed(event.by);
      default:
        return;
    }
  };
}
