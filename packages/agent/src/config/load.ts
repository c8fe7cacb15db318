/**
 * Reads the agent's configuration: the file, what the environment says instead, and the defaults.
 *
 * Either all of it is good, or all of its faults are told at once.
 */
import { MAX_FILE_BYTES, nearest } from '@failtome/config';
import type { Ip, Role } from '@failtome/protocol';
import { openPlain } from '../plain-file.ts';
import { assemble } from './assemble.ts';
import { awsEnvironmentFaults } from './aws-environment.ts';
import { type Fault, formatFault, formatWarning, type Warning } from './fault.ts';
import { ALL_KEYS, NODE_ROLE } from './file-keys.ts';
import { lacksAddress, machineAddresses, withOwnEntry } from './own-entry.ts';
import { combinationFaults } from './rules.ts';
import { type Environment, get, NOTHING, readSettings, type Settings } from './settings.ts';
import { parseSource, unreadableFault } from './source.ts';
import type { AgentConfig } from './types.ts';
import { riskWarnings } from './warnings.ts';

/** Reads at most `maxBytes` of a file. Rejects with the error of the operating system, `code` and all. */
export type ReadFile = (path: string, maxBytes: number) => Promise<Uint8Array>;

/** A configuration that can work, or what is wrong with it. */
export type LoadResult =
  | {
      readonly kind: 'loaded';
      readonly config: AgentConfig;
      /** Every value with its origin, for `failtome config`. */
      readonly settings: Settings;
      readonly warnings: readonly Warning[];
    }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[]; readonly warnings: readonly Warning[] };

/** Read and check the file at `file`. Never rejects: an unreadable file is a fault like any other. */
export async function loadConfig(
  file: string,
  environment: Environment,
  readFile: ReadFile = readFileBounded,
): Promise<LoadResult> {
  let bytes: Uint8Array;
  try {
    // One byte more than allowed shows a file that is too large.
    bytes = await readFile(file, MAX_FILE_BYTES + 1);
  } catch (error) {
    return { kind: 'faulty', faults: [unreadableFault(file, error)], warnings: [] };
  }
  return checkConfig(file, bytes, environment, machineAddresses());
}

/** Whether the file says by its peers' addresses which node this is, and this machine has no such address yet. */
export async function lacksOwnAddress(
  file: string,
  environment: Environment,
  { readFile, addresses }: { readonly readFile: ReadFile; readonly addresses: () => readonly Ip[] },
): Promise<boolean> {
  try {
    const source = parseSource(file, await readFile(file, MAX_FILE_BYTES + 1));
    return lacksAddress(readSettings(source.root, environment), addresses());
  } catch {
    return false; // A file that can't be read is a fault, and told as such.
  }
}

/**
 * Check the content of a file that has been read.
 *
 * @param addresses this machine's: the peer that has one of them is this node, where nothing else says which one it is
 */
export function checkConfig(
  file: string,
  bytes: Uint8Array,
  environment: Environment,
  addresses: readonly Ip[] = [],
): LoadResult {
  const source = parseSource(file, bytes);
  // Without a tree, everything that is required would be told as missing.
  if (source.root.entries.size === 0 && source.faults.length > 0) {
    return { kind: 'faulty', faults: source.faults, warnings: [] };
  }
  const settings = withOwnEntry(readSettings(source.root, environment), addresses);
  const known = new Set(source.faults.map((fault) => fault.path));
  // A value that was lost to a fault of the file is not missing besides.
  const read = settings.faults.filter(({ path, found }) => found !== NOTHING || !known.has(path));
  const all = [
    ...source.faults,
    ...read,
    ...combinationFaults(settings),
    ...awsEnvironmentFaults(settings, environment),
  ];
  const { faults, ignored } = setAside(all, get(settings, NODE_ROLE));
  const warnings = [...variableWarnings(environment), ...ignored];
  if (faults.length > 0) return { kind: 'faulty', faults: inFileOrder(faults), warnings };
  const config = assemble(settings);
  return { kind: 'loaded', config, settings, warnings: [...warnings, ...riskWarnings(config, settings)] };
}

/** The lines for people: one a fault. */
export function faultLines(faults: readonly Fault[], file: string): readonly string[] {
  return faults.map((fault) => formatFault(fault, file));
}

/** The lines for people: one a warning. */
export function warningLines(warnings: readonly Warning[]): readonly string[] {
  return warnings.map(formatWarning);
}

/** What a node that never takes an address passes over, so that one file can serve all. */
const CANDIDATE_SECTIONS = /^(driver|local|notify)(\.|$)/;

function setAside(
  faults: readonly Fault[],
  role: Role | null,
): { readonly faults: readonly Fault[]; readonly ignored: readonly Warning[] } {
  if (role === null || role === 'candidate') return { faults, ignored: [] };
  const ignored = faults.filter(({ path }) => CANDIDATE_SECTIONS.test(path));
  return {
    faults: faults.filter((fault) => !ignored.includes(fault)),
    ignored: ignored.map(({ path, found, expected }) => ({
      path,
      text: `found ${found}, expected ${expected}; ignored, because node.role is ${role}`,
    })),
  };
}

function inFileOrder(faults: readonly Fault[]): readonly Fault[] {
  const line = ({ origin }: Fault): number =>
    origin?.kind === 'file' ? origin.line : Number.MAX_SAFE_INTEGER;
  return [...faults].sort((a, b) => line(a) - line(b));
}

function variableWarnings(environment: Environment): readonly Warning[] {
  const known = ALL_KEYS.flatMap(({ variable }) => variable ?? []);
  return Object.keys(environment)
    .filter((name) => name.startsWith('FAILTOME_') && !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known);
      return {
        path: name,
        text: `is not a variable that is read${meant === null ? '' : `; did you mean ${meant}?`}`,
      };
    });
}

/** Reads files, and pipes that this process was given (`/dev/stdin`), and never more than `maxBytes`. */
export async function readFileBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await openPlain(path);
  try {
    const buffer = Buffer.alloc(maxBytes);
    let length = 0;
    while (length < maxBytes) {
      const { bytesRead } = await handle.read(buffer, length, maxBytes - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
