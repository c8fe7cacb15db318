/** What stands for something else in a scenario: what the command line sets, short forms, and an agent's configuration. */
import { expect, test } from 'vitest';
import { type AgentFileRead, readAgentFile } from '../src/scenario/agent-file.ts';
import { formatFault } from '../src/scenario/fault.ts';
import { readScenario } from '../src/scenario/index.ts';
import { faultsOf, GOOD, scenarioOf } from './good-scenario.ts';

test('what the command line sets counts, and is checked like the file', () => {
  const { plan } = scenarioOf(GOOD, [
    'probe.fall=2',
    'cluster.nodes[1].priority=200',
    'run.for=5m',
    'local=none',
  ]);
  expect(plan.world.settings.probe.fall).toBe(2);
  expect(plan.world.settings.local).toBeNull();
  expect(plan.world.nodes.map(({ priority }) => priority)).toEqual([100, 200]);
  expect(plan.ending.atMs).toBe(300_000);
  expect(faultsOf(GOOD, ['probe.fall=two'])).toEqual([
    '--set probe.fall=two: settings.probe.fall: found "two", expected a whole number from 1 to 100',
  ]);
  expect(faultsOf(GOOD, ['fall=2'])[0]).toContain('--set fall=2: fall: found an unknown key');
  expect(faultsOf(GOOD, ['probe.fall'])[0]).toContain('found no =, expected key=value');
  expect(faultsOf(GOOD, ['cluster.nodes[7].priority=1'])[0]).toContain(
    'found the place cluster.nodes[7].priority',
  );
});

test('a name and a number of seeds stand for what they stand for in full', () => {
  const { plan, seeds } = scenarioOf(GOOD.replace('seeds: 1', 'seeds: [7, 9]'));
  expect(seeds).toEqual([7, 9]);
  expect(plan.world.seed).toBe(7);
  expect(scenarioOf(GOOD.replace('seeds: 1', 'seeds: 3')).seeds).toEqual([1, 2, 3]);
  const timeline = 'timeline: [{ at: 1s, crash: a, for: 2s, repeat: { every: 10s, times: 2 } }]\n';
  expect(scenarioOf(GOOD + timeline).plan.timeline).toEqual([
    { atMs: 1_000, action: 'crash', with: { node: 'a' }, forMs: 2_000 },
    { atMs: 11_000, action: 'crash', with: { node: 'a' }, forMs: 2_000 },
  ]);
});

const AGENT = `cluster: web
node: { id: saturn, priority: 150 }
peers:
  - { id: neptune, url: "http://10.0.1.11:8741" }
auth: { keyFile: /etc/failtome/cluster.key }
addresses:
  - ip: 192.0.2.9
driver: { kind: ec2 }
`;

function agentFaults(text: string): readonly string[] {
  const read: AgentFileRead = readAgentFile('agent.yaml', text);
  return read.kind === 'faulty' ? read.faults.map(formatFault) : [];
}

test("an agent's configuration: its nodes, addresses and settings take the scenario's places", () => {
  const agent = readAgentFile('agent.yaml', `${AGENT}holdDown: 7s\n`);
  if (agent.kind === 'faulty') throw new Error('faulty');
  const text = `${GOOD}settings: { holdDown: 1s }
timeline: [{ at: 1s, crash: b }]
expect: { holder: a, takers: [], told: [b took over 198.51.100.200] }
`;
  const read = readScenario('x.yaml', text, { sets: ['probe.fall=9'], config: agent.configuration });
  if (read.kind === 'faulty') throw new Error(read.faults.map(formatFault).join('\n'));
  const { plan, expect: expected } = read.scenario;
  expect(plan.world.nodes.map(({ id, priority }) => [id, priority])).toEqual([
    ['saturn', 150],
    ['neptune', 100],
  ]);
  expect(plan.world.addresses).toEqual(['192.0.2.9']);
  expect(plan.world.settings).toMatchObject({
    holdDownMs: 7_000,
    local: null,
    notifies: false,
    probe: { fall: 9 },
  });
  expect(plan.timeline[0]?.with).toEqual({ node: 'neptune' });
  expect(expected[0]?.claims).toEqual([
    { kind: 'holder', address: null, node: 'saturn' },
    { kind: 'takers', address: null, nodes: [] },
    { kind: 'told-texts', texts: ['neptune took over 192.0.2.9'] },
  ]);
});

test('a configuration with fewer nodes than the scenario has is refused', () => {
  const agent = readAgentFile('agent.yaml', AGENT);
  if (agent.kind === 'faulty') throw new Error('faulty');
  const text = GOOD.replace('[a, b]', '[a, b, { id: w, role: witness }]');
  const read = readScenario('x.yaml', text, { sets: [], config: agent.configuration });
  expect(read.kind === 'faulty' && read.faults.map(formatFault).join()).toContain(
    'found 0 × witness, expected 1',
  );
});

test('an IPv6 address counts in its canonical form, as for the agent', () => {
  const text = AGENT.replace(/ip: [\d.]+/, 'ip: "2001:DB8:0:1::0100"').replace('ec2', 'ec2-private-ip');
  const read = readAgentFile('agent.yaml', text);
  expect(read.kind === 'configuration' && read.configuration.addresses.map(({ ip }) => ip)).toEqual([
    '2001:db8:0:1::100',
  ]);
});

test.each([
  ['a key that the agent has not', `${AGENT}holdDwn: 1s\n`, 'agent.yaml:9:1: holdDwn: found an unknown key'],
  ['a value that the agent refuses', `${AGENT}holdDown: 1\n`, 'holdDown: found 1, expected a duration'],
  [
    'a driver that is not simulated',
    AGENT.replace('ec2', 'exec'),
    'driver.kind: found exec, expected ec2, ec2-private-ip, ec2-route or opsworks',
  ],
  ['no peers', AGENT.replace(/peers[\s\S]*?\n(?=auth)/, ''), 'peers: found nothing, expected a list'],
])("%s in an agent's configuration is told", (_, text, fault) => {
  expect(agentFaults(text).join('\n')).toContain(fault);
});
