/** What the flags of `failtome-sim cloud` say. All throw CloudFlagError for what they can't read. */
import type { CloudAddress, CloudInstance } from './options.ts';
import type { Endpoint } from './togglable-listener.ts';

/** What was asked for can't be done as it was asked. */
export class CloudFlagError extends Error {
  override readonly name = 'CloudFlagError';
}

/** `NAME=VALUE`, each. */
export function pairsOf(flag: string, pairs: readonly string[]): readonly (readonly [string, string])[] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new CloudFlagError(`${flag}: write NAME=VALUE.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/** `--instances`: `ID[@HOST:PORT]`. */
export function instanceOf(flag: string): CloudInstance {
  const [id = '', backend] = flag.split('@', 2);
  if (id === '') throw new CloudFlagError(`--instances: ${flag} names no instance.`);
  if (backend === undefined) return { id };
  const endpoint = endpointOf(backend);
  // All share the loopback addresses; any other one is the instance's own private one, and tells who asks.
  const sources = endpoint.host.startsWith('127.') ? [] : [endpoint.host];
  return {
    id,
    backend: endpoint,
    sources,
    ...(sources.length === 0 ? {} : { privateIps: [[endpoint.host]] }),
  };
}

/** `--addresses`: `IP[:PORT][=HOLDER]`. */
export function addressOf(flag: string): CloudAddress {
  const [where = '', holder] = flag.split('=', 2);
  const held = holder === undefined ? {} : { holder };
  if (!where.includes(':')) return { publicIp: where, ...held };
  const bind = endpointOf(where);
  return { publicIp: bind.host, bind, ...held };
}

/** `HOST:PORT`. */
export function endpointOf(text: string): Endpoint {
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined) throw new CloudFlagError(`${text} is not host:port.`);
  return { host, port: Number(port) };
}
