/**
 * URLs, taken apart once for all: validation and every adapter that connects to a configured URL read it here, so
 * that what was accepted can't fail later, and what is shown is where the connection goes.
 */
import { isIP } from 'node:net';
import { hostRemark } from './host.ts';

/** The parts of an HTTP URL. */
export interface HttpUrl {
  readonly secure: boolean;
  /** Where to connect: a name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The request target: path and query. */
  readonly path: string;
  /** Host, and the port where it isn't the scheme's own, as the `Host` header has them. */
  readonly authority: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Decoded. */
  readonly user: { readonly name: string; readonly password: string } | null;
}

/** A URL, or what is wrong with it. */
export type HttpUrlReading =
  | { readonly kind: 'url'; readonly url: HttpUrl }
  /** What to mend; empty where there is nothing to add. */
  | { readonly kind: 'fault'; readonly remark: string };

const fault = (remark: string): HttpUrlReading => ({ kind: 'fault', remark });

/** Read a URL with a host and without a fragment; `http` or `https`. */
export function readHttpUrl(text: string): HttpUrlReading {
  if (/^[^/:]+:\d+$/.test(text) || isIP(text) !== 0) return fault(`did you mean http://${text}?`);
  // The parser would leave out white space and control characters, and take a backslash for a slash.
  const [, scheme = '', written = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)[^\\]*$/i.exec(text) ?? [];
  if (scheme === '' || /[\s\p{Cc}]/u.test(text)) return fault('');
  if (!/^https?$/i.test(scheme)) return fault(`${scheme.toLowerCase()} is not spoken`);
  const remark = hostRemark(hostOf(written));
  if (remark !== null) return fault(remark);
  if (!URL.canParse(text)) return fault('');
  const url = new URL(text);
  if (text.includes('#')) return fault('leave out the fragment');
  if (url.port === '0') return fault('nobody can listen on port 0');
  // Programs disagree where such a user ends: one reads a password, where another has begun with the host or the path.
  if (written.includes('@') && text.indexOf('@') !== text.lastIndexOf('@')) return fault(ESCAPES);
  const user = userOf(url);
  if (typeof user === 'string') return fault(user);
  return { kind: 'url', url: { ...partsOf(url), user } };
}

/** @throws TypeError for what `readHttpUrl` refuses, which no configuration holds once it has been checked */
export function httpUrl(text: string): HttpUrl {
  const reading = readHttpUrl(text);
  if (reading.kind === 'url') return reading.url;
  throw new TypeError(`not a usable URL${reading.remark === '' ? '' : `: ${reading.remark}`}`);
}

const ESCAPES = 'in user and password write % as %25, @ as %40 and / as %2F';

/** The host in an authority as it was written, without user, port and brackets. */
function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '');
  return /^\[.*:.*\]$/.test(host) ? host.slice(1, -1) : host;
}

function partsOf(url: URL): Omit<HttpUrl, 'user'> {
  const secure = url.protocol === 'https:';
  return {
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    authority: url.host,
    origin: url.origin,
  };
}

/** User and password of a URL, or why they can't be sent as basic authentication (RFC 7617, 2). */
function userOf({ username, password }: URL): HttpUrl['user'] | string {
  if (username === '' && password === '') return null;
  const [name, secret] = [decoded(username), decoded(password)];
  if (name === null || secret === null) return ESCAPES;
  if (name.includes(':')) return 'a user name holds no colon';
  if (/\p{Cc}/u.test(name + secret)) return 'user and password hold no control characters';
  return { name, password: secret };
}

/** Null where a `%` stands that begins no escape, or the bytes are not UTF-8. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // The caller says what to write instead.
  }
}
