// npm runs a script through a shell. What ends npm or that shell doesn't reach the program that the shell waits for,
// which would then go on alone, with all that it has started.
import { readFileSync } from 'node:fs';

const lookEveryMs = 250;
const shells = /^(sh|dash|ash|bash|ksh|mksh|zsh|busybox)$/;

/** Ends this process as by SIGTERM once npm, or the shell in between, has ended. Without npm it does nothing. */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const npm = shells.test(nameOf(parent)) ? parentOf(parent) : null;
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === null || parentOf(parent) === npm)) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, lookEveryMs);
  timer.unref();
}

/** @param {number} pid */
function nameOf(pid) {
  return read(`/proc/${pid}/comm`)?.trim() ?? '';
}

/** @param {number} pid */
function parentOf(pid) {
  // proc_pid_stat(5): the name may hold anything, so fields count from its closing parenthesis.
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/**
 * Null where there is no such process, or no /proc.
 * @param {string} file
 */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
