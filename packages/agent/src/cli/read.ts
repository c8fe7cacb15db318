/** Reads one of the agent's views. */
import type { WallMs } from '@failtome/protocol';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER } from '../auth/signature.ts';
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf } from './fields.ts';
import { clean } from './text.ts';

/** A view of an agent, or why it can't be had. */
export type ReadResult =
  | { readonly kind: 'read'; readonly json: unknown; readonly date: string | null }
  | {
      readonly kind: 'failed';
      readonly detail: string;
      readonly untrusted?: true;
      /** Of the answer; absent: there was none. */
      readonly status?: number;
    };

/**
 * @param path with its query, such as `/v1/why?ip=192.0.2.1`
 * @param keys sign the request, for agents that don't show their state to anyone; null: it isn't signed
 */
export async function readView(
  url: string,
  path: string,
  { http, now }: Pick<CliDependencies, 'http' | 'now'>,
  keys: ClusterKeys | null,
): Promise<ReadResult> {
  const result = await http({ method: 'GET', url: url + path, headers: signed(path, keys, now()) });
  if (result.kind === 'failed' && result.untrusted === true)
    return { kind: 'failed', detail: `${url} is not trusted: ${result.detail}`, untrusted: true };
  if (result.kind === 'failed') {
    return { kind: 'failed', detail: `${url} gave no answer: ${result.detail}. Does the agent run there?` };
  }
  const json = parseJson(result.body);
  if (result.status !== 200) {
    const told = refusalIn(json) ?? `status ${result.status}`;
    const detail = result.status === 401 && keys === null ? `${told}; ${NO_KEY}` : told;
    return { kind: 'failed', detail: `${url}${path} answered: ${detail}`, status: result.status };
  }
  if (json === undefined)
    return { kind: 'failed', detail: `${url}${path} answered something that is not JSON` };
  return { kind: 'read', json, date: result.header('date') };
}

const NO_KEY =
  'no cluster key could be read here: name it with --key-file, or run this as a user who may read it';

function signed(path: string, keys: ClusterKeys | null, at: WallMs): Readonly<Record<string, string>> {
  if (keys === null) return {};
  const time = String(at);
  return { [TIME_HEADER]: time, [SIGNATURE_HEADER]: signRequest(keys, { method: 'GET', path, body: time }) };
}

/** Undefined where it isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller says that it isn't JSON.
  }
}

/** The sentence in a refusal's body, `{"error":{"code","message"}}`. */
export function refusalIn(json: unknown): string | null {
  const { error, message } = fieldsOf(json);
  const sentence = fieldsOf(error).message ?? message;
  return typeof sentence === 'string' && sentence !== '' ? clean(sentence) : null;
}
