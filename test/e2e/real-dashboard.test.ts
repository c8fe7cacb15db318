/** Every query of the shipped dashboard and of the shipped alerts, on what a real Prometheus recorded of a failover. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { type BoardJson, expressionsOf, filledIn } from '../../packages/agent/test/dashboard/queries.ts';
import { has } from '../../scripts/requirements.mjs';
import { authority, issue, writeCertificate } from '../support/certificates.ts';
import { type Prometheus, type Series, startPrometheus } from './support/prometheus.ts';
import { type ScenarioOptions, type Scene, scenario } from './support/scenario.ts';

const missing = has('prometheus') ? '' : ' (skipped: there is no prometheus; apt-get install -y prometheus)';
const deploy = join(import.meta.dirname, '../../packages/agent/deploy');
const board: BoardJson = JSON.parse(readFileSync(join(deploy, 'grafana/failtome.json'), 'utf8'));
const folder = await mkdtemp(join(tmpdir(), 'failtome-dashboard-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Over TLS, so that there is a certificate to show. */
async function securedPair(): Promise<ScenarioOptions> {
  const ca = await authority();
  const node = async (id: string) => ({
    id,
    settings: {
      api: { tls: { ...writeCertificate(folder, id, await issue({ names: [id], issuer: ca }), ca) } },
    },
  });
  return { scheme: 'https', nodes: [await node('saturn'), await node('neptune')] };
}

/** Whether one of the series with these labels has had such a value. */
function some(
  found: readonly Series[],
  labels: Readonly<Record<string, string>>,
  holds: (value: number) => boolean,
): boolean {
  return found
    .filter((series) => Object.entries(labels).every(([name, value]) => series.labels[name] === value))
    .some(({ values }) => values.some(holds));
}

type Shown = (found: readonly Series[]) => boolean;

const above = (least: number, labels: Readonly<Record<string, string>> = {}): Shown => {
  return (found) => some(found, labels, (value) => value > least);
};
const is = (wanted: number, labels: Readonly<Record<string, string>> = {}): Shown => {
  return (found) => some(found, labels, (value) => value === wanted);
};
const both = (...all: readonly Shown[]): Shown => {
  return (found) => all.every((shown) => shown(found));
};

const [saturn, neptune] = [{ node: 'saturn' }, { node: 'neptune' }];

/** What each panel and each mark has to show of a pause, a takeover by neptune, and a handover back to saturn. */
const TOLD: Readonly<Record<string, Shown>> = {
  'Who holds the address': both(is(1, saturn), is(0, saturn), is(1, neptune), is(0, neptune)),
  Address: both(is(0), is(1)),
  'How each node sees the address': both(is(0, neptune), is(2, neptune)),
  'Fit and ready': both(is(0, saturn), is(1, neptune)),
  'Automatic takeover': is(1),
  Takeovers: is(1),
  'Moves by result': above(0, { ...neptune, result: 'served' }),
  'How long each step took': both(above(0, { step: 'total' }), above(0, { step: 'detect' })),
  'How long takeovers took': above(0, { le: '+Inf' }),
  'Gates that are open': both(is(1, { ...neptune, gate: 'verdict' }), is(0, { ...neptune, gate: 'verdict' })),
  'Hold-down': above(0, neptune),
  Votes: above(0, { ...saturn, result: 'grant' }),
  Ballots: above(0, { ...neptune, result: 'won' }),
  'External-IP guard': above(0, { ...neptune, result: 'passed' }),
  'Probes that failed': above(0, neptune),
  'Requests to the cloud': above(0, { ...neptune, operation: 'AssociateAddress', result: 'ok' }),
  Notifications: above(0, { ...neptune, result: 'accepted' }),
  'TLS certificate': above(0, saturn),
  Serves: both(is(1, saturn), is(1, neptune)),
  Handovers: above(0, saturn),
  Pauses: is(1),
};

/** Alerts whose condition was met at some moment, whether for long enough or not. */
const MET = [
  'FailtomeAddressDown',
  'FailtomeTakenOver',
  'FailtomeLocalUnfit',
  'FailtomePaused',
  'FailtomePausedTooLong',
];
/** Alerts whose condition may not have been met, because nothing of the kind happened. */
const QUIET = [
  'FailtomeTakeoverBlocked',
  'FailtomeMovedNotServing',
  'FailtomeFlapping',
  'FailtomeStorageFailed',
  'FailtomeCertificateExpires',
  'FailtomeVersionsDiffer',
];

/** A pause, an outage, a takeover, a handover back: recorded from beginning to end. */
async function record(scene: Scene, prometheus: Prometheus): Promise<number> {
  const { cluster } = scene;
  const scraped = async (expression: string): Promise<boolean> =>
    (await prometheus.now(expression)).length > 0;
  await scene.eventually('both nodes to be scraped', async () => {
    return (await prometheus.now('failtome_build_info{node!=""}')).length === 2;
  });
  const startMs = Date.now();
  await scene.eventually('a few scrapes before anything happens', () =>
    scraped('count_over_time(failtome_paused[30s]) > 5'),
  );
  // Paused, so that the outage lasts for some scrapes.
  expect(await scene.command('saturn', 'pause', '--for', '1h')).toMatchObject({ code: 0 });
  await cluster.node('saturn').web.kill();
  await scene.eventually('the outage to be scraped', () =>
    scraped('sum(min_over_time(failtome_address_verdict{verdict="down"}[3s])) == 2'),
  );
  expect(await scene.command('saturn', 'resume')).toMatchObject({ code: 0 });
  await scene.moved('neptune');
  await scene.eventually('the takeover to be scraped', () =>
    scraped('increase(failtome_takeovers_total{result="served"}[30s]) > 0'),
  );
  await cluster.node('saturn').web.start();
  await cluster.settled(60_000);
  expect(await scene.command('neptune', 'handover', '--to', 'saturn')).toMatchObject({ code: 0 });
  await scene.eventually('the handover to be scraped', () =>
    scraped('increase(failtome_handovers_total{result="served"}[30s]) > 0'),
  );
  return startMs;
}

describe.skipIf(!has('prometheus'))(`a real Prometheus that recorded a failover${missing}`, async () => {
  const pair = await securedPair();
  scenario(
    'answers every query of the dashboard, and of the alerts those that it should',
    pair,
    async (scene) => {
      const prometheus = await startPrometheus(scene);
      try {
        const startMs = await record(scene, prometheus);
        const silent: string[] = [];
        const untold = new Set(Object.keys(TOLD));
        for (const { where, expr } of expressionsOf(board)) {
          const found = await prometheus.since(startMs, filledIn(expr));
          if (!some(found, {}, Number.isFinite)) silent.push(`${where}: ${expr}`);
          if (TOLD[where]?.(found) === true) untold.delete(where);
        }
        expect(silent).toEqual([]);
        expect([...untold]).toEqual([]);

        const met: string[] = [];
        for (const { name, query, health } of await prometheus.rules()) {
          expect(health, name).toBe('ok');
          if ((await prometheus.since(startMs, query)).length > 0) met.push(name);
        }
        expect(met).toEqual(expect.arrayContaining(MET));
        expect(met.filter((alert) => QUIET.includes(alert))).toEqual([]);
      } finally {
        await prometheus.close();
      }
    },
  );
});
