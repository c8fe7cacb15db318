/** What of the page stands outside its body: title and icon, which are seen of a tab that isn't looked at. */
import { STATE_WORDS } from './addresses.tsx';
import { type Headline, headlinesOf, worstOf } from './headline.ts';
import type { ClusterModel, ProtectionWord } from './model.ts';

/** The element that the script takes over. */
export const ROOT_ID = 'page';
/** The element with what the page was made of, for the script. */
export const DATA_ID = 'data';

/** The worst state first: it is all that a tab has room for. */
export function titleOf(cluster: ClusterModel): string {
  const headlines = headlinesOf(cluster);
  const state = worstOf(headlines);
  const about = headlines.filter((one: Headline) => one.state === state).map(({ ip }) => ip);
  const which =
    headlines.length > 1 && state !== 'protected' && about.length > 0 ? ` of ${about.join(', ')}` : '';
  return `${STATE_WORDS[state]}${which} · ${cluster.cluster} · failtome`;
}

/** Where nobody tells any more how it is. */
export function lostTitleOf({ cluster, node }: ClusterModel): string {
  return `No answer of ${node} · ${cluster} · failtome`;
}

const COLOURS: Readonly<Record<ProtectionWord, string>> = {
  protected: '12652f',
  'no-standby': '8a5600',
  'failing-over': '0b57b0',
  outage: 'b3241d',
  paused: '5a4aa0',
  unknown: '5b636b',
};

/** A dot in the state's colour, as a `data:` URL: nothing is loaded. */
export function iconOf(state: ProtectionWord): string {
  const svg = `%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23${COLOURS[state]}'/%3E%3C/svg%3E`;
  return `data:image/svg+xml,${svg}`;
}
