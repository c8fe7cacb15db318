/** The command `failtome`: the agent and its operator's verbs, with the world as it is. */
import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { lookUpCluster } from './adapters/cluster-lookup.ts';
import { lookUpForIam } from './adapters/iam-lookup.ts';
import { readKeySecret } from './adapters/key-secret.ts';
import { Names } from './adapters/names.ts';
import { createFiles, createPrivate, existing } from './adapters/new-files.ts';
import { replaceFile } from './adapters/replace-file.ts';
import { lookUpStack } from './adapters/stack-lookup.ts';
import { generateIdentity, readIdentityFile } from './auth/identity.ts';
import { generateKey, readKeyFile } from './auth/keys.ts';
import { readTokenFile } from './auth/tokens.ts';
import { createCheckSteps } from './cli/check-steps.ts';
import type { CliDependencies, Output } from './cli/dependencies.ts';
import { httpClient } from './cli/http.ts';
import { complainOfFault, runCli } from './cli/program.ts';
import { readFileBounded } from './config/load.ts';
import { machineAddresses } from './config/own-entry.ts';
import { runProcess } from './process.ts';
import { VERSION } from './version.ts';

const interruption = new AbortController();

const names = new Names({ monotonicMs: () => performance.now() });

const dependencies: CliDependencies = {
  stdout: outputTo(process.stdout),
  stderr: outputTo(process.stderr),
  env: process.env,
  readFile: readFileBounded,
  readKeys: readKeyFile,
  readTokens: readTokenFile,
  generateKey,
  generateIdentity,
  readIdentity: readIdentityFile,
  http: httpClient,
  now: Date.now,
  randomText: (characters) => randomBytes(characters).toString('base64url').slice(0, characters),
  sleep,
  interrupted: () => interruption.signal.aborted,
  owner: owner(),
  version: VERSION,
  runAgent: runProcess,
  addresses: machineAddresses,
  checks: createCheckSteps(VERSION),
  lookUpStack: (lookup) => lookUpStack(lookup, { names }),
  lookUpCluster: (env) => lookUpCluster(env, { names }),
  readKeySecret,
  existing,
  createFiles,
  createPrivate,
  replaceFile,
  ask: process.stdin.isTTY === true && process.stdout.isTTY === true ? ask : null,
  lookUpForIam: (lookup) => lookUpForIam(lookup, { names }),
};

const code = await runCli(process.argv.slice(2), dependencies).catch((error: unknown) =>
  complainOfFault(error, dependencies),
);
// Kept-alive connections would hold the process up.
process.exit(code);

function outputTo(stream: NodeJS.WriteStream): Output {
  // Whoever read it has gone, as `head` does: there is nobody left to tell.
  stream.on('error', () => process.exit(1));
  return {
    write: (text) => stream.write(text),
    isTTY: stream.isTTY === true,
    // A window may be resized while a watch runs.
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  };
}

/** From the first wait on, an interrupt ends waiting, and what runs can leave the terminal as it was; a second one ends the process. */
async function sleep(ms: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    if (!interruption.signal.aborted && process.listenerCount(signal) === 0)
      process.once(signal, () => interruption.abort());
  try {
    await delay(ms, undefined, { signal: interruption.signal });
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
  }
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-D ends the input, and no answer comes any more.
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question), ended]);
  } finally {
    terminal.close();
  }
}

function owner(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user id without an entry in the user database, as containers have them.
    return `uid ${process.getuid?.() ?? '?'}@${hostname()}`;
  }
}
