/**
 * What may stand behind the question mark of a route, as JSON Schema: requests are checked by it, and `/openapi.json`
 * shows the same.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Check } from 'typebox/schema';
import { DEFAULT_HISTORY_LIMIT, MAX_HISTORY_LIMIT } from './history-body.ts';
import { refuse } from './refusals.ts';

/** A parameter of a query. */
export interface QueryParameter {
  readonly schema: {
    readonly type: 'string' | 'integer';
    readonly minimum?: number;
    readonly maximum?: number;
    readonly maxLength?: number;
    readonly enum?: readonly string[];
    readonly default?: string | number;
  };
  /** What it is for, in a sentence. */
  readonly description: string;
  /** What is said of one that doesn't fit, or is given twice. */
  readonly rule: string;
}

type QueryName = 'limit' | 'ip' | 'of' | 'from';

/** The parameters that are checked, by name. */
export const QUERY: Readonly<Record<QueryName, QueryParameter>> = {
  limit: {
    schema: { type: 'integer', minimum: 1, maximum: MAX_HISTORY_LIMIT, default: DEFAULT_HISTORY_LIMIT },
    description: 'How many entries.',
    rule: `limit is one whole number from 1 to ${MAX_HISTORY_LIMIT}`,
  },
  ip: {
    schema: { type: 'string', maxLength: 45 },
    description: 'Which address. It may be left out where the cluster has only one.',
    rule: 'ip may be given once',
  },
  of: {
    schema: { type: 'string', enum: ['node', 'cluster'], default: 'node' },
    description: 'Of this node, or of all of them.',
    rule: 'of is node or cluster',
  },
  from: {
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 },
    description: 'From which byte of the recording on.',
    rule: 'from is one whole number',
  },
};

/** The value of a parameter as it is written; its default where it is absent; null: the request was refused. */
export function asked(
  name: QueryName,
  request: FastifyRequest,
  reply: FastifyReply,
): string | null | undefined {
  const { schema, rule } = QUERY[name];
  const given = queryOf(request).getAll(name);
  const [value] = given;
  if (value === undefined) return schema.default === undefined ? undefined : String(schema.default);
  if (given.length === 1 && Check(schema, schema.type === 'integer' ? wholeNumber(value) : value))
    return value;
  refuse(reply, 400, 'bad-query', rule);
  return null;
}

/** The query of a request. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.raw.url?.split('?')[1]);
}

/** Digits alone, as in a path: no sign, no point, no spaces. */
function wholeNumber(value: string): number | string {
  return /^\d{1,15}$/.test(value) ? Number(value) : value;
}
