/** The Terraform module: read by HashiCorp's parser, its references resolved, its arguments those of the AWS provider. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../scripts/requirements.mjs';
import { bootstrap, deploy, deployed } from './blocks.ts';
import {
  type Block,
  blocksOf,
  hasAttribute,
  moduleBlocks,
  referencesIn,
  schemaFaults,
} from './terraform-module.ts';

let blocks: readonly Block[] = [];

beforeAll(async () => {
  blocks = await moduleBlocks();
});

const namesOf = (type: string): readonly string[] =>
  blocks.filter((block) => block.type === type).map(({ name }) => name);

const locals = (): readonly string[] =>
  blocks.filter(({ type }) => type === 'locals').flatMap(({ body }) => Object.keys(body));

/** Names that only count inside of one expression or block. */
const LOCAL = /^(each|count|self|path)\.|^(name|node|witness|value|subnet_id)(\.|$)/;

/** Null where a reference leads to something; otherwise what is wrong. */
function dangling(reference: string): string | null {
  const [first = '', second = '', third = '', ...rest] = reference
    .split('.')
    .filter((part) => !/^\d+$|^"/.test(part));
  if (LOCAL.test(reference)) return null;
  if (first === 'var') return namesOf('variable').includes(second) ? null : `no variable ${second}`;
  if (first === 'local') return locals().includes(second) ? null : `no local value ${second}`;
  const [type, name, attribute] =
    first === 'data' || first === 'ephemeral'
      ? [first, `${second}.${third}`, rest[0]]
      : ['resource', `${first}.${second}`, third];
  if (!namesOf(type).includes(name)) return `no ${type} ${name}`;
  // The provider's description of ephemeral resources is not among those that are at hand here.
  if (attribute === undefined || attribute === '' || type === 'ephemeral') return null;
  const kind = `${type === 'data' ? 'data.' : ''}${name.split('.')[0]}`;
  return hasAttribute(kind, attribute) ? null : `${kind} has no attribute ${attribute}`;
}

test('every reference leads to something that is declared, and to an attribute that it has', async () => {
  const references = (await Promise.all(blocks.map(referencesIn))).flat();
  expect(references.length).toBeGreaterThan(100);
  expect([...new Set(references)].flatMap((each) => dangling(each) ?? [])).toEqual([]);
});

test('every variable and every local value is used', async () => {
  const references = (await Promise.all(blocks.map(referencesIn))).flat().join('\n');
  const unused = (prefix: string, names: readonly string[]) =>
    names.filter((name) => !new RegExp(`^${prefix}\\.${name}(\\.|$)`, 'm').test(references));
  // A variable's own validation is no use of it.
  const outside = blocks.filter(({ type }) => type !== 'variable');
  const used = (await Promise.all(outside.map(referencesIn))).flat();
  expect(namesOf('variable').filter((name) => !used.includes(`var.${name}`))).toEqual([]);
  expect(unused('local', locals())).toEqual([]);
});

test('every variable has a description and a type, every output a description and a value', () => {
  const described = (type: string, others: readonly string[]) =>
    blocks
      .filter((block) => block.type === type)
      .filter(({ body }) => ['description', ...others].some((key) => body[key] === undefined))
      .map(({ name }) => name);
  expect(described('variable', ['type'])).toEqual([]);
  expect(described('output', ['value'])).toEqual([]);
});

test('every argument is one that the AWS provider has, and none that it needs is missing', () => {
  const faults = blocks.filter(({ type }) => type === 'resource' || type === 'data').flatMap(schemaFaults);
  expect(faults).toEqual([]);
});

test('the key is in no argument that Terraform remembers', () => {
  const version = blocks.find(({ name }) => name === 'aws_secretsmanager_secret_version.key');
  expect(Object.keys(version?.body ?? {}).sort()).toEqual([
    'secret_id',
    'secret_string_wo',
    'secret_string_wo_version',
  ]);
  expect(namesOf('ephemeral')).toEqual(['aws_secretsmanager_random_password.key']);
});

test('nothing associates the address, and no change of an image or of user data restarts a node', () => {
  expect(namesOf('resource').filter((name) => /eip_association/.test(name))).toEqual([]);
  const eip = blocks.find(({ name }) => name === 'aws_eip.shared');
  expect(Object.keys(eip?.body ?? {})).not.toContain('instance');
  for (const name of ['aws_instance.node', 'aws_instance.witness']) {
    const lifecycle = JSON.stringify(blocks.find((block) => block.name === name)?.body.lifecycle);
    expect(lifecycle).toMatch(/\$\{ami\}/);
    expect(lifecycle).toMatch(/\$\{user_data\}/);
  }
});

test('the settings are those that the script asks for', () => {
  const main = deployed('terraform/main.tf');
  const set = [...main.matchAll(/^ {4}(FAILTOME_\w+) +=/gm)].map(([, name]) => name).sort();
  const asked = [...bootstrap.matchAll(/^# (FAILTOME_\w+) /gm)].map(([, name]) => name).sort();
  expect(asked.filter((name) => name !== 'FAILTOME_PAUSE')).toEqual(set);
});

describe('a fault of the kinds that these tests look for is found', () => {
  const fault = async (text: string) => {
    const [block] = await blocksOf('x.tf', text);
    if (block === undefined) return expect.unreachable();
    const references = await referencesIn(block);
    return [...schemaFaults(block), ...references.flatMap((each) => dangling(each) ?? [])];
  };

  test.each([
    ['resource "aws_eip" "x" {\n  domian = "vpc"\n}', 'aws_eip has no domian'],
    [
      'resource "aws_sns_topic_subscription" "x" {\n  topic_arn = "x"\n  protocol = "email"\n}',
      'aws_sns_topic_subscription needs endpoint',
    ],
    ['resource "aws_eip" "x" {\n  domain = var.nothing\n}', 'no variable nothing'],
    ['resource "aws_eip" "x" {\n  domain = aws_eip.shared[0].nothing\n}', 'aws_eip has no attribute nothing'],
    ['resource "aws_eip" "x" {\n  domain = local.nothing["x"]\n}', 'no local value nothing'],
    [
      'resource "aws_instance" "x" {\n  metadata_options {\n    tokens = 1\n  }\n}',
      'aws_instance.metadata_options has no tokens',
    ],
  ])('%s', async (text, found) => {
    expect(await fault(text)).toEqual([found]);
  });

  test('what is no HCL', async () => {
    await expect(blocksOf('x.tf', 'resource "aws_eip" {')).rejects.toThrow();
  });
});

const terraform = findProgram('terraform');

describe.skipIf(terraform === undefined)('where Terraform itself is installed', () => {
  const run = (...args: readonly string[]) =>
    spawnSync(terraform ?? '', args, {
      cwd: join(deploy, 'terraform'),
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', TF_CLI_CONFIG_FILE: '/dev/null', CHECKPOINT_DISABLE: '1' },
    });

  test('it loads the module, and would format it as it is', () => {
    expect(run('providers')).toMatchObject({ status: 0, stdout: expect.stringContaining('hashicorp/aws') });
    expect(run('fmt', '-check', '-diff')).toMatchObject({ status: 0, stdout: '' });
  });
});
