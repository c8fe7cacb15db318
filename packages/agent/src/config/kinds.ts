/**
 * The kinds of value that a key can have. Each reads what stands in the file, or says what was
 * expected instead, and knows how to describe its range for the reference.
 */
import { isIP } from 'node:net';
import {
  describeNode,
  formatDuration,
  parseDuration,
  type RawNode,
  type RawScalar,
  UNIT_MS,
} from '@failtome/config';
import { type DurationMs, OPERATOR_PREFIX } from '@failtome/protocol';
import { regionRemark, topicArnRemark } from './aws-names.ts';
import { canonicalIp, hostRemark, isNobodysOwn, mappedIpv4 } from './host.ts';
import { httpUrl, readHttpUrl } from './http-url.ts';
import type { StatusRange } from './types.ts';
import type { JsonSchema, Reading, ValueKind } from './value-kind.ts';

const TEXT: JsonSchema = { type: 'string' };

const good = <T>(value: T): Reading<T> => ({ kind: 'value', value });

const bad = <T>(node: RawNode, remark = '', hint = ''): Reading<T> => ({
  kind: 'fault',
  found: remark === '' ? describeNode(node) : `${describeNode(node)} (${remark})`,
  hint,
});

type Scalar = RawScalar['value'];

function scalarKind<T>(
  name: string,
  expected: string,
  schema: JsonSchema,
  read: (value: Scalar, node: RawScalar) => Reading<T>,
) {
  const kind: ValueKind<T> = {
    name,
    expected,
    schema,
    read: (node) => (node.kind === 'scalar' ? read(node.value, node) : bad(node)),
  };
  return kind;
}

/** Text that `accept` takes; it answers a remark when it does not, and an empty one when there is nothing to add. */
function textKind(
  name: string,
  expected: string,
  accept: (text: string) => true | string,
): ValueKind<string> {
  return scalarKind(name, expected, TEXT, (value, node) => {
    if (typeof value !== 'string') return bad(node, `a ${typeof value}`, 'put it in quotation marks');
    const verdict = accept(value);
    return verdict === true ? good(value) : bad(node, '', verdict);
  });
}

/** A text that matches a pattern. */
export function text(name: string, expected: string, pattern: RegExp): ValueKind<string> {
  return textKind(name, expected, (value) => (pattern.test(value) ? true : ''));
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): ValueKind<T> {
  const expected = words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return scalarKind(
    words.map((word) => `\`${word}\``).join(', '),
    expected,
    { enum: words },
    (value, node) => {
      const word = words.find((known) => known === value);
      if (word !== undefined) return good(word);
      const meant = words.find((known) => typeof value === 'string' && known === value.trim().toLowerCase());
      return bad(node, '', meant === undefined ? '' : `did you mean ${meant}?`);
    },
  );
}

/** YAML's own true and false; in quotation marks they are text. */
export const flag: ValueKind<boolean> = scalarKind(
  'flag',
  'true or false',
  { type: 'boolean' },
  (value, node) => {
    if (typeof value === 'boolean') return good(value);
    return bad(node, '', value === 'true' || value === 'false' ? 'write it without quotation marks' : '');
  },
);

/** A whole number between two bounds, both included. */
export function whole(min: number, max: number): ValueKind<number> {
  const schema = { type: 'integer', minimum: min, maximum: max };
  return scalarKind('whole number', `a whole number from ${min} to ${max}`, schema, (value, node) => {
    if (typeof value === 'string' && /^-?\d+$/.test(value.trim())) {
      return bad(node, 'text', 'write it without quotation marks');
    }
    if (typeof value !== 'number' || !Number.isInteger(value)) return bad(node);
    return value >= min && value <= max ? good(value) : bad(node);
  });
}

/** @param why what a shorter one would break, where that isn't plain */
export function duration(minMs: DurationMs, maxMs: DurationMs, why = ''): ValueKind<DurationMs> {
  const expected = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}, such as 500ms, 2s or 1m`;
  const schema = { type: 'string', pattern: '^\\d{1,9}(ms|s|m|h)$', examples: ['500ms', '2s', '1m'] };
  return scalarKind('duration', expected, schema, (value, node) => {
    if (typeof value === 'number') return bad(node, 'a number without a unit', unitHint(value));
    const ms = typeof value === 'string' ? parseDuration(value) : null;
    if (ms === null) return bad(node, '', typeof value === 'string' ? durationHint(value) : '');
    return ms >= minMs && ms <= maxMs ? good(ms) : bad(node, '', ms < minMs ? why : '');
  });
}

function unitHint(value: number): string {
  return Number.isInteger(value) && value > 0 ? `write ${value}s for seconds or ${value}ms` : '';
}

/** Says how to write `1.5s`, `1m30s`, `2 s` or `5sec` in the one way that is read. */
function durationHint(written: string): string {
  const compact = written.trim().toLowerCase().replaceAll(/\s+/g, '');
  if (/^\d+$/.test(compact)) return unitHint(Number(compact));
  const parts = compact.matchAll(
    /(\d+(?:\.\d+)?)(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)/g,
  );
  let ms = 0;
  let length = 0;
  for (const [part, amount, unit = ''] of parts) {
    ms += Number(amount) * (UNIT_MS[/^m(s|il)/.test(unit) ? 'ms' : unit.slice(0, 1)] ?? 0);
    length += part.length;
  }
  return length === compact.length && length > 0 && ms > 0 ? `write ${formatDuration(ms)}` : '';
}

/** The name of a node or an operator. */
export const nodeId: ValueKind<string> = textKind(
  'text',
  'a name of 1 to 64 letters, digits, dots, hyphens and underscores',
  (value) => {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(value)) return '';
    if (value in {}) return 'peers refuse the names that every JavaScript object has';
    return value.startsWith(OPERATOR_PREFIX)
      ? `names that begin with ${OPERATOR_PREFIX} are for commands`
      : true;
  },
);

/** Answered in its one canonical form: an IPv6 address has many, and equal addresses have to be equal texts. */
export const address: ValueKind<string> = {
  name: 'IP address',
  expected: 'an IPv4 or IPv6 address',
  schema: TEXT,
  read: (node) => {
    const reading = textKind('', '', addressRemark).read(node);
    return reading.kind === 'value' ? good(canonicalIp(reading.value)) : reading;
  },
};

function addressRemark(value: string): true | string {
  if (isIP(value) === 0) {
    if (value.includes('/')) return 'write the address alone, without a prefix length';
    if (/[g-z]/i.test(value) && !value.includes(':')) return 'a host name cannot be moved, its address can';
    return hostRemark(value) ?? '';
  }
  const mapped = value.includes('%') ? null : mappedIpv4(value);
  if (mapped !== null) return `write ${mapped}`;
  const remark = hostRemark(value);
  if (remark !== null) return remark;
  return isNobodysOwn(value) ? 'no machine can have it' : true;
}

/** A host without a port, as a header and TLS name it. */
export const host: ValueKind<string> = textKind(
  'text',
  'a host name or an address, without scheme, port and path',
  (value) => hostRemark(value) ?? true,
);

/** An AWS region. */
export const region: ValueKind<string> = textKind(
  'text',
  'an AWS region such as us-east-1 (not a zone such as us-east-1a)',
  (value) => regionRemark(value) ?? true,
);

/** The ARN of an SNS topic. */
export const topicArn: ValueKind<string> = textKind(
  'text',
  'the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:failover',
  (value) => topicArnRemark(value) ?? true,
);

/** Text that names something, of a given form: a host, a path of the file system. */
export function words(expected: string, pattern: RegExp): ValueKind<string> {
  return text('text', expected, pattern);
}

/** A cluster key, or the private half of an identity. */
const A_KEY = /^([A-Za-z0-9+/_-]{43}=?|MC4C[A-Za-z0-9+/]{60})$/;

/** The path of the file that holds the key. A key itself in its place must not be repeated in a message. */
export const keyFilePath: ValueKind<string> = {
  name: 'text',
  expected: 'the path of the file that holds the key',
  schema: TEXT,
  read: (node) => {
    const key = node.kind === 'scalar' && A_KEY.test(String(node.value));
    if (!key) return text('', '', /^[^\0]*[^\0/]$/).read(node);
    return {
      kind: 'fault',
      found: 'a key (not shown)',
      hint: 'make a new key, because this one was written here',
    };
  },
};

/** The URL of a page: http or https, with a host, without user and fragment. */
export const pageUrl: ValueKind<string> = textKind('URL', 'an http or https URL', urlRemark);

/** A page that may ask for a user and password, which are never shown. */
export const pageUrlWithUser: ValueKind<string> = textKind('URL', 'an http or https URL', (value) => {
  const reading = readHttpUrl(value);
  return reading.kind === 'url' ? true : reading.remark;
});

/** The URL of an agent's API: scheme, host and port, and nothing after them; answered without a trailing slash. */
export const baseUrl: ValueKind<string> = {
  name: 'URL',
  expected: 'an http or https URL of host and port that the other nodes can reach',
  schema: TEXT,
  read: (node) => {
    const reading = textKind('', '', (value) => baseUrlRemark(value)).read(node);
    return reading.kind === 'value' ? good(httpUrl(reading.value).origin) : reading;
  },
};

function baseUrlRemark(value: string): true | string {
  const remark = urlRemark(value);
  if (remark !== true) return remark;
  const { path, host } = httpUrl(value);
  if (path !== '/') return 'leave out everything after the port';
  if (isUnspecified(host)) return `${host} is where to listen, not where to be reached`;
  return true;
}

function urlRemark(value: string): true | string {
  const reading = readHttpUrl(value);
  if (reading.kind === 'fault') return reading.remark;
  return reading.url.user === null ? true : 'leave out the user and password';
}

/** 0.0.0.0 and ::, which mean "every interface" to a listener and nothing to a caller. */
export function isUnspecified(host: string): boolean {
  return ['0.0.0.0', '::'].includes(host);
}

/** A host and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[v6]:port`. */
export const endpoint: ValueKind<Endpoint> = scalarKind(
  'host:port',
  'host:port, such as 0.0.0.0:8741 or [::]:8741',
  TEXT,
  (value, node) => {
    if (typeof value !== 'string')
      return bad(node, '', typeof value === 'number' ? allInterfaces(value) : '');
    const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(value) ?? [];
    const port = Number(digits);
    const host = v6 ?? name;
    const remark = host === undefined ? null : hostRemark(host);
    if (remark !== null || (v6 !== undefined && isIP(v6) !== 6)) return bad(node, '', remark ?? '');
    if (host !== undefined && port <= 65_535) return good({ host, port });
    return bad(node, '', endpointHint(value));
  },
);

function allInterfaces(port: number | string): string {
  return `write "0.0.0.0:${port}" for every interface`;
}

function endpointHint(value: string): string {
  if (/^:?\d{1,5}$/.test(value)) return allInterfaces(value.replace(':', ''));
  if (/^https?:/.test(value)) return 'leave out the scheme';
  if (isIP(value) === 6) return 'put an IPv6 address in brackets and add the port';
  return isIP(value) === 4 ? `add the port, such as ${value}:8741` : '';
}

/** `200-399`, `200`, or several separated by commas. */
export const statusRanges: ValueKind<readonly StatusRange[]> = scalarKind(
  'status ranges',
  'HTTP status codes from 100 to 599, such as 200-399 or 200,204,301-302',
  { type: ['string', 'integer'] },
  (value, node) => {
    if (typeof value !== 'string' && typeof value !== 'number') return bad(node);
    const ranges: StatusRange[] = [];
    for (const part of String(value).split(',')) {
      const [, from, to] = /^\s*(\d{3})(?:\s*-\s*(\d{3}))?\s*$/.exec(part) ?? [];
      const range = { from: Number(from), to: Number(to ?? from) };
      if (from === undefined) return bad(node, '', /^[1-5]xx$/i.test(part.trim()) ? xxHint(part.trim()) : '');
      if (range.from > range.to) return bad(node, '', `write ${range.to}-${range.from}`);
      if (range.from < 100 || range.to > 599) return bad(node);
      ranges.push(range);
    }
    return good(ranges);
  },
);

function xxHint(part: string): string {
  return `write ${part[0]}00-${part[0]}99`;
}

/** A list of values of one kind, `min` to `max` of them. A single value is not a list. */
export function listOf<T>(item: ValueKind<T>, min: number, max: number): ValueKind<readonly T[]> {
  return {
    name: `list of ${item.name}s`,
    expected: `a list of ${min} to ${max}, each ${item.expected}`,
    schema: { type: 'array', items: item.schema, minItems: min, maxItems: max },
    read: (node) => {
      if (node.kind !== 'list') return bad(node, '', node.kind === 'map' ? '' : 'put it in brackets: [ … ]');
      if (node.items.length < min || node.items.length > max) {
        return { kind: 'fault', found: `a list of ${node.items.length}`, hint: '' };
      }
      const values: T[] = [];
      for (const [index, element] of node.items.entries()) {
        const reading = item.read(element);
        if (reading.kind === 'fault') return { ...reading, found: `${reading.found} at position ${index}` };
        values.push(reading.value);
      }
      return good(values);
    },
  };
}

/** A program and its first arguments; no shell reads them. */
export const command: ValueKind<readonly string[]> = listOf(
  words('a program or an argument, not empty', /^[^\0]+$/),
  1,
  64,
);
