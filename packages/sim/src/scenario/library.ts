/**
 * Scenario files on disk: the ones that come with this package, and anybody's own.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { didYouMean, MAX_FILE_BYTES } from '@failtome/config';
import { counted } from '@failtome/protocol';
import { type AgentConfiguration, readAgentFile } from './agent-file.ts';
import { ScenarioError } from './fault.ts';
import type { Overlay } from './overlay.ts';
import { readScenario } from './scenario-file.ts';
import type { Scenario } from './types.ts';

/**
 * Every scenario of a folder, by name.
 *
 * @throws ScenarioError with the faults of all of its files
 */
export function loadScenarios(folder: string = builtInFolder()): readonly Scenario[] {
  const read = filesIn(folder).map((file) => readFile(join(folder, file)));
  const faults = read.flatMap((one) => (one.kind === 'faulty' ? one.faults : []));
  if (faults.length > 0) throw new ScenarioError(faults);
  return read.flatMap((one) => (one.kind === 'scenario' ? [one.scenario] : []));
}

/**
 * One scenario, by its file's path or by its name among those that come with this package.
 *
 * @throws ScenarioError when there is none, or it has faults
 */
export function loadScenario(named: string, overlay?: Overlay): Scenario {
  const read = readFile(pathOf(named), overlay);
  if (read.kind === 'faulty') throw new ScenarioError(read.faults);
  return read.scenario;
}

/**
 * An agent's own configuration file.
 *
 * @throws ScenarioError when it can't be read, or has faults
 */
export function loadAgentFile(path: string): AgentConfiguration {
  const read = readAgentFile(path, readText(path));
  if (read.kind === 'faulty') throw new ScenarioError(read.faults);
  return read.configuration;
}

function pathOf(named: string): string {
  const looksLikePath = named.includes('/') || ['.yaml', '.yml'].includes(extname(named));
  if (looksLikePath) return named;
  const folder = builtInFolder();
  const path = join(folder, `${named}.yaml`);
  if (existsSync(path)) return path;
  if (existsSync(named)) return named;
  const known = filesIn(folder).map((file) => basename(file, '.yaml'));
  const hint = didYouMean(named, known) || '`failtome-sim list` tells them all';
  throw faulty(named, 'no scenario of that name', "a scenario's name or its file", hint);
}

function readFile(path: string, overlay?: Overlay): ReturnType<typeof readScenario> {
  return readScenario(path, readText(path), overlay);
}

/**
 * A file's text; of one that is too large only so much that this can be told.
 *
 * @throws ScenarioError when it can't be read
 */
function readText(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw faulty(path, 'no such file', 'a YAML file');
  if (!stat.isFile()) throw faulty(path, 'no file', 'a YAML file');
  if (stat.size > MAX_FILE_BYTES) throw faulty(path, counted(stat.size, 'byte'), `at most ${MAX_FILE_BYTES}`);
  return readFileSync(path, 'utf8');
}

function faulty(source: string, found: string, expected: string, hint = ''): ScenarioError {
  return new ScenarioError([{ spot: { source, line: 0, column: 0 }, path: '', found, expected, hint }]);
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) throw faulty(folder, 'no such folder', 'a folder of scenario files');
  return readdirSync(folder)
    .filter((file) => extname(file) === '.yaml')
    .sort();
}

/** Beside the built file as well as beside the sources: `scenarios` in the package's own folder. */
export function builtInFolder(): string {
  const ways = ['../scenarios', '../../scenarios'].map((way) => join(import.meta.dirname, way));
  return ways.find((way) => existsSync(way)) ?? join(import.meta.dirname, '../scenarios');
}
