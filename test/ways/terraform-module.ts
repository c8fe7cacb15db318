/** The Terraform module as HashiCorp's own parser reads it: what it declares, what it refers to, and what it sets. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { getReferencesInExpression, parse } from '@cdktf/hcl2json';
import { deploy, deployed } from './blocks.ts';
import schema from './terraform-aws.json' with { type: 'json' };

/** A value of the parser: text with a placeholder where something is to be worked out. */
export type Hcl = string | number | boolean | null | readonly Hcl[] | { readonly [key: string]: Hcl };
export type Body = Readonly<Record<string, Hcl>>;

/** A block with its labels: `resource`, `aws_eip.shared`. */
export interface Block {
  readonly file: string;
  readonly type: string;
  readonly name: string;
  readonly body: Body;
}

const isBody = (value: Hcl | undefined): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** How many labels a block of each type has. */
const LABELS: Readonly<Record<string, number>> = {
  variable: 1,
  output: 1,
  locals: 0,
  terraform: 0,
  resource: 2,
  data: 2,
  ephemeral: 2,
};

/** @throws Error for what is no HCL, and for a block that Terraform doesn't have. */
export async function blocksOf(file: string, text: string): Promise<readonly Block[]> {
  const found: Record<string, Hcl> = await parse(file, text);
  return Object.entries(found).flatMap(([type, value]) => {
    const labels = LABELS[type];
    if (labels === undefined) throw new Error(`${file}: there is no block ${type}`);
    return unlabelled(value, labels).map(([name, body]) => ({ file, type, name, body }));
  });
}

function unlabelled(value: Hcl | undefined, labels: number, name = ''): readonly (readonly [string, Body])[] {
  if (labels === 0)
    return (Array.isArray(value) ? value : [value]).filter(isBody).map((body) => [name, body]);
  if (!isBody(value)) return [];
  return Object.entries(value).flatMap(([label, each]) =>
    unlabelled(each, labels - 1, name === '' ? label : `${name}.${label}`),
  );
}

/** Every block of the module. */
export async function moduleBlocks(): Promise<readonly Block[]> {
  const files = readdirSync(join(deploy, 'terraform')).filter((name) => name.endsWith('.tf'));
  return (await Promise.all(files.map((file) => blocksOf(file, deployed(`terraform/${file}`))))).flat();
}

/** What a block refers to: `var.cluster`, `data.aws_region.current.region`, `each.key`. */
export async function referencesIn({ file, body }: Block): Promise<readonly string[]> {
  const texts = textsIn(body).filter((text) => text.includes('${'));
  const found = await Promise.all(texts.map((text) => getReferencesInExpression(file, text)));
  return found.flat().map(({ value }) => value);
}

function textsIn(value: Hcl): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  // What a lifecycle ignores is named, and a variable's type is a word; neither refers to anything.
  return Object.entries(value).flatMap(([key, each]) =>
    ['ignore_changes', 'type'].includes(key) ? [] : textsIn(each),
  );
}

interface Kind {
  readonly required: readonly string[];
  readonly arguments: readonly string[];
  readonly attributes: readonly string[];
}

const kinds: Readonly<Record<string, Kind>> = schema.kinds;

/** Terraform's own, of every resource (Terraform documentation, "Meta-arguments"). */
const META = ['count', 'for_each', 'depends_on', 'lifecycle'];

/** What the AWS provider would refuse in a resource or a data source. */
export function schemaFaults({ type, name, body }: Block): readonly string[] {
  const [kind = ''] = name.split('.');
  return bodyFaults(`${type === 'data' ? 'data.' : ''}${kind}`, body);
}

function bodyFaults(kind: string, body: Body): readonly string[] {
  const known = kinds[kind];
  if (known === undefined) return [`there is no ${kind}`];
  const unknown = Object.keys(body).filter((key) => ![...known.arguments, ...META].includes(key));
  const nested = Object.entries(body).flatMap(([key, value]) =>
    kinds[`${kind}.${key}`] === undefined || !Array.isArray(value)
      ? []
      : value.filter(isBody).flatMap((each) => bodyFaults(`${kind}.${key}`, each)),
  );
  return [
    ...unknown.map((key) => `${kind} has no ${key}`),
    ...known.required.filter((key) => !(key in body)).map((key) => `${kind} needs ${key}`),
    ...nested,
  ];
}

/** Whether a resource or a data source has such an attribute. */
export function hasAttribute(kind: string, attribute: string): boolean {
  const known = kinds[kind];
  return known !== undefined && [...known.arguments, ...known.attributes].includes(attribute);
}
