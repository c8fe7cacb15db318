/**
 * What stands in the store for one direction between two voters: the last few signed messages, as they would have gone over the
 * wire. Nothing here is believed: each message carries the signatures that it would carry there.
 */
import { MAX_MESSAGE_BYTES, type NodeId } from '@failtome/protocol';

/** The routes whose messages are relayed. An operator's orders go to a node directly, and travel in gossip from there. */
export const RELAYED_ROUTES = ['/v1/gossip', '/v1/vote'] as const;

/** A request as its sender signed it. */
export interface RelayedRequest {
  readonly kind: 'request';
  readonly route: (typeof RELAYED_ROUTES)[number];
  readonly body: string;
  /** By the cluster's key. */
  readonly signature: string;
  /** The sender's own; empty where it has none. */
  readonly identity: string;
}

/** The answer to a request, bound to it by its signature. */
export interface RelayedAnswer {
  readonly kind: 'answer';
  readonly route: (typeof RELAYED_ROUTES)[number];
  readonly status: number;
  /** The signature of the request that it answers. */
  readonly re: string;
  readonly body: string;
  readonly signature: string;
  readonly identity: string;
}

/** One message. */
export type Relayed = RelayedRequest | RelayedAnswer;

/** One message, with its number in its writer's run, from 1. */
export interface Parcel {
  readonly n: number;
  readonly message: Relayed;
}

/** How far a reader has read. */
export interface ReadUpTo {
  /** The writer's run that it has read. */
  readonly run: string;
  readonly n: number;
}

/** All that stands in the store for one direction. */
export interface RelayItem {
  /** The writer's run: its numbers begin anew with each. */
  readonly run: string;
  /** How far the writer has read what comes the other way: that need not be written again. Null: nothing yet. */
  readonly read: ReadUpTo | null;
  /** The oldest first. */
  readonly parcels: readonly Parcel[];
}

/** The most messages in one item: of each kind half. */
export const MAX_PARCELS = 8;

/** The most characters of an item: far less than a store takes (DynamoDB: 400 KB, etcd: 1.5 MB), and a message fits with room for its escapes. */
export const MAX_ITEM_CHARS: number = 3 * MAX_MESSAGE_BYTES;

const FORM_VERSION = 1;
const MAX_RUN_CHARS = 64;
/** Signatures are 43 and some 90 characters long. */
const MAX_SIGNATURE_CHARS = 256;

/** Under which key a direction stands. Node ids and cluster names hold no slash. */
export function relayKey(cluster: string, from: NodeId, to: NodeId): string {
  return `${cluster}/${from}/${to}`;
}

/** The text of an item. What doesn't fit is left out, the oldest first. */
export function encodeItem({ run, read, parcels }: RelayItem): string {
  let kept = parcels.slice(-MAX_PARCELS);
  for (;;) {
    const text = JSON.stringify({ v: FORM_VERSION, run, read, parcels: kept });
    if (text.length <= MAX_ITEM_CHARS || kept.length === 0) return text;
    kept = kept.slice(1);
  }
}

/** Null: it is no item, or one of another version. */
export function decodeItem(text: string): RelayItem | null {
  if (text.length > MAX_ITEM_CHARS) return null;
  const item = objectOf(parsed(text));
  if (item === null || item.v !== FORM_VERSION || !isText(item.run, 1, MAX_RUN_CHARS)) return null;
  const read = item.read === null ? null : readUpTo(item.read);
  if (read === undefined || !Array.isArray(item.parcels) || item.parcels.length > MAX_PARCELS) return null;
  const parcels: Parcel[] = [];
  for (const each of item.parcels as readonly unknown[]) {
    const parcel = parcelOf(each);
    if (parcel === null) return null;
    parcels.push(parcel);
  }
  return { run: item.run, read, parcels };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // what isn't JSON is no item
  }
}

function parcelOf(value: unknown): Parcel | null {
  const parcel = objectOf(value);
  const message = parcel === null ? null : messageOf(parcel.message);
  return parcel === null || message === null || !isCount(parcel.n) ? null : { n: parcel.n, message };
}

function messageOf(value: unknown): Relayed | null {
  const message = objectOf(value);
  if (message === null) return null;
  const { kind, body, signature, identity, status, re } = message;
  const route = RELAYED_ROUTES.find((one) => one === message.route);
  if (route === undefined || !isText(body, 1, MAX_MESSAGE_BYTES)) return null;
  if (!isText(signature, 1, MAX_SIGNATURE_CHARS) || !isText(identity, 0, MAX_SIGNATURE_CHARS)) return null;
  if (kind === 'request') return { kind, route, body, signature, identity };
  if (kind !== 'answer' || !isCount(status) || !isText(re, 1, MAX_SIGNATURE_CHARS)) return null;
  return { kind, route, status, re, body, signature, identity };
}

function readUpTo(value: unknown): ReadUpTo | undefined {
  const read = objectOf(value);
  if (read === null || !isText(read.run, 1, MAX_RUN_CHARS) || !isCount(read.n)) return undefined;
  return { run: read.run, n: read.n };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>) // every field is looked at before it is used
    : null;
}

function isText(value: unknown, least: number, most: number): value is string {
  return typeof value === 'string' && value.length >= least && value.length <= most;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
