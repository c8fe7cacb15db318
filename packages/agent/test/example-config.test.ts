import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkConfig, faultLines } from '../src/config/load.ts';

const example = readFileSync(new URL('../deploy/failtome.example.yaml', import.meta.url));

test('the example is a configuration without fault or warning, as it stands', () => {
  const result = checkConfig('failtome.example.yaml', example, { FAILTOME_NODE_ID: 'saturn' });
  expect(result.kind === 'faulty' ? faultLines(result.faults, 'example') : []).toEqual([]);
  expect(result.warnings).toEqual([]);
});

test('its commented settings are known, too', () => {
  const uncommented = example.toString().replace(/^( +)# (id:|webhook:|exec:|- \{)/gm, '$1$2');
  expect(uncommented).toContain('  - { id: pluto');
  const result = checkConfig('failtome.example.yaml', Buffer.from(uncommented), {});
  expect(result.kind === 'faulty' ? faultLines(result.faults, 'example') : []).toEqual([]);
});
