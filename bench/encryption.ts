/** What TLS costs: the processor's time and the bytes of a heartbeat on a kept connection, and a failover, beside plain HTTP. Needs /proc. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCluster, type YamlObject } from '../packages/cluster/src/index.ts';
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { authority, issue, writeCertificate } from '../test/support/certificates.ts';
import { type Counted, openCounted } from './counted-cluster.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { cpuUsOf } from './process-sample.ts';
import { median, type Row, spread } from './table.ts';
import { pairOptions, runTrial } from './trials.ts';

const ids = ['saturn', 'neptune'] as const;
const schemes = ['http', 'https'] as const;
type Scheme = (typeof schemes)[number];

const windows = 10;
const windowMs = 2_000;
const trials = 5;
const maxCpuRatio = 1.5;
const maxFailoverRatio = 1.2;

/** Hardly anything but heartbeats: as many as may be. */
const chatty: YamlObject = {
  gossip: { interval: '20ms', timeout: '400ms', dead: '3s' },
  local: { interval: '10s' },
};
const calm: YamlObject = { interval: '10s' };

export async function encryption(options: BenchOptions): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-bench-tls-'));
  try {
    const certificates = await makeCertificates(folder);
    return [...(await heartbeats(options, certificates)), await failover(options, certificates)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each node's `api.tls`. */
type Certificates = Readonly<Record<string, YamlObject>>;

async function makeCertificates(folder: string): Promise<Certificates> {
  const ca = await authority();
  const [saturn, neptune] = await Promise.all(
    ids.map(async (id) => ({
      ...writeCertificate(folder, id, await issue({ names: [id], issuer: ca }), ca),
    })),
  );
  return { saturn: saturn ?? {}, neptune: neptune ?? {} };
}

async function heartbeats(
  { agentFile, times, note }: BenchOptions,
  certificates: Certificates,
): Promise<readonly Row[]> {
  const pairs = await Promise.all(schemes.map((scheme) => talk(agentFile, scheme, certificates)));
  try {
    await Promise.all(pairs.map(({ cluster }) => cluster.settled(settleWithinMs)));
    note(`encryption: ${counted(windows * times, 'window')} of heartbeats, of both at once`);
    const samples = await Promise.all(pairs.map((pair) => sample(pair, windows * times)));
    const [plain, secure] = samples;
    if (plain === undefined || secure === undefined) throw new Error('There are two pairs.');
    return rowsOf(plain, secure);
  } finally {
    for (const pair of pairs) await pair.close();
  }
}

function talk(agentFile: string, scheme: Scheme, certificates: Certificates): Promise<Counted> {
  const options = { agentFile, scheme, settings: chatty, probe: calm };
  return openCounted(options, ids, settingsBy(scheme, certificates));
}

function settingsBy(scheme: Scheme, certificates: Certificates): (id: string) => YamlObject {
  return (id) => (scheme === 'https' ? { api: { tls: certificates[id] ?? {} } } : {});
}

/** Of each window, for one heartbeat: asked and answered, at both ends together. */
interface Samples {
  readonly cpuUs: readonly number[];
  readonly bytes: readonly number[];
}

async function sample(pair: Counted, count: number): Promise<Samples> {
  const cpuUs: number[] = [];
  const bytes: number[] = [];
  let before = await look(pair);
  for (let index = 0; index < count; index += 1) {
    await delay(windowMs);
    const after = await look(pair);
    const beats = after.beats - before.beats;
    cpuUs.push((after.cpuUs - before.cpuUs) / beats);
    bytes.push((after.bytes - before.bytes) / beats);
    before = after;
  }
  return { cpuUs, bytes };
}

async function look({ cluster, ways }: Counted): Promise<{ beats: number; cpuUs: number; bytes: number }> {
  const each = await Promise.all(
    cluster.nodes.map(async ({ agent }) => {
      const cpu = cpuUsOf(agent.pid);
      const heard = await agent.api.metric('heartbeats_total');
      return { cpu, beats: heard.reduce((sum, { value }) => sum + value, 0) };
    }),
  );
  return {
    beats: each.reduce((sum, { beats }) => sum + beats, 0),
    cpuUs: each.reduce((sum, { cpu }) => sum + cpu, 0),
    bytes: ways.reduce(
      (sum, { forwarder: { requestBytes, answerBytes } }) => sum + requestBytes + answerBytes,
      0,
    ),
  };
}

function rowsOf(plain: Samples, secure: Samples): readonly Row[] {
  const cpuRatio = median(secure.cpuUs) / median(plain.cpuUs);
  const bytesRatio = median(secure.bytes) / median(plain.bytes);
  return [
    {
      what: 'CPU of a heartbeat on a kept connection, both ends, TLS',
      measured: spread(secure.cpuUs, 'µs'),
      yardstick: `plain ${spread(plain.cpuUs, 'µs')}`,
      ratio: cpuRatio.toFixed(2),
      bound: `<= ${maxCpuRatio}`,
      ok: cpuRatio <= maxCpuRatio,
    },
    {
      what: 'bytes of a heartbeat on a kept connection, both ways, TLS',
      measured: spread(secure.bytes, 'B'),
      yardstick: `plain ${spread(plain.bytes, 'B')}`,
      ratio: bytesRatio.toFixed(2),
      bound: `<= ${maxCpuRatio}`,
      ok: bytesRatio <= maxCpuRatio,
    },
  ];
}

/** Both pairs at once: a pair mostly waits. */
async function failover({ agentFile, times, note }: BenchOptions, certificates: Certificates): Promise<Row> {
  note(`encryption: ${counted(trials * times, 'failover')} of each`);
  const outages = await Promise.all(
    schemes.map((scheme) => outagesOf(agentFile, scheme, certificates, trials * times)),
  );
  const [plain = [], secure = []] = outages;
  const ratio = median(secure) / median(plain);
  return {
    what: 'failover, killed, TLS',
    measured: spread(secure, 'ms'),
    yardstick: `plain ${spread(plain, 'ms')}`,
    ratio: ratio.toFixed(2),
    bound: `<= ${maxFailoverRatio}`,
    ok: ratio <= maxFailoverRatio,
  };
}

async function outagesOf(
  agentFile: string,
  scheme: Scheme,
  certificates: Certificates,
  count: number,
): Promise<readonly number[]> {
  const settingsOf = settingsBy(scheme, certificates);
  const [saturn, neptune] = ids.map((id) => ({ id, settings: settingsOf(id) }));
  if (saturn === undefined || neptune === undefined) throw new Error('A pair has two nodes.');
  const cluster = await startCluster({ ...pairOptions(agentFile), scheme, nodes: [saturn, neptune] });
  try {
    await cluster.settled(settleWithinMs);
    const outages: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const { outage } = await runTrial(cluster, 'killed', index / count);
      outages.push(outage.endedAt - outage.beganAt);
    }
    return outages;
  } finally {
    await cluster.close();
  }
}
