/**
 * Changes one entry of `peers` in the text of a configuration file. All else stays as it was written, every comment and every
 * space: nothing is printed anew. Whoever calls it reads the result and compares, because not every way to write YAML is known here.
 */
import type { NodeId, Role } from '@failtome/protocol';
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';

/** An entry as it is to stand in the list. */
export interface NewEntry {
  readonly id: NodeId;
  /** Null: left out. */
  readonly url: string | null;
  readonly role: Role;
  /** As it is written; null: left out. */
  readonly publicKey: string | null;
}

/** What is to become of the list. */
export type PeersEdit =
  | { readonly kind: 'add'; readonly entry: NewEntry }
  | { readonly kind: 'remove'; readonly id: NodeId }
  | { readonly kind: 'move'; readonly id: NodeId; readonly url: string };

/** An entry as one line of YAML. */
export function entryText({ id, url, role, publicKey }: NewEntry): string {
  const parts = [
    `id: ${JSON.stringify(id)}`,
    ...(url === null ? [] : [`url: ${JSON.stringify(url)}`]),
    ...(role === 'candidate' ? [] : [`role: ${role}`]),
    ...(publicKey === null ? [] : [`publicKey: ${JSON.stringify(publicKey)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

/** The text with the change; null where the list is written in a way that this doesn't know. */
export function editedPeers(text: string, edit: PeersEdit): string | null {
  const list = listIn(text);
  if (list === null) return null;
  switch (edit.kind) {
    case 'add':
      return added(text, list, entryText(edit.entry));
    case 'remove':
      return removed(text, list, edit.id);
    case 'move':
      return moved(text, list, edit.id, edit.url);
  }
}

interface List {
  readonly isFlow: boolean;
  readonly items: readonly YAMLMap[];
}

function listIn(text: string): List | null {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const peers = document.contents.get('peers', true);
  const list: unknown = isMap(peers) ? peers.get('nodes', true) : peers;
  if (!isSeq(list)) return null;
  const items = itemsOf(list);
  return items === null ? null : { isFlow: list.flow === true, items };
}

/** Null: one of them isn't a map of its own, an alias perhaps. */
function itemsOf(list: YAMLSeq): readonly YAMLMap[] | null {
  const items = list.items.filter((item): item is YAMLMap => isMap(item) && item.range != null);
  return items.length > 0 && items.length === list.items.length ? items : null;
}

function added(text: string, { isFlow, items }: List, entry: string): string | null {
  const last = items.at(-1);
  if (last?.range == null) return null;
  if (isFlow) return spliced(text, last.range[1], last.range[1], `, ${entry}`);
  const indent = dashOf(text, last)?.indent ?? null;
  if (indent === null) return null;
  const end = lineAfter(text, last);
  const before = text.slice(0, end).endsWith('\n') ? '' : '\n';
  return spliced(text, end, end, `${before}${indent}- ${entry}\n`);
}

function removed(text: string, { isFlow, items }: List, id: NodeId): string | null {
  const at = items.findIndex((item) => item.get('id') === id);
  const item = items[at];
  if (item?.range == null || items.length < 2) return null;
  if (!isFlow) {
    const dash = dashOf(text, item);
    return dash === null ? null : spliced(text, dash.lineStart, lineAfter(text, item), '');
  }
  const [next, previous] = [items[at + 1], items[at - 1]];
  if (next?.range != null) return spliced(text, item.range[0], next.range[0], '');
  return previous?.range == null ? null : spliced(text, previous.range[1], item.range[1], '');
}

function moved(text: string, { items }: List, id: NodeId, url: string): string | null {
  const item = items.find((one) => one.get('id') === id);
  const value: unknown = item?.get('url', true);
  if (!isScalar(value) || value.range == null) return null;
  return spliced(text, value.range[0], value.range[1], JSON.stringify(url));
}

function spliced(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to);
}

/** The line on which an item's hyphen stands; null where something else stands before it. */
function dashOf(
  text: string,
  { range }: YAMLMap,
): { readonly lineStart: number; readonly indent: string } | null {
  if (range == null) return null;
  const lineStart = text.lastIndexOf('\n', range[0] - 1) + 1;
  const [, indent] = /^([ ]*)-[ ]+$/.exec(text.slice(lineStart, range[0])) ?? [];
  return indent === undefined ? null : { lineStart, indent };
}

/** Where the line begins that comes after an item, and after a comment behind it. */
function lineAfter(text: string, { range }: YAMLMap): number {
  let end = range?.[1] ?? 0;
  while (end > 0 && /\s/.test(text.charAt(end - 1))) end -= 1;
  const newline = text.indexOf('\n', end);
  return newline < 0 ? text.length : newline + 1;
}
