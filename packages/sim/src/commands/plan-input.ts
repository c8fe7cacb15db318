/** Plans that commands are given as files: in a trace's header, or by themselves. */
import { readFileSync } from 'node:fs';
import type { Plan } from '../plan/index.ts';
import { readTrace } from '../record/index.ts';
import { UsageError } from './context.ts';

/**
 * The plan in a trace's header, or a file that is a plan.
 *
 * @throws UsageError when it can't be read, or has none
 */
export function planIn(file: string): Plan {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const plain = plainPlan(text);
  if (plain !== null) return plain;
  const read = readTrace(text);
  if (read.kind === 'fault') throw new UsageError(`${file}:${read.line}: ${read.reason}`);
  const { plan } = read.trace.header;
  if (!isPlan(plan)) throw new UsageError(`${file}: nothing in it says how to make it again`);
  return plan;
}

function plainPlan(text: string): Plan | null {
  try {
    const read: unknown = JSON.parse(text);
    return isPlan(read) ? read : null;
  } catch {
    // A trace is more than one line of JSON.
    return null;
  }
}

function isPlan(value: unknown): value is Plan {
  return (
    typeof value === 'object' &&
    value !== null &&
    'world' in value &&
    'timeline' in value &&
    'ending' in value
  );
}
