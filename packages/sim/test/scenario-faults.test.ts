/** What a scenario file is refused for: where, why, and what was probably meant. */
import { MAX_FILE_BYTES } from '@failtome/config';
import { expect, test } from 'vitest';
import { faultsOf, GOOD } from './good-scenario.ts';

test('a good file has no fault', () => {
  expect(faultsOf(GOOD)).toEqual([]);
});

const ACTION_FAULTS: readonly (readonly [what: string, line: string, fault: string])[] = [
  [
    'an unknown action',
    '{ at: 1s, crush: a }',
    'x.yaml:7:15: timeline[0].crush: found no action of that name, expected one of',
  ],
  ['an unknown action, with what was meant', '{ at: 1s, crush: a }', 'did you mean crash?'],
  ['no action', '{ at: 1s }', 'timeline[0]: found no action'],
  ['two actions', '{ at: 1s, crash: a, pause: b }', 'timeline[0].pause: found a second action'],
  ['no moment', '{ crash: a }', 'timeline[0].at: found nothing, expected when it happens'],
  ['a moment after the end', '{ at: 2m, crash: a }', 'found 120 s, expected a moment before the end, 120 s'],
  [
    'a repetition beyond the end',
    '{ at: 90s, crash: a, repeat: { every: 10s, times: 5 } }',
    'found 130 s, expected a moment before the end',
  ],
  ['a negative moment', '{ at: -1s, crash: a }', 'timeline[0].at: found "-1s", expected a duration from 0s'],
  ['a number without a unit', '{ at: 30, crash: a }', 'found 30, expected a duration'],
  ['a number without a unit, with how to write it', '{ at: 30, crash: a }', 'write 30s for seconds or 30ms'],
  ['a span that is none', '{ at: soon, crash: a }', 'found "soon", expected a duration'],
  ['a span in many words, with how to write it', '{ at: 1m30s, crash: a }', 'write 90s'],
  [
    'an end of what has none',
    '{ at: 1s, for: 5s, terminate: a }',
    'timeline[0].for: found a span, expected none; terminate happens, and is over',
  ],
  [
    'an unknown node',
    '{ at: 1s, crash: c }',
    'timeline[0].crash.node: found "c", expected one of a, b, holder, standby',
  ],
  ['an unknown node, with who was meant', '{ at: 1s, crash: holdr }', 'did you mean holder?'],
  [
    'an unknown address',
    '{ at: 1s, console: { address: 192.0.2.1 } }',
    'found "192.0.2.1", expected one of 198.51.100.200',
  ],
  [
    'an unknown parameter',
    '{ at: 1s, crash: { node: a, nod: b } }',
    'timeline[0].crash.nod: found an unknown key',
  ],
  [
    'a parameter that is missing',
    '{ at: 1s, haproxy: { node: a } }',
    'timeline[0].haproxy.state: found nothing, expected one of dead',
  ],
  [
    'an unknown value',
    '{ at: 1s, haproxy: { node: a, state: dea } }',
    'expected one of dead, hung, error or slow; did you mean dead?',
  ],
  [
    'a percentage beyond all',
    '{ at: 1s, bad-links: { loss: 300 % } }',
    'found "300 %", expected a percentage',
  ],
  ['a number for a percentage', '{ at: 1s, bad-links: { loss: 30 } }', 'write 30 %'],
  ['a list for a map', '{ at: 1s, crash: [a] }', 'timeline[0].crash: found a list, expected a map with node'],
  ['no map at all', 'crash', 'timeline[0]: found "crash", expected an entry'],
  [
    'a setting to reload that there is not',
    '{ at: 1s, reload: { node: a, settings: { holdDwn: 1s } } }',
    'timeline[0].reload.settings.holdDwn: found an unknown key',
  ],
  [
    'settings to reload that cannot work',
    '{ at: 1s, reload: { node: a, settings: { gossip: { dead: 500ms } } } }',
    'timeline[0].reload.settings.gossip.dead: found 500ms, expected at least 2 × gossip.interval',
  ],
];

test.each(ACTION_FAULTS)('%s in the timeline is told: %s', (_, line, fault) => {
  const faults = faultsOf(`${GOOD}timeline:\n  - ${line}\n`);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
});

const FAULTS: readonly (readonly [what: string, text: string, fault: string])[] = [
  ['an empty file', '', 'x.yaml: found nothing, expected a map'],
  ['a file of comments', '# nothing\n', 'x.yaml: found nothing, expected a map'],
  ['a list', '- a\n', 'x.yaml:1:1: found a list, expected a scenario'],
  ['binary data', 'a: \0', 'x.yaml: found binary data'],
  ['a second document', `${GOOD}---\na: 1\n`, 'found the start of a second document'],
  ['invalid YAML, with its place', `${GOOD}timeline: [\n`, 'x.yaml:7:1: found invalid YAML'],
  ['a tab', `${GOOD}settings:\n\tprobe: {}\n`, 'YAML is indented with spaces, not tabs'],
  [
    'a key twice',
    `${GOOD}seeds: 2\n`,
    'x.yaml:6:1: seeds: found the key twice, first on line 5, expected it once',
  ],
  ['an unknown key', `${GOOD}timelin: []\n`, 'x.yaml:6:1: timelin: found an unknown key'],
  ['an unknown key, with what was meant', `${GOOD}timelin: []\n`, 'did you mean timeline?'],
  [
    'an alias without its anchor',
    `${GOOD}settings: *none\n`,
    'settings: found an alias, *none, without its anchor',
  ],
  ['no name', GOOD.replace('scenario: x', ''), 'scenario: found nothing, expected a name'],
  [
    'a name with a space',
    GOOD.replace('scenario: x', 'scenario: x y'),
    'found "x y", expected a name of letters',
  ],
  ['no sentence', GOOD.replace(/proves.*/, ''), 'proves: found nothing, expected one sentence'],
  ['no nodes', GOOD.replace('nodes: [a, b]', ''), 'cluster.nodes: found nothing, expected a list'],
  ['a single node', GOOD.replace('[a, b]', '[a]'), 'cluster.nodes: found 1 item, expected 2 to 32'],
  [
    'an id twice',
    GOOD.replace('[a, b]', '[a, b, a]'),
    'x.yaml:3:26: cluster.nodes[2]: found a second node called a',
  ],
  [
    'an id that stands for somebody else',
    GOOD.replace('[a, b]', '[a, holder]'),
    'found a node called holder, expected another name',
  ],
  ['an unknown role', GOOD.replace('[a, b]', '[a, { id: b, role: wittness }]'), 'did you mean witness?'],
  [
    'eight voters',
    GOOD.replace('[a, b]', '[a, b, c, d, e, f, g, h]'),
    'cluster.nodes: found 8 voters, expected at most 7; give the others role: member',
  ],
  [
    'one voter',
    GOOD.replace('[a, b]', '[a, { id: b, role: member }]'),
    'found 1 voter, expected at least two',
  ],
  [
    'no candidate',
    GOOD.replace('[a, b]', '[{ id: a, role: witness }, { id: b, role: witness }]'),
    'found no candidate',
  ],
  [
    'a holder that is no candidate',
    GOOD.replace('[a, b]', '[a, b, { id: w, role: witness }], addresses: [{ ip: 192.0.2.1, holder: w }]'),
    'cluster.addresses[0].holder: found w, a witness, expected a candidate',
  ],
  [
    'a holder that is no node',
    GOOD.replace('[a, b]', '[a, b], addresses: [{ ip: 192.0.2.1, holder: z }]'),
    'cluster.addresses[0].holder: found a node called z, expected one of a, b',
  ],
  [
    'an address twice',
    GOOD.replace('[a, b]', '[a, b], addresses: [192.0.2.1, 192.0.2.1]'),
    'found 192.0.2.1 twice',
  ],
  [
    'an address that is none',
    GOOD.replace('[a, b]', '[a, b], addresses: [192.0.2.300]'),
    'expected an IPv4 or IPv6 address',
  ],
  [
    'a peer that is no node',
    GOOD.replace('[a, b]', '[a, { id: b, peers: [c] }]'),
    'cluster.nodes[1].peers: found a node called c',
  ],
  ['no end', GOOD.replace(/run.*/, ''), 'found no end, expected run: { for: 120s }'],
  ['two ends', `${GOOD}recover: { at: 1m }\n`, 'x.yaml:6:1: recover: found recover besides run'],
  ['an unknown goal', GOOD.replace(/run.*/, 'recover: { at: 1m, goal: serve }'), 'did you mean served?'],
  [
    'something broken for good that is no action',
    GOOD.replace(/run.*/, 'recover: { at: 1m, broken: [{ vanis: a }] }'),
    'recover.broken[0].vanis: found no action of that name',
  ],
  [
    'a setting out of its range',
    `${GOOD}settings: { probe: { fall: 0 } }\n`,
    'settings.probe.fall: found 0, expected a whole number from 1 to 100',
  ],
  ['an unknown setting', `${GOOD}settings: { prob: { fall: 2 } }\n`, 'settings.prob: found an unknown key'],
  [
    'an unknown setting, with what was meant',
    `${GOOD}settings: { prob: { fall: 2 } }\n`,
    'did you mean probe?',
  ],
  [
    'a setting that nothing simulated depends on',
    `${GOOD}settings: { probe: { path: /health } }\n`,
    'settings.probe.path: found a setting that nothing simulated depends on',
  ],
  [
    'settings that cannot work together',
    `${GOOD}settings: { probe: { interval: 1s, fastInterval: 2s } }\n`,
    'settings.probe.fastInterval: found 2000ms, expected at most the interval',
  ],
  [
    'a duration in fractions, where the agent takes none',
    `${GOOD}settings: { holdDown: 1.5s }\n`,
    'write 1500ms',
  ],
  [
    'an unknown driver',
    `${GOOD}settings: { driver: { kind: exec } }\n`,
    'settings.driver.kind: found "exec", expected one of ec2, ec2-private-ip, ec2-route or opsworks',
  ],
  [
    'an IPv6 address with a driver of Elastic IPs',
    GOOD.replace(/cluster:.*/, 'cluster: { nodes: [a, b], addresses: ["2001:db8::100"] }'),
    'cluster.addresses[0]: found 2001:db8::100, expected an IPv4 address, because driver.kind is ec2; ec2-private-ip moves IPv6 addresses of network interfaces',
  ],
  ['an unknown claim', `${GOOD}expect: { takes: [b] }\n`, 'expect.takes: found an unknown key'],
  ['an unknown reason', `${GOOD}expect: { decision: { b: held-dwn } }\n`, 'did you mean held-down?'],
  [
    'an unknown observation',
    `${GOOD}expect: { seen: { b: decided held-dwn } }\n`,
    'expect.seen.b: found "decided held-dwn"',
  ],
  [
    'an unknown observation, with what was meant',
    `${GOOD}expect: { seen: { b: decided held-dwn } }\n`,
    'did you mean held-down?',
  ],
  [
    'a claim about an unknown node',
    `${GOOD}expect: { takers: [z] }\n`,
    'expect.takers[0]: found "z", expected one of a, b',
  ],
  [
    'a count that is none',
    `${GOOD}expect: { moves: few }\n`,
    'expect.moves: found "few", expected a number, `at most N`',
  ],
  [
    'a span of a claim that begins after the end',
    `${GOOD}expect: { from: 3m, moves: 0 }\n`,
    'expect.from: found 180 s',
  ],
  [
    'a span of a claim that ends before it begins',
    `${GOOD}expect: { from: 1m, until: 30s }\n`,
    'expect.until: found 30 s',
  ],
  ['an unknown call', `${GOOD}expect: { calls: { ec2:Associate: 1 } }\n`, 'expect.calls.ec2:Associate'],
];

test.each(FAULTS)('%s is told', (_, text, fault) => {
  expect(faultsOf(text).join('\n')).toContain(fault);
});

test('all faults of a file are told at once, in the order in which they stand', () => {
  const text = `scenario: x
proves: Y.
cluster: { nodes: [a, b] }
settings:
  probe: { fall: none }
  holdDown: 5
timeline:
  - { at: 1s, crash: z }
  - { at: 9m, crash: a }
run: { for: 1m }
expect: { holder: y }
`;
  const lines = faultsOf(text).map((fault) => /^x\.yaml:(\d+):\d+: (\S+):/.exec(fault)?.slice(1));
  expect(lines).toEqual([
    ['5', 'settings.probe.fall'],
    ['6', 'settings.holdDown'],
    ['8', 'timeline[0].crash.node'],
    ['9', 'timeline[1].at'],
    ['11', 'expect.holder'],
  ]);
});

test('a fault among the nodes does not make every name in the timeline a fault', () => {
  const text = `${GOOD.replace('[a, b]', '[a, b, a]')}timeline: [{ at: 1s, crash: c }]\n`;
  expect(faultsOf(text)).toHaveLength(1);
});

test('a file of more than 1 MiB is refused unread', () => {
  expect(faultsOf(`${GOOD}# ${'x'.repeat(MAX_FILE_BYTES)}\n`)).toEqual([
    'x.yaml: found more than 1 MiB, expected at most 1 MiB',
  ]);
});

test('aliases that multiply are bounded', () => {
  const levels = Array.from({ length: 12 }, (_, i) =>
    i === 0
      ? 'l0: &l0 [x, x, x, x, x, x, x, x, x]'
      : `l${i}: &l${i} [${Array(9)
          .fill(`*l${i - 1}`)
          .join(', ')}]`,
  );
  expect(faultsOf(`${GOOD}${levels.join('\n')}\n`).join()).toContain('more values, aliases or levels');
});

test('a message of a fault is one line, whatever the file holds', () => {
  for (const fault of faultsOf(`${GOOD}"a\\nb\\u001b[31m": 1\nexpect: { told: ["x\\ny"] }\n`))
    expect(fault).not.toMatch(/\p{Cc}/u);
});
