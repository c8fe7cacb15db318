/** `failtome-sim cloud` as it runs for a test, and its control listener. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunCloudOptions, runCloud } from '@failtome/cloud';
import { onTestFinished } from 'vitest';

/** An Elastic IP that takes connections. */
export const ip = '127.54.0.1';

/** The first line, as JSON. */
export interface Where {
  readonly endpoint: string;
  readonly control: string;
  readonly operator: Readonly<Record<string, string>>;
  readonly addresses: readonly { readonly publicIp: string; readonly holder: string | null }[];
  readonly instances: readonly {
    readonly id: string;
    readonly guard: string;
    readonly guards: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly views: readonly { readonly view: { readonly port: number } }[];
  }[];
}

/** Runs it until the test ends, or until `stop`; resolves with the first line. */
export async function start(options: Partial<RunCloudOptions>): Promise<{
  readonly first: string;
  readonly lines: readonly string[];
  readonly stop: () => Promise<void>;
}> {
  const abort = new AbortController();
  const lines: string[] = [];
  let ran: Promise<void> = Promise.resolve();
  const stop = async (): Promise<void> => {
    abort.abort();
    await ran.catch(() => undefined);
  };
  onTestFinished(stop);
  const first = await new Promise<string>((resolve, reject) => {
    ran = runCloud({
      listen: '127.0.0.1:0',
      instances: ['i-saturn@127.0.0.1:9', 'i-neptune'],
      addresses: [`${ip}:0=i-saturn`, '54.173.141.243'],
      privateAddresses: [],
      routedAddresses: [],
      routeTables: [],
      topics: ['arn:aws:sns:us-east-1:123456789012:failover'],
      secrets: [],
      tags: [],
      json: true,
      signal: abort.signal,
      print(line) {
        lines.push(line);
        resolve(line);
      },
      ...options,
    });
    ran.catch(reject);
  });
  return { first, lines, stop };
}

/** Posts a command to the control listener. */
export async function steer(control: string, command: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(control, { method: 'POST', body: JSON.stringify(command) });
  return { status: response.status, body: await response.json() };
}

/** Part of what the control listener shows. */
export interface Snapshot {
  readonly nowMs: number;
  readonly addresses: unknown;
  readonly associationLog: readonly { readonly association: { readonly id: string } }[];
}

/** What the control listener shows now. */
export async function view(control: string): Promise<Snapshot> {
  return (await (await fetch(control)).json()) as Snapshot; // the control listener's own answer
}

/** Where a state file may be written; its folder goes when the test ends. */
export function stateFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-cloud-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'cloud.json');
}
