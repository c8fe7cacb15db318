/** Faults and warnings about whose signature counts. They need no file but the configuration itself. */
import type { NodeId } from '@failtome/protocol';
import { authModeOf } from '../auth/identities.ts';
import type { PublicKey } from '../auth/identity.ts';
import type { Fault, Warning } from './fault.ts';
import type { Key } from './file-keys.ts';
import * as keys from './file-keys.ts';
import { faultAt, indices } from './rule-fault.ts';
import { get, pathOf, type Settings } from './settings.ts';
import type { AgentConfig } from './types.ts';

/** A key that two have lets each speak for the other, and an operator's name is told in logs and in history. */
export function publicKeyFaults(settings: Settings): readonly Fault[] {
  return [...sharedKeys(settings), ...repeatedNames(settings)];
}

function sharedKeys(settings: Settings): readonly Fault[] {
  const seen = new Map<string, string>();
  return [
    ...placesOf(settings, keys.PEER_PUBLIC_KEY, 'peers'),
    ...placesOf(settings, keys.OPERATOR_PUBLIC_KEY, 'auth.operators'),
  ].flatMap(({ key, index, publicKey: { text } }) => {
    const path = pathOf(key, index);
    const earlier = seen.get(text);
    seen.set(text, earlier ?? path);
    if (earlier === undefined) return [];
    const expected = 'each key at one place, because whoever has it could speak for both';
    return [faultAt(settings, key, index, `the key ${text}`, expected, `${earlier} has it too`)];
  });
}

function placesOf(settings: Settings, key: Key<readonly PublicKey[]>, list: string) {
  return indices(settings, list).flatMap((index) =>
    (get(settings, key, index) ?? []).map((publicKey) => ({ key, index, publicKey })),
  );
}

function repeatedNames(settings: Settings): readonly Fault[] {
  const names = indices(settings, 'auth.operators').map((index) => get(settings, keys.OPERATOR_NAME, index));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (name === null || first === index) return [];
    const hint = `${pathOf(keys.OPERATOR_NAME, first)} is the same; publicKey takes a list`;
    return [faultAt(settings, keys.OPERATOR_NAME, index, name, 'a name of its own', hint)];
  });
}

/** What is legal on the way from one mode to the other, and no place to stay. */
export function identityWarnings(config: AgentConfig): readonly Warning[] {
  const { auth, peers, node } = config;
  const others = peers.filter(({ id }) => id !== node.id);
  const unnamed = auth.operators.length === 0;
  switch (authModeOf(others, auth.identity !== null)) {
    case 'shared-key':
      return unnamed
        ? []
        : [
            warning(
              'auth.operators',
              "counts for commands, while who has the cluster's key speaks for any node",
            ),
          ];
    case 'identities':
      return unnamed
        ? [
            warning(
              'auth.operators',
              "absent: with identities, an operator's command is refused (pause, resume, handover)",
            ),
          ]
        : [];
    case 'mixed':
      return mixedWarnings(
        auth.identity !== null,
        others.filter(({ publicKeys }) => publicKeys.length === 0).map(({ id }) => id),
      );
  }
}

/** What shows only with the identity's file. @param own the public half of it; null: there is none */
export function ownKeyWarnings(
  { peers, auth }: Pick<AgentConfig, 'peers' | 'auth'>,
  self: NodeId,
  own: PublicKey | null,
): readonly Warning[] {
  if (own === null) return [];
  const has = ({ publicKeys }: { readonly publicKeys: readonly PublicKey[] }): boolean =>
    publicKeys.some(({ text }) => text === own.text);
  const entry = peers.find(({ id }) => id === self);
  const stale = entry !== undefined && entry.publicKeys.length > 0 && !has(entry);
  const others = peers.filter((peer) => peer.id !== self && has(peer)).map(({ id }) => id);
  const operators = auth.operators.filter(has).map(({ name }) => name);
  const shared = [...others, ...operators];
  return [
    ...(stale
      ? [
          warning(
            'auth.identity',
            `its public key ${own.text} is not the one that peers has for ${self}: nodes with the same list refuse this node`,
          ),
        ]
      : []),
    ...(shared.length === 0
      ? []
      : [warning('auth.identity', `it is also the key of ${shared.join(', ')}: give each a key of its own`)]),
  ];
}

function mixedWarnings(signs: boolean, without: readonly NodeId[]): readonly Warning[] {
  const unsigned = warning(
    'auth.identity',
    'absent, while peers have a publicKey: the peers cannot tell this node from who only has the cluster key',
  );
  const unchecked = warning(
    'peers',
    `without publicKey, who has the cluster's key speaks for ${without.join(', ')}`,
  );
  return [...(signs ? [] : [unsigned]), ...(without.length === 0 ? [] : [unchecked])];
}

function warning(path: string, text: string): Warning {
  return { path, text };
}
