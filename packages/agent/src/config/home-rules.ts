/** What homes need beside their own values. */
import { spanOf } from '@failtome/protocol';
import type { Fault } from './fault.ts';
import * as keys from './file-keys.ts';
import * as homeKeys from './home-keys.ts';
import type { Key } from './key-table.ts';
import { get, lengthOf, originOf, pathOf, type Settings } from './settings.ts';

/** Every fault of combination. */
export function homeFaults(settings: Settings): readonly Fault[] {
  return [...unknownHomes(settings), ...failbackFaults(settings)];
}

function faultOf(
  settings: Settings,
  key: Key<unknown>,
  index: number,
  found: string,
  expected: string,
): Fault {
  const path = pathOf(key, index);
  const origin = settings.entries.has(path) ? originOf(settings, key, index) : null;
  return { path, found, expected, hint: '', origin };
}

function unknownHomes(settings: Settings): readonly Fault[] {
  const own = { id: get(settings, keys.NODE_ID), role: get(settings, keys.NODE_ROLE) };
  const peers = Array.from({ length: lengthOf(settings, 'peers') }, (_, index) => ({
    id: get(settings, keys.PEER_ID, index),
    role: get(settings, keys.PEER_ROLE, index),
  }));
  // A node that finds itself by its address has its entry among the peers.
  const candidates = [...peers, own].flatMap(({ id, role }) =>
    id !== null && role === 'candidate' ? [id] : [],
  );
  return Array.from({ length: lengthOf(settings, 'addresses') }, (_, index) => index).flatMap((index) => {
    const home = get(settings, homeKeys.ADDRESS_HOME, index);
    if (home === null || candidates.includes(home)) return [];
    const expected = `a candidate: ${candidates.join(', ')}`;
    return [faultOf(settings, homeKeys.ADDRESS_HOME, index, home, expected)];
  });
}

function failbackFaults(settings: Settings): readonly Fault[] {
  if (!settings.present.has('failback')) return [];
  const faults: Fault[] = [];
  const window = get(settings, homeKeys.FAILBACK_WINDOW);
  if (window !== null && spanOf(window) === null)
    faults.push(
      faultOf(
        settings,
        homeKeys.FAILBACK_WINDOW,
        0,
        window,
        'a span that ends at another time than it begins',
      ),
    );
  return faults;
}
