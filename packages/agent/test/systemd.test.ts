import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findProgram, has } from '../../../scripts/requirements.mjs';
import {
  createServiceManager,
  type ServiceManagerDependencies,
  type ServiceManagerOptions,
  serviceManagerOptions,
} from '../src/adapters/systemd.ts';

const unitFile = new URL('../deploy/systemd/failtome.service', import.meta.url);

function manager(
  options: Partial<ServiceManagerOptions>,
  dependencies: Partial<ServiceManagerDependencies> = {},
) {
  const sent: (readonly string[])[] = [];
  const faults: string[] = [];
  const service = createServiceManager(
    { notifies: true, watchdogMs: null, ...options },
    {
      notify: async (assignments) => void sent.push(assignments),
      status: () => 'holds nothing',
      onFault: (detail) => faults.push(detail),
      ...dependencies,
    },
  );
  return { service, sent, faults };
}

test('readiness, reload and stop are told in order, with a status line', async () => {
  const { service, sent } = manager({});
  service.ready();
  service.reloading();
  service.ready();
  service.stopping();
  await service.close();
  expect(sent).toEqual([
    ['READY=1', 'STATUS=holds nothing'],
    ['RELOADING=1'],
    ['READY=1', 'STATUS=holds nothing'],
    ['STOPPING=1'],
  ]);
});

test('outside of systemd nothing is run', async () => {
  const { service, sent } = manager({ notifies: false, watchdogMs: 1 });
  service.ready();
  await service.close();
  expect(sent).toEqual([]);
});

test('the watchdog starts with readiness and ends with close', async () => {
  let beats = 0;
  const thrice = deferred();
  const { service } = manager(
    { watchdogMs: 2 },
    {
      notify: async ([first]) => {
        if (first === 'WATCHDOG=1') beats += 1;
        if (beats === 3) thrice.resolve();
      },
    },
  );
  service.ready();
  await thrice.promise;
  await service.close();
  const atClose = beats;
  await new Promise((resolve) => setImmediate(resolve));
  expect(beats).toBe(atClose);
});

test('a failure is told once, and again after a success', async () => {
  let works = false;
  const { service, faults } = manager(
    {},
    { notify: () => (works ? Promise.resolve() : Promise.reject(new Error('no such program\n'))) },
  );
  service.ready();
  service.reloading();
  await service.close();
  expect(faults).toEqual(['no such program']);
  works = true;
  service.ready();
  await service.close();
  works = false;
  service.stopping();
  await service.close();
  expect(faults).toEqual(['no such program', 'no such program']);
});

test('messages that systemd does not take are bounded, and the loss is told', async () => {
  const blocked = deferred();
  const { service, faults } = manager({}, { notify: () => blocked.promise });
  for (let count = 0; count < 20; count += 1) service.reloading();
  expect(faults).toEqual(['16 messages already wait for systemd']);
  blocked.resolve();
  await service.close();
});

test('a status line is one line', async () => {
  const { service, sent } = manager({}, { status: () => 'holds\n203.0.113.7' });
  service.ready();
  await service.close();
  expect(sent).toEqual([['READY=1', 'STATUS=holds 203.0.113.7']]);
});

test('the environment says whether systemd listens, and how often it wants to hear', () => {
  expect(serviceManagerOptions({}, 7)).toEqual({ notifies: false, watchdogMs: null });
  const socket = { NOTIFY_SOCKET: '/run/systemd/notify' };
  expect(serviceManagerOptions(socket, 7)).toEqual({ notifies: true, watchdogMs: null });
  expect(serviceManagerOptions({ ...socket, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 7)).toEqual({
    notifies: true,
    watchdogMs: 60_000,
  });
  expect(serviceManagerOptions({ ...socket, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, 7)).toEqual({
    notifies: true,
    watchdogMs: null,
  });
});

test.skipIf(!has('systemd'))('systemd finds no fault with the unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-unit-'));
  try {
    const unit = join(folder, 'failtome.service');
    // Verification wants the program to exist, and on the machine that builds it doesn't.
    writeFileSync(unit, readFileSync(unitFile, 'utf8').replace('/usr/bin/failtome', '/bin/true'));
    const result = spawnSync(findProgram('systemd-analyze') ?? '', ['verify', '--man=no', unit], {
      encoding: 'utf8',
    });
    expect(`${result.stdout}${result.stderr}`).toBe('');
    expect(result.status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.skipIf(!has('systemd'))('the unit exposes the machine to 1.5 of 10 at most', () => {
  const options = ['security', '--offline=true', '--threshold=15', fileURLToPath(unitFile)];
  const result = spawnSync(findProgram('systemd-analyze') ?? '', options, { encoding: 'utf8' });
  expect(result.stdout).toMatch(/Overall exposure level for failtome.service: \d/);
  expect(result.status).toBe(0);
});

test('the unit does not start without a configuration', () => {
  const unit = readFileSync(unitFile, 'utf8');
  expect(unit).toMatch(/^ConditionPathExists=\/etc\/failtome\/failtome.yaml$/m);
});

test('the unit lets a child of the agent speak to systemd', () => {
  const unit = readFileSync(unitFile, 'utf8');
  expect(unit).toMatch(/^Type=notify$/m);
  expect(unit).toMatch(/^NotifyAccess=all$/m);
});

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  const settle: (() => void)[] = [];
  const promise = new Promise<void>((resolve) => {
    settle.push(resolve);
  });
  return { promise, resolve: () => settle[0]?.() };
}
