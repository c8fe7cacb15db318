/** No secret of a configuration is in what its agent records, whatever anybody says to it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSegment } from '@failtome/recording';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateIdentity } from '../src/auth/identity.ts';
import { generateKey } from '../src/auth/keys.ts';
import { checkConfig } from '../src/config/load.ts';
import { createLog } from '../src/observe/log.ts';
import { runAgent } from '../src/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'failtome-secrets-'));
const heard: string[] = [];
let server: Server;
let port = 0;

beforeAll(async () => {
  // Whatever it is asked, it says it again, and refuses.
  server = createServer((request, response) => {
    heard.push(request.url ?? '');
    if (request.url === '/ip') return response.end('198.51.100.9');
    response.statusCode = 418;
    response.statusMessage = `no ${request.headers.authorization ?? request.url ?? ''}`.replaceAll(
      /[^ -~]/g,
      '',
    );
    return response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

const secrets = {
  key: generateKey(),
  oldKey: generateKey(),
  token: 'a-token-for-readers-0123456789',
  identity: generateIdentity().privateKey,
  password: 'correct horse/battery',
  hook: 'T0000-B0000-a-hook-of-somebody',
  signing: generateKey(),
  aws: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

const yaml = (): string => `
cluster: web
node: { id: saturn }
api: { listen: "127.0.0.1:0", read: token, readTokenFile: ${file('tokens', secrets.token)} }
peers: [{ id: neptune, url: "http://127.0.0.1:9" }]
auth:
  keyFile: ${file('key', `${secrets.key}\n${secrets.oldKey}`)}
  identity: ${file('identity', secrets.identity)}
addresses: [{ ip: 127.0.0.1, probe: { port: ${port}, path: /address, interval: 100ms, fastInterval: 100ms } }]
local: { url: "http://admin:${encodeURIComponent(secrets.password)}@127.0.0.1:${port}/local", interval: 200ms, fastInterval: 200ms, timeout: 200ms }
guard: { urls: ["http://127.0.0.1:${port}/ip"] }
driver: { kind: exec, command: [${process.execPath}, -e, "console.log(process.env.AWS_SECRET_ACCESS_KEY); process.exit(1)"] }
notify:
  blockedAfter: 1s
  webhook: { urlFile: ${file('hook', `http://127.0.0.1:${port}/${secrets.hook}`)}, keyFile: ${file('signing', secrets.signing)} }
holdDown: 1s
stateDir: ${join(folder, 'state')}
`;

async function recordedTexts(): Promise<readonly string[]> {
  const load = () => checkConfig('failtome.yaml', Buffer.from(yaml()), {});
  const loaded = load();
  if (loaded.kind === 'faulty') throw new Error(JSON.stringify(loaded.faults));
  const write = {
    write: () => undefined,
    flush: () => undefined,
    end: async () => undefined,
    onLoss: () => undefined,
  };
  const log = createLog({ level: 'info', format: 'json', colour: false }, write);
  const { env } = process;
  env.AWS_SECRET_ACCESS_KEY = secrets.aws;
  const options = { config: loaded.config, certificate: null, file: 'failtome.yaml', env, version: '1.2.3' };
  const agent = await runAgent(options, { log, load: async () => load() });
  const asked = (part: string) =>
    expect.poll(() => heard.some((url) => url.includes(part)), { timeout: 50_000 });
  for (const part of ['/local', '/ip', secrets.hook]) await asked(part).toBe(true);
  agent.stop();
  await agent.ended;
  delete env.AWS_SECRET_ACCESS_KEY;
  const directory = join(folder, 'state/recorder');
  return readdirSync(directory).map((name) => {
    const { head, lines } = readSegment(readFileSync(join(directory, name)));
    return [head, ...lines].map((part) => JSON.stringify(part)).join('\n');
  });
}

test('no secret of the configuration is in a recording, in whatever form', async () => {
  const text = (await recordedTexts()).join('\n');
  // It did record what those were used for.
  for (const kind of ['local-checked', 'external-ip', 'driven', 'published'])
    expect(text).toContain(`"${kind}"`);
  for (const [name, secret] of Object.entries(secrets)) {
    const bytes = Buffer.from(secret, 'base64');
    const forms = [secret, encodeURIComponent(secret), bytes.toString('hex'), bytes.toString('base64url')];
    for (const form of [...forms, Buffer.from(secret).toString('base64')])
      expect(text.includes(form), `${name} as ${form}`).toBe(false);
  }
});
