/** Reads one of the agent's views. */
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf } from './fields.ts';
import { clean } from './text.ts';

export type ReadResult =
  | { readonly kind: 'read'; readonly json: unknown; readonly date: string | null }
  | { readonly kind: 'failed'; readonly detail: string };

/** @param path with its query, such as `/v1/why?ip=192.0.2.1` */
export async function readView(
  url: string,
  path: string,
  { http }: Pick<CliDependencies, 'http'>,
): Promise<ReadResult> {
  const result = await http({ method: 'GET', url: url + path });
  if (result.kind === 'failed') {
    return { kind: 'failed', detail: `${url} gave no answer: ${result.detail}. Does the agent run there?` };
  }
  const json = parseJson(result.body);
  if (result.status !== 200) {
    const detail = refusalIn(json) ?? `status ${result.status}`;
    return { kind: 'failed', detail: `${url}${path} answered: ${detail}` };
  }
  if (json === undefined)
    return { kind: 'failed', detail: `${url}${path} answered something that is not JSON` };
  return { kind: 'read', json, date: result.header('date') };
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
