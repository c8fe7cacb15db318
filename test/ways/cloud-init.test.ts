/** The user data: what cloud-init makes of it, and that its script is one that a shell and shellcheck accept. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { bootstrap, deploy, deployed } from './blocks.ts';

interface CloudConfig {
  readonly write_files: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd: readonly (readonly string[])[];
}

const text = deployed('cloud-init/user-data.yaml');
// Its form is what the schema command checks.
const config: CloudConfig = parse(text);

/** EC2 User Guide, "Run commands when you launch an EC2 instance". */
const MAX_USER_DATA_BYTES = 16_384;

test('the settings are a shell script that sets what the bootstrap asks for, and nothing else', () => {
  const [settings] = config.write_files;
  const set = [...(settings?.content ?? '').matchAll(/^(FAILTOME_\w+)='[^']*'$/gm)].map(([, name]) => name);
  expect(settings?.content.trim().split('\n')).toHaveLength(set.length);
  const asked = [...bootstrap.matchAll(/^# (FAILTOME_\w+) /gm)].map(([, name]) => name);
  expect(asked.filter((name) => name !== 'FAILTOME_PAUSE')).toEqual(set);
  expect(settings?.permissions).toBe('0600');
});

test('its command runs the script that it writes', () => {
  expect(config.write_files[1]).toMatchObject({ content: bootstrap, permissions: '0700' });
  for (const { path } of config.write_files) expect(config.runcmd.flat().join(' ')).toContain(path);
});

test('EC2 takes user data of this size', () => {
  expect(Buffer.byteLength(text)).toBeLessThan(MAX_USER_DATA_BYTES);
});

describe.skipIf(!has('cloudInit'))('cloud-init', () => {
  test('finds nothing to complain of', () => {
    const file = join(deploy, 'cloud-init/user-data.yaml');
    const { status, stdout, stderr } = spawnSync(
      findProgram('cloud-init') ?? '',
      ['schema', '--config-file', file],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/Valid/);
  });
});

describe.skipIf(!has('shellcheck'))('shellcheck', () => {
  test('finds nothing to complain of', () => {
    const file = join(deploy, 'cloud-init/bootstrap.sh');
    const { status, stdout } = spawnSync(findProgram('shellcheck') ?? '', [file], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
