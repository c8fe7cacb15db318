import { PRESETS } from '@failtome/config';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../src/config/load.ts';
import { effectiveYaml } from '../src/config/print.ts';

const PAIR = `cluster: web
node: { id: saturn }
peers: [{ id: saturn, url: "http://10.0.1.12:8741" }, { id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
local: { url: "http://127.0.0.1/" }
driver: { kind: ec2 }
`;

function loaded(yaml: string) {
  const result = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result;
}

const withAddress = (more: string, probe = ''): string =>
  `${more}\n${PAIR}addresses: [{ ip: 54.173.141.243${probe} }]\n`;

describe('a preset', () => {
  test.each(PRESETS)('%s loads, and is quicker the further down the list it stands', (preset) => {
    const { config } = loaded(withAddress(`preset: ${preset}`));
    const before = PRESETS[PRESETS.indexOf(preset) - 1];
    if (before === undefined) return;
    const calmer = loaded(withAddress(`preset: ${before}`)).config;
    expect(config.gossip.deadMs).toBeLessThan(calmer.gossip.deadMs);
    expect(config.addresses[0]?.probe.timeoutMs).toBeLessThan(calmer.addresses[0]?.probe.timeoutMs ?? 0);
    expect(config.agreement.leaseMs).toBeLessThan(calmer.agreement.leaseMs);
  });

  test('balanced is what counts without one', () => {
    expect(loaded(withAddress('preset: balanced')).config).toEqual(loaded(withAddress('')).config);
  });

  test('gives way to a key beside it, and so do the defaults that follow from that key', () => {
    const { config } = loaded(
      withAddress('preset: quick\ngossip: { dead: 400ms }', ', probe: { interval: 60ms }'),
    );
    expect(config.gossip).toMatchObject({ deadMs: 400, intervalMs: 100, timeoutMs: 60 });
    expect(config.addresses[0]?.probe).toMatchObject({
      intervalMs: 60,
      fastIntervalMs: 60,
      timeoutMs: 150,
      fall: 4,
    });
  });

  test('shows as the origin of what it gave', () => {
    const printed = effectiveYaml(
      loaded(withAddress('preset: quick\ngossip: { dead: 400ms }')).settings,
      'f.yaml',
    );
    expect(printed).toMatch(/interval: 100ms # preset quick/);
    expect(printed).toMatch(/dead: 400ms # f.yaml:2/);
    expect(printed).toMatch(/fanout: 3 # default/);
    expect(effectiveYaml(loaded(withAddress('')).settings, 'f.yaml')).not.toContain('# preset');
  });

  test('that is none is refused with those that there are', () => {
    const result = checkConfig('f.yaml', Buffer.from(withAddress('preset: fast')), {});
    expect(result).toMatchObject({
      kind: 'faulty',
      faults: [{ path: 'preset', found: '"fast"', expected: 'patient, balanced or quick' }],
    });
  });
});
