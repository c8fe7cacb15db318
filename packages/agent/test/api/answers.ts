/** Compares answers with what the published description says of them, by an independent validator of JSON Schema. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { CLI_OUTPUT } from './cli-output.ts';
import { openApi } from './document.ts';

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Description {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
  >;
  readonly components: object;
}

/** A route, and the statuses that are described of it. */
export interface Documented {
  readonly method: string;
  readonly path: string;
  readonly statuses: readonly string[];
}

const description: Description = JSON.parse(JSON.stringify(openApi('')));
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'failtome:api', components: description.components });
const validators = new Map<string, ValidateFunction>();

/** Every route of the description. */
export const documented: readonly Documented[] = Object.entries(description.paths).flatMap(
  ([path, operations]) =>
    Object.entries(operations).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path,
      statuses: Object.keys(responses),
    })),
);

/**
 * What is wrong with an answer; empty: nothing.
 *
 * @param response such as `GET /v1/why 404`
 */
export function answerFits(
  response: string,
  { type, body }: { readonly type: string; readonly body: string },
): string {
  const [method = '', path = '', status = ''] = response.split(' ');
  const content = description.paths[path]?.[method.toLowerCase()]?.responses[status]?.content ?? {};
  const [media = ''] = type.split(';');
  const described = content[media];
  if (described === undefined) return `${response} is not described as ${media}`;
  if (media !== 'application/json') return typeof body === 'string' ? '' : 'no text';
  const known = validators.get(response);
  const validate =
    known ?? ajv.compile(JSON.parse(JSON.stringify(described.schema).replaceAll('"#/', '"failtome:api#/')));
  validators.set(response, validate);
  return validate(JSON.parse(body)) ? '' : ajv.errorsText(validate.errors);
}

const outputs = new Map<string, ValidateFunction>();

/** What is wrong with what a verb printed with `--json`; empty: nothing, or the verb prints none. */
export function outputFits(verb: string, json: unknown): string {
  const schema = CLI_OUTPUT[verb];
  if (schema === undefined) return `failtome ${verb} has no schema`;
  const validate = outputs.get(verb) ?? ajv.compile(JSON.parse(JSON.stringify(schema)));
  outputs.set(verb, validate);
  return validate(json) ? '' : ajv.errorsText(validate.errors);
}
