/** What has to agree where the API speaks TLS: the scheme of every URL, and who can be verified by what. */
import { shown } from '@failtome/config';
import { DISCOVERY_SCHEME } from './discovery-keys.ts';
import type { Fault, Warning } from './fault.ts';
import type { Key } from './file-keys.ts';
import * as keys from './file-keys.ts';
import { httpUrl } from './http-url.ts';
import { locatedIn } from './located.ts';
import { get, lengthOf, originOf, pathOf, type Settings } from './settings.ts';
import type { AgentConfig } from './types.ts';

/** The nodes speak TLS to each other or they don't; only a cluster that is being changed over does both. */
export function tlsFaults(settings: Settings): readonly Fault[] {
  // A section that is there and can't be read is told of by itself.
  if (settings.faults.some(({ path }) => path === 'api.tls')) return [];
  const places = [...advertised(settings), ...urlsOf(settings)];
  const schemes = searchFaults(settings);
  return [...clientFaults(settings), ...schemes, ...places.flatMap((place) => schemeFaults(settings, place))];
}

function schemeFaults(settings: Settings, { key, index, url }: Place): readonly Fault[] {
  const tls = settings.present.has('api.tls');
  const { secure } = httpUrl(url);
  const fault = { path: pathOf(key, index), found: shown(url), origin: originOf(settings, key, index) };
  if (secure && !tls) {
    const hint = "every node speaks TLS or none does, and api.tls names this node's certificate";
    return [{ ...fault, expected: 'an http URL, because there is no api.tls', hint }];
  }
  if (secure || !tls || get(settings, keys.TLS_PLAIN) !== 'refuse') return [];
  const hint = `did you mean ${url.replace(/^http:/, 'https:')}? For a cluster that is being changed over there is api.tls.plain: accept`;
  return [{ ...fault, expected: 'an https URL, because there is api.tls', hint }];
}

/** What is found is spoken to as what stands in the file. */
function searchFaults(settings: Settings): readonly Fault[] {
  const scheme = settings.present.has('peers.from') ? get(settings, DISCOVERY_SCHEME) : null;
  const tls = settings.present.has('api.tls');
  if (scheme === null || tls === (scheme === 'https')) return [];
  if (tls && get(settings, keys.TLS_PLAIN) !== 'refuse') return [];
  const expected = tls ? 'https, because there is api.tls' : 'http, because there is no api.tls';
  const { path } = DISCOVERY_SCHEME;
  return [{ path, found: scheme, expected, hint: '', origin: originOf(settings, DISCOVERY_SCHEME) }];
}

/** Nobody else's authorities say who may speak to a node of this cluster. */
function clientFaults(settings: Settings): readonly Fault[] {
  const known = get(settings, keys.TLS_CA_FILE) !== null || settings.entries.has(keys.TLS_CA_FILE.path);
  const keyed = indicesOf(settings).some((index) => get(settings, keys.PEER_PUBLIC_KEY, index) !== null);
  if (get(settings, keys.TLS_CLIENT_AUTH) !== 'required' || known || keyed) return [];
  return [
    {
      path: keys.TLS_CLIENT_AUTH.path,
      found: 'required',
      expected: 'none, because there is neither api.tls.caFile nor a publicKey in peers',
      hint: 'no certificate would be known here',
      origin: originOf(settings, keys.TLS_CLIENT_AUTH),
    },
  ];
}

interface Place {
  readonly key: Key<string>;
  readonly index: number;
  readonly url: string;
}

function urlsOf(settings: Settings): readonly Place[] {
  return indicesOf(settings).flatMap((index) => {
    const url = get(settings, keys.PEER_URL, index);
    return url === null ? [] : [{ key: keys.PEER_URL, index, url }];
  });
}

function indicesOf(settings: Settings): readonly number[] {
  return Array.from({ length: lengthOf(settings, 'peers') }, (_, index) => index);
}

function advertised(settings: Settings): readonly Place[] {
  const url = get(settings, keys.API_ADVERTISE);
  return url === null ? [] : [{ key: keys.API_ADVERTISE, index: 0, url }];
}

/** What in the settings of TLS works, and leaves something open. */
export function tlsWarnings({ api: { tls }, peers }: AgentConfig): readonly Warning[] {
  if (tls === null || tls.plain === 'refuse') return [];
  const left = locatedIn(peers)
    .filter(({ url }) => !httpUrl(url).secure)
    .map(({ id }) => id);
  const text =
    left.length === 0
      ? 'accept: all URLs are https, and plain HTTP may be refused'
      : `accept: ${left.join(', ')} ${left.length === 1 ? 'is' : 'are'} still spoken to in plain HTTP`;
  // No fault: clientAuth takes a restart, and plain is the last step of changing a cluster over.
  const open = {
    path: keys.TLS_CLIENT_AUTH.path,
    text: 'required: keeps nobody out as long as api.tls.plain accepts plain HTTP, which shows no certificate',
  };
  return [{ path: keys.TLS_PLAIN.path, text }, ...(tls.clientAuth === 'required' ? [open] : [])];
}
