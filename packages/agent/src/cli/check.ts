/** `failtome check`: would this node do its duty? One line a question, and a fix for each failure. */

import { withoutPassword } from '@failtome/config';
import type { CheckResult } from '@failtome/protocol';
import { counted } from '@failtome/protocol';
import type { Discovered } from '../adapters/preflight-discovery.ts';
import type { CheckLine } from '../adapters/preflight-fix.ts';
import { fail, ok, warn } from '../adapters/preflight-fix.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { identityFaults } from '../config/electorate.ts';
import { faultLines, type LoadResult, loadConfig } from '../config/load.ts';
import { urlsAt, withFound } from '../config/located.ts';
import type { AgentConfig, Identity, LocalConfig } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { checkOwnIdentity } from './check-identity.ts';
import { checkNode } from './check-node.ts';
import { checkPeers } from './check-peers.ts';
import { checkCertificate } from './check-tls.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { folded, table } from './table.ts';
import { DEFAULT_CONFIG_FILE, refusesUrl, type TargetOptions, trusting } from './target.ts';
import { cell, type Look, lookOf, type Row, toned } from './text.ts';
import { trustOfConfig } from './trust.ts';

/** A line as it is printed, under its heading. */
export interface CheckedLine extends CheckLine {
  readonly part: string;
}

/** `failtome check`: whether this node could do its part, line by line, with a remedy for what is missing. */
export async function check(options: TargetOptions, dependencies: CliDependencies): Promise<ExitCode> {
  if (refusesUrl(options, dependencies)) return 2;
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const result = await loadConfig(file, dependencies.env, dependencies.readFile);
  if (result.kind === 'faulty') {
    const faults = faultLines(result.faults, file);
    if (options.json === true) printJson(dependencies, { ok: false, faults });
    complain(dependencies, ...faults);
    return 2;
  }
  const configuration = [
    ok('file', file),
    ...result.warnings.map((warning) =>
      warn(warning.path, warning.text, 'docs/configuration.md says what it trades off.'),
    ),
  ];
  const lines = [
    ...under('configuration', configuration),
    ...(await examine(result, file, trusting(dependencies, { trust: await trustOfConfig(result.config) }))),
  ];
  const good = lines.every(({ state }) => state !== 'fail');
  if (options.json === true) printJson(dependencies, { ok: good, lines });
  else print(dependencies, ...checkLines(lines, lookOf(dependencies)));
  return good ? 0 : 1;
}

/** Everything that can be asked at once is, because each question has its own time-out. */
async function examine(
  { config, settings }: Extract<LoadResult, { kind: 'loaded' }>,
  file: string,
  dependencies: CliDependencies,
): Promise<readonly CheckedLine[]> {
  const candidate = config.node.role === 'candidate';
  const [key, tokens, certificate, identified, probes, local, outside] = await Promise.all([
    checkKey(config, dependencies),
    checkTokens(config, dependencies),
    checkCertificate(config, settings, file, dependencies.now()),
    identify(config, file, dependencies),
    Promise.all(config.addresses.map((address) => checkProbe(address, dependencies))),
    candidate ? checkLocal(config.local, dependencies) : Promise.resolve([]),
    checkExternalIp(config, dependencies),
  ]);
  const { identity } = identified;
  const signing = await checkOwnIdentity(config, identity?.id ?? null, dependencies);
  const node = await checkNode(config, identity, key.keys, dependencies);
  const discovered =
    identity === null ? NOTHING_FOUND : await dependencies.checks.discovery(config, identity);
  const located =
    config.discovery === null ? config : withFound(config, urlsAt(discovered.addresses, config.discovery));
  const own = {
    ...{ config: located, identity, keys: key.keys, signs: signing.own },
    running: node.running !== null,
  };
  const [peers, store, receivers, shutdown, cloud] = await Promise.all([
    checkPeers(own, dependencies),
    identity !== null ? dependencies.checks.store(config, identity) : [],
    candidate ? dependencies.checks.receivers(config, dependencies.env) : [],
    candidate && identity !== null ? dependencies.checks.shutdown(config, identity) : [],
    candidate ? checkCloud(config, identity, dependencies) : Promise.resolve([]),
  ]);
  return [
    ...under('configuration', identified.lines),
    ...under('configuration', node.lines),
    ...under('key', [...key.lines, ...signing.lines, ...tokens, ...certificate]),
    ...under('peers', [...discovered.lines, ...peers]),
    ...under('store', store),
    ...under('probes', [...probes.flat(), ...local]),
    ...under('way out', outside),
    ...under('cloud', cloud),
    ...under('receivers', receivers),
    ...under('shutdown', shutdown),
  ];
}

const NOTHING_FOUND: Discovered = { lines: [], addresses: new Map() };

function under(part: string, lines: readonly CheckLine[]): readonly CheckedLine[] {
  return lines.map((line) => ({ part, ...line }));
}

interface CheckedKey {
  /** Null where it can't be used. */
  readonly keys: ClusterKeys | null;
  readonly lines: readonly CheckLine[];
}

async function checkKey(
  { auth }: AgentConfig,
  { readKeys }: Pick<CliDependencies, 'readKeys'>,
): Promise<CheckedKey> {
  try {
    const { keys, warnings } = await readKeys(auth.keyFile);
    const count = counted(keys.length, 'key') + (keys.length === 1 ? '' : ', the first of which signs');
    const lines = [
      ok('key file', `${auth.keyFile}: ${count}`),
      ...warnings.map((text) => warn('key file', text, `chmod 0640 ${auth.keyFile}`)),
    ];
    return { keys, lines };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { keys: null, lines: [fail('key file', error.message, keyFix(error.code, auth.keyFile))] };
  }
}

async function checkTokens(
  { api: { readTokenFile } }: AgentConfig,
  { readTokens }: Pick<CliDependencies, 'readTokens'>,
): Promise<readonly CheckLine[]> {
  if (readTokenFile === null) return [];
  try {
    const { warnings } = await readTokens(readTokenFile);
    return [
      ok('token file', readTokenFile),
      ...warnings.map((text) => warn('token file', text, `chmod 0640 ${readTokenFile}`)),
    ];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const fix =
      'Set api.readTokenFile to a file of tokens that the service may read: what `failtome keygen` prints will do.';
    return [fail('token file', error.message, fix)];
  }
}

/** What to do about a key file that can't be used, by its cause. */
function keyFix(code: string, path: string): string {
  switch (code) {
    case 'KEY_FILE_MISSING':
      return `Copy the cluster's key to ${path}, or set auth.keyFile to where it is; \`failtome keygen\` makes the first one.`;
    case 'KEY_FILE_EMPTY':
      return `Copy the cluster's key into ${path}; \`failtome keygen\` makes the first one.`;
    case 'KEY_FILE_UNREADABLE':
      return `Let the service's user read it (chgrp GROUP ${path} && chmod 0640 ${path}), and run the check as that user.`;
    case 'KEY_BAD_BASE64':
    case 'KEY_WRONG_LENGTH':
      return 'Copy that line again from a node that works: 44 characters of base64, with nothing before or after them.';
    default:
      return `Leave in ${path} the keys that are in use, one a line.`;
  }
}

interface Identified {
  /** Null where it could not be found out. */
  readonly identity: Identity | null;
  readonly lines: readonly CheckLine[];
}

async function identify(
  config: AgentConfig,
  file: string,
  { checks, env }: Pick<CliDependencies, 'checks' | 'env'>,
): Promise<Identified> {
  try {
    const identity = await checks.identity(config, env);
    const faults = faultLines(identityFaults(config, identity.id), file);
    const told = ['', identity.id].includes(identity.instanceId)
      ? identity.id
      : `${identity.id} (${identity.instanceId})`;
    const fix = 'Make peers list the other nodes, and node.id this one.';
    return {
      identity,
      lines: [ok('identity', told), ...faults.map((line) => fail('identity', line, fix))],
    };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { identity: null, lines: [fail('identity', error.message, identityFix(error.code))] };
  }
}

/** The sentence of the failure names the key that would make the question needless. */
function identityFix(code: string): string {
  switch (code) {
    case 'METADATA_DISABLED':
      return 'Set node.id and driver.instanceId, or take AWS_EC2_METADATA_DISABLED out of the environment.';
    case 'METADATA_REFUSED':
      return 'Enable instance metadata (IMDSv2) for this instance, or set node.id and driver.instanceId.';
    case 'METADATA_ENDPOINT':
      return 'Write AWS_EC2_METADATA_SERVICE_ENDPOINT as http://HOST[:PORT].';
    case 'NODE_TAG_MISSING':
      return 'Tag this instance with its node id, let the role call ec2:DescribeInstances, or set node.id.';
    case 'OPSWORKS_INSTANCE_UNKNOWN':
      return "Set driver.instanceId to OpsWorks's own id of this instance.";
    default:
      return 'Set node.id and driver.instanceId.';
  }
}

async function checkProbe(
  address: AgentConfig['addresses'][number],
  { checks }: Pick<CliDependencies, 'checks'>,
): Promise<readonly CheckLine[]> {
  const { scheme, host, port, path } = address.probe;
  const name = `probe of ${address.ip}`;
  const result = await checks.probe(address);
  if (result.kind === 'ok')
    return [ok(name, `status ${result.status} in ${Math.round(result.durationMs)} ms`)];
  const detail = result.kind === 'failed' ? `${result.reason}: ${result.detail}` : result.detail;
  const url = `${scheme}://${address.ip}:${port}${path}`;
  const fix = isAnswer(result)
    ? `See what ${url} answers to the host ${host}: correct addresses[].probe (path, host, expect), or the application behind HAProxy.`
    : `See that ${url} answers to the host ${host} from this node: ` +
      'security groups, HAProxy at the holder, addresses[].probe. A node must reach its own address too.';
  // The address may be down just now: then the check says so, and it is no fault of this node.
  return [fail(name, detail, fix)];
}

async function checkLocal(
  local: LocalConfig | null,
  { checks }: Pick<CliDependencies, 'checks'>,
): Promise<readonly CheckLine[]> {
  if (local === null) return [];
  const name = 'own HAProxy';
  const result = await checks.local(local);
  const took = `${Math.round(result.durationMs)} ms`;
  if (result.kind === 'ok')
    return [ok(name, result.status === 0 ? `fit, as told in ${took}` : `status ${result.status} in ${took}`)];
  const detail = result.kind === 'failed' ? `${result.reason}: ${result.detail}` : result.detail;
  const page = local.url === null ? '' : withoutPassword(local.url);
  const others = local.socket !== null || local.command !== null;
  const fix = others
    ? 'Start HAProxy on this node, or correct what is asked: local.url, local.socket, local.command.'
    : isAnswer(result)
      ? `See what ${page} answers: correct the page in local.url, or what serves it.`
      : 'Start HAProxy on this node, or correct local.url.';
  return [fail(name, detail, fix)];
}

/** It was reached, and said something else than it should: no path is at fault. */
function isAnswer(result: CheckResult): boolean {
  return result.kind === 'failed' && (result.reason === 'status' || result.reason === 'protocol');
}

/** The service was reached, so the way out works. */
const SERVICE_FAULTS: ReadonlySet<string> = new Set([
  'status',
  'redirect',
  'not-an-address',
  'wrong-family',
  'not-public',
  'disagree',
]);

/** The node that holds an address is seen at it; behind NAT nobody is, so it says nothing of the holder. */
async function checkExternalIp(
  config: AgentConfig,
  { checks }: Pick<CliDependencies, 'checks'>,
): Promise<readonly CheckLine[]> {
  const [results, ...each] = await Promise.all([
    checks.externalIp(config),
    // One that works is enough for a takeover; those that don't show before it is the last one.
    ...(config.guard.urls.length === 1 ? [] : config.guard.urls).map((url) =>
      checks.externalIp({ ...config, guard: { ...config.guard, urls: [url] } }),
    ),
  ]);
  const silent = each.flat().flatMap(({ family, result }, index): readonly CheckLine[] => {
    if (result.kind === 'address') return [];
    const fix = `See that ${config.guard.urls[index] ?? 'it'} answers from here, or take it out of guard.urls.`;
    return [warn(`external IPv${family} address`, `${result.reason}: ${result.detail}`, fix)];
  });
  const whole = results.map(({ family, result }) => {
    const name = `external IPv${family} address`;
    if (result.kind === 'address') {
      const shared = config.addresses.some(({ ip }) => ip === result.ip);
      return ok(name, shared ? `${result.ip}, which is the shared address: this node holds it` : result.ip);
    }
    const fix = SERVICE_FAULTS.has(result.reason)
      ? "See what guard.urls answer: each has to answer with the caller's address alone, as plain text, and all with the same one."
      : 'Give this node a way out (a public address or NAT) to every one of guard.urls: without it, it can never take over.';
    return fail(name, `${result.reason}: ${result.detail}`, fix);
  });
  return whole.some(({ state }) => state === 'fail') ? whole : [...whole, ...silent];
}

async function checkCloud(
  config: AgentConfig,
  identity: Identity | null,
  { checks, env }: Pick<CliDependencies, 'checks' | 'env'>,
): Promise<readonly CheckLine[]> {
  if (identity === null)
    return [fail('cloud', 'not asked: this node’s identity is unknown', 'See identity, above.')];
  try {
    return await checks.cloud(config, identity, env);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [fail('cloud', error.message, 'See the driver section of the configuration.')];
  }
}

/** The table, its summary, and under it the fixes, which are too long for a column. */
export function checkLines(lines: readonly CheckedLine[], look: Look): readonly string[] {
  const { paint } = look;
  const rows = lines.map(
    ({ part, name, state, found }): Row => [toned(state), cell(part, 'faint'), name, found],
  );
  const fixes = lines.filter(({ state, fix }) => state !== 'ok' && fix !== '');
  const warnings = lines.filter(({ state }) => state === 'warn').length;
  const failures = lines.filter(({ state }) => state === 'fail').length;
  return [
    ...table(['', 'part', 'check', 'found'], rows, look),
    ...(fixes.length === 0 ? [] : ['', paint('What to do:', 'strong')]),
    ...fixes.flatMap(({ name, state, fix }) => {
      const [first = '', ...rest] = folded(`  ${state} ${name}: ${fix}`, look);
      return [first.replace(state, paint(state, toned(state).tone)), ...rest];
    }),
    '',
    failures === 0
      ? paint(warnings === 0 ? 'Ready.' : `Ready, with ${counted(warnings, 'warning')}.`, 'good')
      : paint(`Not ready: ${failures} of ${counted(lines.length, 'check')} failed.`, 'bad'),
  ];
}
