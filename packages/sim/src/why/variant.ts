/** The same incident under other rules: a plan with some of its settings, its voters or its faults changed. */
import { PRESETS, type Preset } from '@failtome/config';
import { counted } from '@failtome/protocol';
import type { Entry, Plan } from '../plan/index.ts';
import {
  type Given,
  givenIn,
  merge,
  readScenario,
  ScenarioError,
  settingsOf,
  writeScenario,
} from '../scenario/index.ts';
import { presetSettings } from '../tune/index.ts';
import type { NodeSpec } from '../world/index.ts';

/** A change, by its name: `KEY=VALUE`, `preset=NAME`, `voters=N`, `store`, `without=FAULT`; several with `;` between them. */
export interface Variant {
  readonly name: string;
  readonly plan: Plan;
}

/** Added voters are called this, and a number. */
const WITNESS = 'witness';
const MAX_VOTERS = 31;

/**
 * Change a plan as it is said.
 *
 * @throws ScenarioError when that can't be
 */
export function variantOf(plan: Plan, said: string): Variant {
  const changes = said.split(';').map((one) => one.trim());
  const sets: string[] = [];
  let changed = plan;
  for (const change of changes) {
    const [key = '', value = ''] = split(change);
    if (key === 'without') changed = withoutFault(changed, value, said);
    else if (key === 'voters') changed = withVoters(changed, value, said);
    else if (key === 'preset') changed = withPreset(changed, value, said);
    else if (change === 'store') sets.push('store=true');
    else sets.push(change);
  }
  return { name: changes.join('; '), plan: sets.length === 0 ? changed : overlaid(changed, sets) };
}

function split(change: string): readonly string[] {
  const mark = change.indexOf('=');
  return mark < 0 ? [change] : [change.slice(0, mark).trim(), change.slice(mark + 1).trim()];
}

/** By way of the scenario's own text, so that every place of it can be named. */
function overlaid(plan: Plan, sets: readonly string[]): Plan {
  const text = writeScenario(plan, { name: 'what-if', proves: 'The same incident under other rules.' });
  const read = readScenario('the incident', text, { sets, config: null });
  if (read.kind === 'faulty') throw new ScenarioError(read.faults);
  return { ...read.scenario.plan, title: plan.title };
}

/** All that the preset sets, whatever it was; also where an address has a probe of its own. */
function withPreset(plan: Plan, name: string, said: string): Plan {
  if (!isPreset(name)) throw refused(said, `the preset ${name}`, PRESETS.join(', '));
  const { world } = plan;
  const given: Given = givenIn(world.settings);
  const { probe, local, gossip, agreement, guardTimeoutMs } = settingsOf(
    merge(given, presetSettings(given, name)),
  );
  const { probes: _probes, ...settings } = world.settings;
  const { leaseMs } = agreement;
  const agreed = { ...settings.agreement, leaseMs };
  return {
    ...plan,
    world: { ...world, settings: { ...settings, probe, local, gossip, agreement: agreed, guardTimeoutMs } },
  };
}

function isPreset(name: string): name is Preset {
  return (PRESETS as readonly string[]).includes(name);
}

/** Witnesses are added at the end, or taken away from there, with all that is done to them. */
function withVoters(plan: Plan, text: string, said: string): Plan {
  const { world } = plan;
  const candidates = world.nodes.filter(({ role }) => role === 'candidate').length;
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < candidates || count > MAX_VOTERS)
    throw refused(
      said,
      counted(count, 'voter'),
      `a number from ${candidates}, as many as there are candidates, to ${MAX_VOTERS}`,
    );
  const before = world.nodes.filter(({ role }) => role === 'witness');
  const gone = new Set(before.slice(Math.max(0, count - candidates)).map(({ id }) => id));
  const added = Array.from({ length: Math.max(0, count - candidates - before.length) }, (_, index) =>
    newWitness(plan, index),
  );
  const nodes = [...world.nodes.filter(({ id }) => !gone.has(id)), ...added];
  const places = new Map(nodes.map(({ id }, index) => [id, index]));
  const holders = world.holders.map((holder) => places.get(world.nodes[holder ?? -1]?.id ?? '') ?? null);
  const names = (entry: Pick<Entry, 'with'>): boolean =>
    !Object.values(entry.with).some((value) => gone.has(String(value)));
  return { ...plan, world: { ...world, nodes, holders }, timeline: plan.timeline.filter(names) };
}

function newWitness({ world: { nodes } }: Plan, index: number): NodeSpec {
  const taken = new Set(nodes.map(({ id }) => id));
  const free = Array.from({ length: nodes.length + index + 1 }, (_, at) => `${WITNESS}-${at + 1}`).filter(
    (id) => !taken.has(id),
  );
  const offsetMs = 1_000 * (nodes.length + index + 1);
  return {
    id: free[index] ?? `${WITNESS}-${offsetMs}`,
    role: 'witness',
    priority: 100,
    clock: { offsetMs, driftPpm: 0, wallErrorMs: 0 },
    bootMs: 0,
  };
}

/** `haproxy`: every fault of that name; `haproxy@50s`: the one of that moment. */
function withoutFault(plan: Plan, named: string, said: string): Plan {
  const left = plan.timeline.filter((entry) => named !== entry.action && named !== nameOf(entry));
  if (left.length === plan.timeline.length) {
    const there = plan.timeline.map(nameOf);
    throw refused(
      said,
      `the fault ${named}`,
      there.length === 0 ? 'nothing: there is no fault' : `one of ${there.join(', ')}`,
    );
  }
  return { ...plan, timeline: left };
}

/** What a fault is called where it is left out. */
export function nameOf({ action, atMs }: Pick<Entry, 'action' | 'atMs'>): string {
  return `${action}@${atMs / 1_000}s`;
}

function refused(said: string, found: string, expected: string): ScenarioError {
  const spot = { source: `--set ${said}`, line: 0, column: 0 };
  return new ScenarioError([{ spot, path: '', found, expected, hint: '' }]);
}
