/**
 * Two ways to ask whether the own HAProxy is fit, beside a page: its runtime socket, and a program.
 *
 * The socket is asked `show info`: HAProxy is fit while it runs, isn't stopping, and takes another connection. A program is
 * fit with exit 0; with anything else it isn't, for the reason that it prints on its first line.
 *
 * Source: HAProxy Management Guide, 9.3, "Unix Socket commands", `show info`.
 */
import { connect } from 'node:net';
import type { CheckResult, DurationMs } from '@failtome/protocol';
import { plainText } from '@failtome/protocol';
import { type CommandEnd, runCommand } from './exec.ts';

/** HAProxy tells some hundred lines. */
const MAX_INFO_BYTES = 65_536;
/** The most characters of a reason. */
const MAX_REASON = 200;
/** What answers without HTTP has no status of its own. */
const NO_STATUS = 0;

type Done = (result: CheckResult) => void;

/** Ask once. Calls `done` once, at the latest after `timeoutMs`; answers how to end it without. */
export function askSocket(path: string, timeoutMs: DurationMs, done: Done): () => void {
  const begunAt = performance.now();
  const socket = connect(path);
  let text = '';
  let over = false;
  const end = (result: Verdict): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket.destroy();
    done(resultOf(result, performance.now() - begunAt));
  };
  const timer = setTimeout(
    () => end(no('timeout', `no answer at ${path} within ${timeoutMs} ms`)),
    timeoutMs,
  );
  socket.setEncoding('latin1');
  socket.once('error', (error) => end(no('refused', `${path}: ${error.message}`)));
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_INFO_BYTES) end(no('protocol', `${path} tells more than HAProxy does`));
  });
  socket.once('end', () => end(infoOf(text, path)));
  socket.end('show info\n');
  return () => {
    over = true;
    clearTimeout(timer);
    socket.destroy();
  };
}

/** Ask once. Calls `done` once, at the latest after `timeoutMs`; answers how to end it without. */
export function askProgram(command: readonly string[], timeoutMs: DurationMs, done: Done): () => void {
  const begunAt = performance.now();
  const stop = new AbortController();
  let over = false;
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  void runCommand(command, stop.signal, () => undefined).then((end) => {
    clearTimeout(timer);
    if (!over) done(resultOf(endOf(end, timeoutMs), performance.now() - begunAt));
  });
  return () => {
    over = true;
    clearTimeout(timer);
    stop.abort();
  };
}

type Failure = Extract<CheckResult, { readonly kind: 'failed' }>['reason'];
/** Null: fit. */
type Verdict = { readonly reason: Failure; readonly detail: string } | null;

function no(reason: Failure, detail: string): Verdict {
  return { reason, detail: plainText(detail).slice(0, MAX_REASON) };
}

function resultOf(verdict: Verdict, durationMs: DurationMs): CheckResult {
  return verdict === null
    ? { kind: 'ok', status: NO_STATUS, durationMs }
    : { kind: 'failed', ...verdict, durationMs };
}

/** What `show info` says of it. */
export function infoOf(text: string, path: string): Verdict {
  const values = new Map(
    Array.from(text.matchAll(/^(\w+): ?(.*)$/gm), ([, name, value]) => [name, Number(value)]),
  );
  const [connections, most, stopping] = ['CurrConns', 'Maxconn', 'Stopping'].map((name) => values.get(name));
  if (connections === undefined || most === undefined || Number.isNaN(connections + most))
    return no('protocol', `${path} answers, and not as HAProxy does`);
  if (stopping === 1) return no('status', 'HAProxy is stopping');
  return connections < most ? null : no('status', `HAProxy is full: ${connections} of ${most} connections`);
}

function endOf(end: CommandEnd, timeoutMs: DurationMs): Verdict {
  switch (end.kind) {
    case 'exited': {
      const [line = ''] = end.stdout.split('\n');
      const said = line.trim() === '' ? '' : `: ${line}`;
      return end.status === 0 ? null : no('status', `exit ${end.status}${said}`);
    }
    case 'broken':
      return end.code === 'Timeout'
        ? no('timeout', `the program did not end within ${timeoutMs} ms`)
        : no('status', `${end.code}: ${end.message}`);
    case 'not-started':
      return no('refused', `${end.code}: the program could not be run`);
  }
}
