/**
 * The `exec` driver: a program of the operator's moves the address, in any other cloud.
 *
 * | arguments          | what it must do                                                  | exit 0 | exit 1          |
 * | ------------------ | ---------------------------------------------------------------- | ------ | --------------- |
 * | `read IP`          | print `{"holder": "NODE"}`, or `{"holder": null}` for nobody     | it did | it can't tell   |
 * | `take IP NODE`     | give it to NODE (this node), provided that nobody else holds it  | it did | another has it  |
 * | `release IP NODE`  | make it nobody's, provided that NODE holds it                    | it did | NODE hasn't it  |
 *
 * Exit 2 says that it is misconfigured: a definite no. Anything else, a signal or a time-out is unknown,
 * and the address is read before anything is tried again. `NODE` is a node's id. Standard error is logged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { MALFORMED_CODE, refused, TIMEOUT_CODE, unknown } from '@failtome/ports';
import type {
  CloudRequest,
  DriveEffect,
  DriverAnswer,
  DriverFailure,
  DriverOperation,
  DurationMs,
  NodeId,
} from '@failtome/protocol';
import type { CallContext } from './aws-clients.ts';
import { answerOnce, type Driver, type Post } from './driver.ts';

/** The most a command may print; more is cut off, and its answer unknown. */
const MAX_STDOUT_BYTES = 64 * 1024;
/** What is logged of its standard error. */
const MAX_STDERR_BYTES = 4 * 1024;
/** Something that the command left behind may hold its output open so long after it ended. */
const OUTPUT_GRACE_MS: DurationMs = 200;

/** The command that drives, and for whom. */
export interface ExecDriverOptions {
  /** The program and its first arguments; no shell reads them. */
  readonly command: readonly string[];
  readonly nodeId: NodeId;
}

/** Who takes the driver's answers, and what its command wrote. */
export interface ExecDriverDependencies {
  readonly post: Post;
  /** Takes what a command wrote to standard error, at most 4 KiB of it. */
  readonly logStderr: (operation: string, text: string) => void;
}

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly status: number; readonly stdout: string }
  /** By a signal, for too much output, or at the time-out. */
  | { readonly kind: 'broken'; readonly code: string; readonly message: string }
  /** It never ran. */
  | { readonly kind: 'not-started'; readonly code: string; readonly message: string };

/** Build the driver. Nothing runs until the first effect. */
export function createExecDriver(options: ExecDriverOptions, dependencies: ExecDriverDependencies): Driver {
  const { command, nodeId } = options;
  const { post, logStderr } = dependencies;

  async function run(
    operation: 'read' | 'take' | 'release',
    args: readonly string[],
    context: CallContext,
  ): Promise<CommandEnd> {
    const startedAt = performance.now();
    const end = await runCommand([...command, operation, ...args], context.signal, (text) =>
      logStderr(operation, text),
    );
    context.record(requestOf(operation, end, performance.now() - startedAt));
    return end;
  }

  async function drive(ip: string, operation: DriverOperation, context: CallContext): Promise<DriverAnswer> {
    switch (operation.op) {
      case 'read': {
        const end = await run('read', [ip], context);
        return failureOf(end) ?? holderIn(stdoutOf(end), nodeId);
      }
      case 'permit':
        return permit(command);
      case 'release': {
        if (operation.node === null) {
          return refused('HolderUnknown', 'a release must name the node that holds the address');
        }
        const end = await run('release', [ip, operation.node], context);
        return isExit(end, 1) ? { kind: 'stale' } : (failureOf(end) ?? { kind: 'released' });
      }
      case 'take': {
        const end = await run('take', [ip, nodeId], context);
        return isExit(end, 1) ? { kind: 'held' } : (failureOf(end) ?? { kind: 'taken', associationId: null });
      }
    }
  }

  return {
    drive: (effect: DriveEffect) =>
      answerOnce(effect, post, (context) => drive(effect.address, effect.operation, context)),
  };
}

/** There is no dry run; that the program is there and may be run is all that can be known. */
async function permit([program = '']: readonly string[]): Promise<DriverAnswer> {
  // A bare name is looked up in PATH by the system when it runs.
  if (!program.includes('/')) return { kind: 'permitted' };
  try {
    await access(program, constants.X_OK);
    return { kind: 'permitted' };
  } catch (error) {
    return refused(codeOf(error), `${program} can't be run`);
  }
}

/** Run a command in a process group of its own, with `input` to read, and end the whole group when the signal fires. Never throws. */
export function runCommand(
  command: readonly string[],
  signal: AbortSignal,
  onStderr: (text: string) => void,
  input = '',
): Promise<CommandEnd> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ kind: 'not-started', code: TIMEOUT_CODE, message: 'no time was left to run it' });
      return;
    }
    const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    // Whoever doesn't read it has closed it: what it makes of the rest is its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const stdout = collect(child.stdout, MAX_STDOUT_BYTES);
    const stderr = collect(child.stderr, MAX_STDERR_BYTES);
    let grace: NodeJS.Timeout | undefined;
    let settled = false;
    const settle = (end: CommandEnd): void => {
      if (settled) return;
      settled = true;
      clearTimeout(grace);
      signal.removeEventListener('abort', onAbort);
      child.stdout.destroy();
      child.stderr.destroy();
      const said = stderr.text();
      if (said !== '') onStderr(said);
      resolve(end);
    };
    const onAbort = (): void => {
      killGroup(child);
      settle({ kind: 'broken', code: TIMEOUT_CODE, message: 'it did not end in time' });
    };
    const onEnd = (status: number | null, by: NodeJS.Signals | null): void => {
      if (status === null) {
        settle({ kind: 'broken', code: by ?? 'Killed', message: 'a signal ended it' });
      } else if (stdout.overflowed()) {
        settle({
          kind: 'broken',
          code: 'OutputTooLarge',
          message: `it wrote over ${MAX_STDOUT_BYTES} bytes`,
        });
      } else {
        settle({ kind: 'exited', status, stdout: stdout.text() });
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (error) =>
      settle({ kind: 'not-started', code: codeOf(error), message: error.message }),
    );
    child.once('exit', (status, by) => {
      grace = setTimeout(() => onEnd(status, by), OUTPUT_GRACE_MS);
    });
    child.once('close', onEnd);
  });
}

/** Reads on when the bound is reached, so that the command isn't stopped by a full pipe, but keeps no more. */
function collect(stream: NodeJS.ReadableStream, maxBytes: number) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < maxBytes) chunks.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
  });
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    overflowed: () => bytes > maxBytes,
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // All of it has ended already, or runs as another user (sudo) and ends by itself; its answer is unknown either way.
    if (!['ESRCH', 'EPERM'].includes(codeOf(error))) throw error;
  }
}

function requestOf(operation: string, end: CommandEnd, durationMs: DurationMs): CloudRequest {
  const failure = failureOf(end);
  const result = failure === null ? 'ok' : failure.kind;
  return { service: 'exec', operation, result, code: failure?.code ?? null, requestId: null, durationMs };
}

/** Null: exit 0. */
function failureOf(end: CommandEnd): DriverFailure | null {
  switch (end.kind) {
    case 'not-started':
      return refused(end.code, end.message);
    case 'broken':
      return unknown(end.code, end.message);
    case 'exited':
      if (end.status === 0) return null;
      if (end.status === 1) return refused('No', 'the command answered no');
      if (end.status === 2) return refused('Misconfigured', 'the command says that it is misconfigured');
      return unknown(`Exit${end.status}`, `the command ended with ${end.status}`);
  }
}

function isExit(end: CommandEnd, status: number): boolean {
  return end.kind === 'exited' && end.status === status;
}

function stdoutOf(end: CommandEnd): string {
  return end.kind === 'exited' ? end.stdout : '';
}

function holderIn(stdout: string, nodeId: NodeId): DriverAnswer {
  const holder = parseHolder(stdout);
  if (holder === undefined) {
    return unknown(MALFORMED_CODE, 'it did not print {"holder": NODE or null}');
  }
  if (holder === null) return { kind: 'read', association: { kind: 'none' }, displaces: null };
  return {
    kind: 'read',
    association: {
      kind: 'associated',
      associationId: null,
      instanceId: null,
      node: holder,
      self: holder === nodeId,
    },
    displaces: null,
  };
}

/** Undefined: it isn't there. */
function parseHolder(stdout: string): string | null | undefined {
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('holder' in value)) return undefined;
  const { holder } = value;
  if (holder === null) return null;
  return typeof holder === 'string' && holder !== '' ? holder : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'Failed';
}
