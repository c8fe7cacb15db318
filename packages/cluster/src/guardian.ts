/**
 * What a killed process leaves behind is cleared away by a helper process: nothing else can act after SIGKILL. It reads
 * from a pipe what there is, and when the pipe ends without that being taken back, it clears away the rest.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** Something that must not outlive this process. */
export type Leftover =
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'folder'; readonly path: string };

/** Plain JavaScript for `node -e`, so that it needs no file and works from the sources as from the bundle. */
const program = `
const { rmSync } = require('node:fs');
const left = new Map();
let text = '';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (text + chunk).split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const { key, leftover } = JSON.parse(line);
    if (leftover) left.set(key, leftover);
    else left.delete(key);
  }
});
process.stdin.on('close', () => {
  const all = [...left.values()];
  for (const { kind, pid } of all) {
    if (kind !== 'process') continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself, or is not ours any more: the others are still to be cleared away.
    }
  }
  for (const { kind, path } of all) {
    if (kind === 'folder') rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  process.exit(0);
});
`;

let running: ChildProcess | null = null;
let lastKey = 0;

/**
 * Has the helper clear this away when this process ends without having done so.
 *
 * @returns takes it back
 */
export function guard(leftover: Leftover): () => void {
  lastKey += 1;
  const key = lastKey;
  tell({ key, leftover });
  return () => tell({ key });
}

function tell(what: { readonly key: number; readonly leftover?: Leftover }): void {
  running ??= start();
  running.stdin?.write(`${JSON.stringify(what)}\n`);
}

function start(): ChildProcess {
  // In a session of its own: what a terminal sends to this process's group must not end the helper as well.
  const child = spawn(process.execPath, ['-e', program], {
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without it clean-up still happens wherever this process itself comes to it.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
