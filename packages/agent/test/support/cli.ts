/** The commands in a world of the test's own: what they print, what they are answered, and a clock that sleeping advances. */
import { createSecretKey } from 'node:crypto';
import {
  type Command,
  type CommandOutcome,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type RejectReason,
  type StatusView,
} from '@failtome/protocol';
import type { FoundForIam } from '../../src/adapters/iam-lookup.ts';
import { generateIdentity, parseIdentity } from '../../src/auth/identity.ts';
import type { ClusterKeys } from '../../src/auth/keys.ts';
import { SIGNATURE_HEADER, signResponse, verifyRequest } from '../../src/auth/signature.ts';
import type { CheckSteps } from '../../src/cli/check-steps.ts';
import type { CliDependencies, ExitCode } from '../../src/cli/dependencies.ts';
import { fieldsOf, textOf } from '../../src/cli/fields.ts';
import type { HttpClient, HttpRequest, HttpResult } from '../../src/cli/http.ts';
import { runCli } from '../../src/cli/program.ts';
import type { FoundStack } from '../../src/config/from-stack-json.ts';
import { AgentError } from '../../src/errors.ts';

export const KEYS: ClusterKeys = [createSecretKey(Buffer.alloc(32, 7))];

export const CONFIG = `cluster: web
node: { id: saturn }
api: { listen: "0.0.0.0:8741" }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 54.173.141.243 }]
local: { url: "http://127.0.0.1/" }
driver: { kind: ec2 }
notify: { sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:failover" } }
`;

export const CHECKS: CheckSteps = {
  files: async () => [
    { name: 'state directory', state: 'ok', found: '/var/lib/failtome takes writes', fix: '' },
  ],
  listen: async () => 'free',
  resolve: async () => [],
  identity: async () => ({ id: 'saturn', instanceId: 'i-0abc', region: 'us-east-1' }),
  electorate: () => 'e1ec7043',
  probe: async () => ({ kind: 'ok', status: 200, durationMs: 12 }),
  local: async () => ({ kind: 'ok', status: 200, durationMs: 2 }),
  externalIp: async () => [{ family: 4, result: { kind: 'address', ip: '192.0.2.7', durationMs: 30 } }],
  discovery: async () => ({ lines: [], addresses: new Map() }),
  store: async () => [],
  receivers: async () => [],
  shutdown: async () => [],
  cloud: async () => [{ name: 'AWS identity', state: 'ok', found: 'arn:aws:sts::1:x', fix: '' }],
};

/** What is found out on a machine that is no instance. */
export const NOT_FOUND: FoundStack = {
  region: null,
  ec2InstanceId: null,
  opsworksInstanceId: null,
  hostname: null,
  privateIp: null,
  stackName: null,
  peers: [],
  obstacle: 'nothing could be looked up: instance metadata cannot be reached',
};

/** What is found out of a policy's names without metadata and credentials. */
const FOUND_NOTHING: FoundForIam = {
  region: null,
  account: null,
  allocationIds: new Map(),
  profiles: [],
  subnets: [],
  stackId: null,
  obstacles: ['instance metadata cannot be reached'],
};

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface World extends Partial<Omit<CliDependencies, 'stdout' | 'stderr'>> {
  readonly files?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Run one command line. */
export async function cli(
  argv: readonly string[],
  { files, isTTY, columns, rows, ...world }: World = {},
): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  let now = Date.UTC(2026, 0, 31, 12);
  let drawn = 0;
  const dependencies: CliDependencies = {
    stdout: { write: (text) => out.push(text), isTTY: isTTY ?? false, columns, rows },
    stderr: { write: (text) => err.push(text), isTTY: isTTY ?? false },
    // Wide enough for every sentence: how what is printed folds has tests of its own.
    env: { COLUMNS: '400' },
    readFile: async (path) => {
      const text = { '/etc/failtome/failtome.yaml': CONFIG, ...files }[path];
      if (text === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    readKeys: async () => ({ keys: KEYS, warnings: [] }),
    readTokens: async () => ({ warnings: [] }),
    generateKey: () => 'a-new-key',
    generateIdentity,
    readIdentity: async (path) => {
      const text = files?.[path];
      if (text === undefined) throw new AgentError('IDENTITY_FILE_MISSING', `no ${path}`, 'fatal');
      return { identity: parseIdentity(text, path), warnings: [] };
    },
    http: async () => ({ kind: 'failed', detail: 'nobody listens there' }),
    now: () => now,
    randomText: (characters) => {
      drawn += 1;
      return `session${drawn}`.padEnd(characters, 'x').slice(0, characters);
    },
    sleep: async (ms) => {
      now += ms;
    },
    interrupted: () => false,
    owner: 'ann@saturn',
    version: '1.2.3',
    runAgent: async () => 0,
    addresses: () => ['10.0.1.12'],
    checks: CHECKS,
    lookUpStack: async () => NOT_FOUND,
    lookUpForIam: async () => FOUND_NOTHING,
    lookUpCluster: async () => ({ cluster: null, ips: [], nodes: [], obstacles: ['no instance metadata'] }),
    readKeySecret: async () => 'the-key-of-the-secret\n',
    existing: async () => [],
    createFiles: async () => undefined,
    replaceFile: async () => undefined,
    createPrivate: async () => undefined,
    ask: null,
    ...world,
  };
  const code = await runCli(argv, dependencies);
  return { code, out: out.join(''), err: err.join('') };
}

export function answered(status: number, json: unknown, headers: Record<string, string> = {}): HttpResult {
  return { kind: 'answered', status, header: (name) => headers[name] ?? null, body: JSON.stringify(json) };
}

export interface FakeAgent {
  readonly http: HttpClient;
  /** Commands that were fresh and authentic, in order. */
  readonly commands: Command[];
  readonly requests: HttpRequest[];
}

export interface FakeAgentOptions {
  readonly status?: unknown;
  /** Views by their path with its query. */
  readonly views?: Readonly<Record<string, unknown>>;
  readonly outcome?: (command: Command, count: number) => CommandOutcome;
  readonly refuse?: RejectReason;
  readonly keys?: ClusterKeys;
  /** Changes what is answered, after it was signed. */
  readonly tamper?: (result: HttpResult) => HttpResult;
}

export const STATUS: StatusView = {
  version: '1.2.3',
  cluster: 'web',
  at: Date.UTC(2026, 0, 31, 12),
  node: {
    id: 'saturn',
    role: 'candidate',
    fit: 'fit',
    instanceId: 'i-0abc',
    incarnation: 3,
    priority: 100,
    phase: 'running',
    ready: true,
    problems: [],
    state: { found: 'loaded', detail: '' },
    readiness: { word: 'ready', because: [] },
  },
  addresses: [
    {
      ip: '54.173.141.243',
      protection: { state: 'protected', next: 'saturn', reasons: [] },
      holder: { kind: 'node', node: 'neptune', ageMs: 60_000 },
      next: 'saturn',
      verdict: 'up',
      ageMs: 300,
      verdictForMs: 90_000,
      reason: '2 probes in a row succeeded',
      takeover: null,
      holdDownMs: 45_000,
      outcome: 'hold',
      decision: 'address-up',
      epoch: 7,
      lent: null,
      lendsInMs: 0,
      ballot: { epoch: 7, won: false, answers: { saturn: 'grant: down', neptune: 'refuse: up' } },
      views: [
        { node: 'saturn', verdict: 'up', ageMs: 300 },
        { node: 'neptune', verdict: 'up', ageMs: 700 },
      ],
    },
  ],
  peers: [
    {
      id: 'neptune',
      role: 'candidate',
      state: 'alive',
      lastHeardMs: 200,
      rttMs: 1,
      fit: 'fit',
      ready: true,
      readiness: { word: 'holder', because: [] },
      leaving: false,
      instanceId: 'i-0def',
      incarnation: 5,
      version: '1.2.3',
      electorate: 'e1ec7043',
      holds: 1,
    },
  ],
  electorate: { voters: ['neptune', 'saturn'], digest: 'e1ec7043' },
  orders: 'any',
  pause: {
    paused: false,
    by: 'saturn',
    owner: '',
    reason: '',
    until: null,
    version: 3,
    signed: false,
    signedAt: null,
    stored: ['saturn'],
    needed: 2,
  },
  handovers: [],
  notificationsPending: 0,
};

/** The id that a status names, so that the answers come from the same node. */
function nameIn(status: unknown): string {
  return status === undefined ? 'saturn' : textOf(fieldsOf(fieldsOf(status).node).id, 'saturn');
}

/** An agent that checks signatures and asks for the proof of freshness, as a real one does. */
export function fakeAgent(options: FakeAgentOptions = {}): FakeAgent {
  const commands: Command[] = [];
  const requests: HttpRequest[] = [];
  const keys = options.keys ?? KEYS;
  const session = 'agentSessio';
  const node = nameIn(options.status);
  let known: string | null = null;
  let t = 5_000;

  function respond(path: string, request: HttpRequest, asked: Envelope): HttpResult {
    t += 10;
    const fresh = asked.echo !== null && asked.echo.session === session && asked.echo.t <= t;
    const introduced = known === asked.session || fresh;
    const outcome = options.outcome?.(
      asked.payload.command ?? { kind: 'handover-status', id: '' },
      commands.length,
    );
    const command = asked.payload.command;
    let payload: Envelope['payload'] = { version: 0, ack: 0, refused: options.refuse ?? 'session' };
    if (
      options.refuse === undefined &&
      introduced &&
      fresh &&
      command !== undefined &&
      outcome !== undefined
    ) {
      known = asked.session;
      commands.push(command);
      payload = { version: 0, ack: 0, outcome };
    }
    const status = payload.outcome === undefined ? 409 : 200;
    const re = { session: asked.session, seq: asked.seq };
    const reply = {
      v: 1,
      cluster: 'web',
      from: node,
      session,
      seq: t,
      to: asked.from,
      t,
      echo: null,
      re,
    };
    const body = encodeMessage({ ...reply, payload });
    const requestSignature = request.headers?.[SIGNATURE_HEADER] ?? '';
    const signature = signResponse(keys, { method: 'POST', path, body, status, requestSignature });
    return {
      kind: 'answered',
      status,
      header: (name) => (name === SIGNATURE_HEADER ? signature : null),
      body,
    };
  }

  const http: HttpClient = async (request) => {
    requests.push(request);
    const { pathname, search } = new URL(request.url);
    const path = pathname + search;
    if (request.method === 'GET') {
      const view = path === '/v1/status' ? (options.status ?? STATUS) : options.views?.[path];
      if (view !== undefined) return answered(200, view);
      return answered(404, {
        error: { code: 'unknown-address', message: 'this cluster shares 54.173.141.243' },
      });
    }
    const body = request.body ?? '';
    const signed = { method: 'POST', path, body };
    if (!verifyRequest(keys, signed, request.headers?.[SIGNATURE_HEADER] ?? '')) {
      return answered(401, { error: { code: 'signature', message: 'the signature is not of this message' } });
    }
    const decoded = decodeMessage(body);
    if (decoded.kind === 'fault')
      return answered(400, { error: { code: 'malformed', message: decoded.detail } });
    const result = respond(path, request, decoded.message);
    return options.tamper === undefined ? result : options.tamper(result);
  };
  return { http, commands, requests };
}
