/**
 * A scenario with an agent's own configuration: its nodes and addresses take the places of the scenario's, one by one,
 * and its settings count.
 */
import type { Role } from '@failtome/protocol';
import { ACTIONS, type Arguments, type Entry, type Value } from '../plan/index.ts';
import type { NodeSpec, WorldSpec } from '../world/index.ts';
import type { AgentConfiguration } from './agent-file.ts';
import { defaultOffsetMs } from './cluster-world.ts';
import type { Claim } from './expectation.ts';
import { type Given, merge, settingsOf } from './setting-table.ts';
import { type Context, reportFault } from './shape.ts';
import type { Scenario } from './types.ts';

/**
 * @param sets what the command line says of settings, which counts before the configuration
 * @returns undefined where the configuration has fewer nodes or addresses than the scenario needs, which is told
 */
export function withConfig(
  scenario: Scenario,
  config: AgentConfiguration,
  sets: Given,
  context: Context,
): Scenario | undefined {
  const { world } = scenario.plan;
  const names = new Map<string, string>();
  const reading = { path: '', context };
  for (const role of ['candidate', 'witness', 'member'] satisfies readonly Role[]) {
    const wanted = world.nodes.filter((node) => node.role === role);
    const there = config.nodes.filter((node) => node.role === role);
    if (there.length < wanted.length)
      return reportFault(
        config,
        reading,
        counted(there.length, role),
        `${wanted.length} as in this scenario`,
      );
    for (const [index, { id }] of wanted.entries()) names.set(id, there[index]?.id ?? id);
  }
  const ips = new Map(world.addresses.map((ip, index) => [ip, config.addresses[index]?.ip ?? ip]));
  if (config.addresses.length < world.addresses.length)
    return reportFault(
      config,
      reading,
      counted(config.addresses.length, 'address'),
      `${world.addresses.length} as in this scenario`,
    );
  const rename: Rename = { node: (id) => names.get(id) ?? id, address: (ip) => ips.get(ip) ?? ip };
  return {
    ...scenario,
    plan: {
      ...scenario.plan,
      world: worldWith(world, config, sets, rename),
      timeline: scenario.plan.timeline.map((entry) => ({ ...entry, with: argumentsWith(entry, rename) })),
      ending:
        scenario.plan.ending.kind === 'stop'
          ? scenario.plan.ending
          : {
              ...scenario.plan.ending,
              broken: scenario.plan.ending.broken.map((one) => ({
                ...one,
                with: argumentsWith(one, rename),
              })),
            },
    },
    expect: scenario.expect.map((one) => ({
      ...one,
      claims: one.claims.map((claim) => claimWith(claim, rename)),
    })),
  };
}

interface Rename {
  readonly node: (id: string) => string;
  readonly address: (ip: string) => string;
}

const counted = (count: number, what: string): string => `${count} × ${what}`;

function worldWith(world: WorldSpec, config: AgentConfiguration, sets: Given, rename: Rename): WorldSpec {
  const before = new Map(world.nodes.map((node) => [rename.node(node.id), node]));
  const nodes = config.nodes.map(({ id, role, priority }, index): NodeSpec => {
    const place = before.get(id);
    if (place === undefined)
      return {
        id,
        role,
        priority,
        clock: { offsetMs: defaultOffsetMs(index), driftPpm: 0, wallErrorMs: 0 },
        bootMs: 0,
      };
    const { overrides } = place;
    const peers = overrides?.peers?.map(rename.node);
    return {
      ...place,
      id,
      priority,
      ...(overrides === undefined || peers === undefined ? {} : { overrides: { ...overrides, peers } }),
    };
  });
  const ids = nodes.map(({ id }) => id);
  const holders = config.addresses.map((_, index) => {
    const held = index < world.holders.length ? (world.holders[index] ?? null) : 0;
    const holder = held === null ? undefined : world.nodes[held];
    return holder === undefined ? null : ids.indexOf(rename.node(holder.id));
  });
  const probes = config.addresses.map(
    ({ ip, settings }) => [ip, settingsOf(merge(settings, sets)).probe] as const,
  );
  const homes = config.addresses.flatMap(({ ip, home }) => (home === undefined ? [] : [[ip, home] as const]));
  return {
    ...world,
    nodes,
    addresses: config.addresses.map(({ ip }) => ip),
    holders,
    settings: {
      ...world.settings,
      ...(probes.length < 2 ? {} : { probes: Object.fromEntries(probes) }),
      ...(homes.length === 0 ? {} : { homes: Object.fromEntries(homes) }),
    },
    occupied: world.occupied.map(rename.node),
  };
}

function argumentsWith({ action, with: given }: Omit<Entry, 'atMs' | 'forMs'>, rename: Rename): Arguments {
  const parameters = ACTIONS.get(action)?.parameters ?? {};
  const parts = Object.entries(given).map(([name, value]): readonly [string, Value] => {
    const kind = parameters[name]?.kind;
    if (typeof value !== 'string') return [name, value];
    return [name, kind === 'node' ? rename.node(value) : kind === 'text' ? value : rename.address(value)];
  });
  return Object.fromEntries(parts);
}

function claimWith(claim: Claim, { node, address }: Rename): Claim {
  switch (claim.kind) {
    case 'holder':
      return {
        ...claim,
        address: claim.address && address(claim.address),
        node: claim.node && node(claim.node),
      };
    case 'takers':
      return { ...claim, address: claim.address && address(claim.address), nodes: claim.nodes.map(node) };
    case 'moves':
      return { ...claim, address: claim.address && address(claim.address) };
    case 'unserved':
      return { ...claim, address: claim.address && address(claim.address) };
    case 'served':
      return { ...claim, address: claim.address && address(claim.address), by: claim.by && node(claim.by) };
    case 'seen':
    case 'unseen':
      return { ...claim, node: claim.node && node(claim.node) };
    case 'decision':
    case 'ready':
    case 'unready':
      return { ...claim, node: node(claim.node) };
    case 'told-texts':
    case 'webhook':
      return {
        ...claim,
        texts: claim.texts.map((text) =>
          text
            .split(' ')
            .map((word) => node(address(word)))
            .join(' '),
        ),
      };
    case 'told':
    case 'calls':
    case 'stored':
    case 'answered':
      return claim;
  }
}
