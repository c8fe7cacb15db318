/**
 * `failtome init`: the configuration, the key and the next steps of a new cluster. It shows what it would write, asks only for
 * what it can't know, and overwrites nothing.
 */

import { resolve } from 'node:path';
import { scalarNode } from '@failtome/config';
import { counted } from '@failtome/protocol';
import { InvalidArgumentError } from 'commander';
import type { NewFile } from '../adapters/new-files.ts';
import { secretRegion } from '../config/aws-names.ts';
import { ADDRESS_IP, CLUSTER, type Key, NODE_ID, PROBE_PATH } from '../config/file-keys.ts';
import { host } from '../config/kinds.ts';
import { checkConfig, faultLines } from '../config/load.ts';
import { NOTIFY_TOPIC_ARN } from '../config/notify-keys.ts';
import { STORE_TABLE } from '../config/store-keys.ts';
import { AgentError } from '../errors.ts';
import { type ClusterPlan, configText, nextStepsText, type PlannedNode } from '../setup/cluster-plan.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';

/** The options of `failtome init`. */
export interface InitOptions {
  readonly ip?: readonly string[];
  readonly node?: readonly Placed[];
  readonly witness?: readonly Placed[];
  readonly topic?: string;
  /** A table of DynamoDB. */
  readonly table?: string;
  readonly arbiter?: boolean;
  readonly cluster?: string;
  /** What probes ask for. */
  readonly path: string;
  /** The ARN of the secret that holds the key; absent: a new key. */
  readonly keySecret?: string;
  /** How many nodes there must be; absent: that is not known. */
  readonly expect?: number;
  readonly dir: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `ID=ADDRESS`. */
export interface Placed {
  readonly id: string;
  readonly address: string;
}

/** Fewer can agree on nothing. */
const LEAST_NODES = 2;

const DEFAULT_CLUSTER = 'haproxy';

/** `failtome init`: the files of a new cluster, the same for every node. */
export async function init(options: InitOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const dir = resolve(options.dir);
  const paths = ['failtome.yaml', 'cluster.key', 'NEXT-STEPS.md'].map((name) => `${dir}/${name}`);
  const there = await dependencies.existing(paths);
  if (there.length > 0) {
    complain(dependencies, 'Nothing was written, because nothing is overwritten. There is already:');
    complain(dependencies, ...there.map((path) => `  ${path}`));
    complain(dependencies, 'Move it away, or give another place with --dir.');
    return 1;
  }
  const plan = await planOf(options, dir, dependencies);
  if (plan === null) return 2;
  const { expect = plan.nodes.length } = options;
  if (plan.nodes.length !== expect) {
    const names = plan.nodes.map(({ id }) => id).join(', ');
    complain(
      dependencies,
      `Nothing was written: expected ${counted(expect, 'node')}, found ${plan.nodes.length}: ${names}`,
    );
    return 1;
  }
  return writePlan(plan, options, dependencies);
}

/** Null: it was said what to give. */
async function planOf(
  options: InitOptions,
  dir: string,
  dependencies: CliDependencies,
): Promise<ClusterPlan | null> {
  const {
    ip: ips = [],
    node = [],
    witness = [],
    topic = null,
    table = null,
    path,
    keySecret = null,
  } = options;
  const given: readonly PlannedNode[] = [...withRole(node, 'candidate'), ...withRole(witness, 'witness')];
  const isWhole = ips.length > 0 && given.length >= LEAST_NODES;
  const found = isWhole ? null : await dependencies.lookUpCluster(dependencies.env);
  const nodes = given.length > 0 ? given : (found?.nodes ?? []);
  const asked = {
    ips: ips.length > 0 ? ips : (found?.ips ?? []),
    nodes: nodes.length >= LEAST_NODES ? nodes : await askForNodes(nodes, dependencies),
  };
  const known = { ...asked, ips: asked.ips.length > 0 ? asked.ips : await askForIp(dependencies) };
  const wanted = [
    ...(known.ips.length === 0 ? ['--ip IP: the Elastic IP that the nodes share'] : []),
    ...(known.nodes.length < LEAST_NODES
      ? ['--node ID=ADDRESS, once for each node: its name, and its private address']
      : []),
  ];
  if (wanted.length > 0) {
    complain(
      dependencies,
      'What is to be set up is not known here. Give:',
      ...wanted.map((line) => `  ${line}`),
    );
    for (const obstacle of found?.obstacles ?? []) complain(dependencies, `(looked up in vain: ${obstacle})`);
    return null;
  }
  const cluster = options.cluster ?? (isCluster(found?.cluster) ? found.cluster : DEFAULT_CLUSTER);
  const arbiter = options.arbiter === true;
  return { ...known, cluster, topicArn: topic, table, arbiter, path, keySecret, dir };
}

function isCluster(name: string | null | undefined): name is string {
  return CLUSTER.kind.read(scalarNode(name ?? null)).kind === 'value';
}

function withRole(placed: readonly Placed[], role: PlannedNode['role']): readonly PlannedNode[] {
  return placed.map((each) => ({ ...each, role }));
}

async function askForIp({ ask }: CliDependencies): Promise<readonly string[]> {
  if (ask === null) return [];
  return [(await ask('The Elastic IP that the nodes share: ')).trim()].filter((ip) => ip !== '');
}

async function askForNodes(
  known: readonly PlannedNode[],
  { ask }: CliDependencies,
): Promise<readonly PlannedNode[]> {
  const nodes = [...known];
  while (ask !== null && nodes.length < LEAST_NODES) {
    const written = (await ask(`Node ${nodes.length + 1}, as NAME=PRIVATE-ADDRESS: `)).trim();
    if (written === '') break;
    try {
      nodes.push({ ...INIT_VALUES.placed(written), role: 'candidate' });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      await ask(`${error.message} Press Enter, and try again. `);
    }
  }
  return nodes;
}

async function writePlan(
  plan: ClusterPlan,
  { yes, json }: InitOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const config = configText(plan);
  const file = `${plan.dir}/failtome.yaml`;
  // For whichever node it is: the first one's eyes see the same voters as all others'.
  const [first] = plan.nodes;
  const result = checkConfig(file, Buffer.from(config), { FAILTOME_NODE_ID: first?.id });
  if (result.kind === 'faulty') {
    complain(dependencies, 'With these values the configuration would not be accepted:');
    complain(dependencies, ...faultLines(result.faults, file));
    return 2;
  }
  const key = await keyOf(plan, dependencies);
  if (key === null) return 1;
  const files: readonly NewFile[] = [
    { path: file, text: config, mode: 0o644 },
    { path: `${plan.dir}/cluster.key`, text: key, mode: 0o640 },
    { path: `${plan.dir}/NEXT-STEPS.md`, text: nextStepsText(plan), mode: 0o644 },
  ];
  if (json === true) {
    // A program isn't asked.
    const written = yes === true && (await write(files, dependencies));
    printJson(dependencies, { written, files: files.map(shownFile) });
    return written ? 0 : 1;
  }
  for (const { path, mode, text } of files.map(shownFile))
    print(dependencies, `# ${path} (mode ${mode})`, text?.trimEnd() ?? '(the key, not shown)', '');
  if (yes !== true && !(await confirmed(dependencies))) return 1;
  if (!(await write(files, dependencies))) return 1;
  print(dependencies, 'Written. What to do next is in:', `  ${files.at(-1)?.path}`);
  return 0;
}

/** The text of the key's file; null: it was said why there is none. */
async function keyOf({ keySecret }: ClusterPlan, dependencies: CliDependencies): Promise<string | null> {
  if (keySecret === null) return `${dependencies.generateKey()}\n`;
  try {
    return await dependencies.readKeySecret(keySecret);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    complain(dependencies, `Nothing was written, because the key can't be had: ${error.message}`);
    return null;
  }
}

/** A key is a secret, and a terminal remembers: it has no text here. */
function shownFile({ path, text, mode }: NewFile): { path: string; mode: string; text: string | null } {
  return { path, mode: mode.toString(8).padStart(4, '0'), text: path.endsWith('.key') ? null : text };
}

async function confirmed(dependencies: CliDependencies): Promise<boolean> {
  if (dependencies.ask === null) {
    complain(dependencies, 'Nothing was written: give --yes to write these files.');
    return false;
  }
  const answer = await dependencies.ask('Write these files? [y/N] ');
  if (/^y(es)?$/i.test(answer.trim())) return true;
  complain(dependencies, 'Nothing was written.');
  return false;
}

/** False: it was said why not. */
async function write(files: readonly NewFile[], dependencies: CliDependencies): Promise<boolean> {
  try {
    await dependencies.createFiles(files);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    if (code === null) throw error;
    complain(dependencies, `Nothing was written: ${error instanceof Error ? error.message : code}`);
    return false;
  }
}

interface InitValues {
  readonly ip: (written: string) => string;
  readonly topic: (written: string) => string;
  readonly table: (written: string) => string;
  readonly cluster: (written: string) => string;
  readonly path: (written: string) => string;
  readonly keySecret: (written: string) => string;
  readonly expect: (written: string) => number;
  readonly placed: (written: string) => Placed;
}

/** Parsers of the options: each takes what the configuration takes. */
export const INIT_VALUES: InitValues = {
  ip: (written) => accepted(ADDRESS_IP, written),
  topic: (written) => accepted(NOTIFY_TOPIC_ARN, written),
  table: (written) => accepted(STORE_TABLE, written),
  cluster: (written) => accepted(CLUSTER, written),
  path: (written) => accepted(PROBE_PATH, written),
  keySecret(written) {
    if (secretRegion(written) !== null) return written;
    throw new InvalidArgumentError(
      'A secret is given by its whole ARN, such as arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome-AbCdEf.',
    );
  },
  expect(written) {
    if (/^[2-9]$|^[1-9]\d$/.test(written)) return Number(written);
    throw new InvalidArgumentError('A cluster has two nodes or more.');
  },
  placed(written) {
    const at = written.indexOf('=');
    if (at < 0) throw new InvalidArgumentError('Write ID=ADDRESS, such as saturn=10.0.1.12.');
    const address = written.slice(at + 1);
    if (host.read(scalarNode(address)).kind === 'fault')
      throw new InvalidArgumentError(`${address} is not ${host.expected}.`);
    return { id: accepted(NODE_ID, written.slice(0, at)), address };
  },
};

function accepted({ kind }: Key<string>, written: string): string {
  const reading = kind.read(scalarNode(written));
  if (reading.kind === 'value') return reading.value;
  throw new InvalidArgumentError(
    `It has to be ${kind.expected}${reading.hint === '' ? '' : `; ${reading.hint}`}.`,
  );
}
