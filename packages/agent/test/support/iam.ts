/** `failtome iam` with what it has to be told. */
import { expect } from 'vitest';
import type { Policy } from '../../src/iam/policy.ts';
import { CONFIG, cli } from './cli.ts';

/** All that it can't know, without what tells the nodes. */
export const GIVEN = [
  '--account',
  '123456789012',
  '--region',
  'us-east-1',
  '--subnet',
  'subnet-0a',
  '--subnet',
  'subnet-0b',
];

/** All that it asks for. */
export const ALL_GIVEN = [...GIVEN, '--instance-profile', 'haproxy'];

/** The policy that it prints, without a fault. */
export async function policy(argv: readonly string[], config: string = CONFIG): Promise<Policy> {
  const { code, out, err } = await cli(['iam', '-c', 'x.yaml', ...argv], { files: { 'x.yaml': config } });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}
