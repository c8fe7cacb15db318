/** What ties name more than once, and how they find constants in the code. */
import { API_LISTEN, type Key } from '../../../packages/agent/src/config/file-keys.ts';
import { LISTS } from '../../../packages/agent/src/config/file-sections.ts';
import { constant, numberAt } from './prose.ts';

/** A sentence of a file, and what the code has in the place of each `{}`. */
export type Tie = readonly [file: string, sentence: string, ...values: readonly (string | number)[]];

export const protocol = (file: string, name: string): number =>
  constant(`packages/protocol/src/${file}.ts`, name);
export const agent = (file: string, name: string): number => constant(`packages/agent/src/${file}.ts`, name);
export const sim = (file: string, name: string): number => constant(`packages/sim/src/${file}.ts`, name);
export const cloudModel = (file: string, name: string): number =>
  constant(`packages/cloud/src/model/${file}.ts`, name);
export const s = (ms: number): string => `${ms / 1_000} s`;
export const ms = (value: number): string => `${value} ms`;
export const kib = (bytes: number): string => `${bytes / 1_024} KiB`;

export const mib = (bytes: number): string => `${bytes / 1_048_576} MiB`;
export const thousands = (value: number): string => value.toLocaleString('en');
export const SERVER = 'packages/agent/src/http/http-server.ts';
export const within = (name: string): string =>
  s(numberAt(SERVER, new RegExp(`^  ${name}: ([\\d_]+),`, 'm')));

export const CLUSTER_VIEW = 'packages/agent/src/http/cluster-view.ts';
export const stream = (name: string): number =>
  numberAt('packages/agent/src/http/event-streams.ts', new RegExp(`^  ${name}: ([\\d_]+),`, 'm'));

export const words = ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
export const word = (value: number): string => (value === 15 ? 'fifteen' : (words[value] ?? String(value)));

export function fallbackOf({ fallback }: Key<unknown>): string {
  return fallback.kind === 'value' ? String(fallback.value) : '';
}

export const port = fallbackOf(API_LISTEN).split(':').at(-1) ?? '';
export const backoffs = [
  s(protocol('election/campaign', 'FIRST_BACKOFF_MS')),
  s(protocol('election/campaign', 'MAX_BACKOFF_MS')),
] as const;
export const longestDuty = s(protocol('calls', 'MAX_DUTY_MS'));
/** Of the first three rests each lasts half of its longest on average, and half of the least. */
export const threeThrottles = s(
  Math.round(
    ([1, 2, 4].reduce((sum, times) => sum + times * protocol('calls', 'FIRST_THROTTLE_MS'), 0) +
      3 * protocol('calls', 'LEAST_REST_MS')) /
      200,
  ) * 100,
);
export const VIEW = 'packages/protocol/src/takeover/view.ts';
export const maxCall = numberAt(VIEW, /Math\.min\(([\d_]+), Math\.max\([\d_]+,/);
export const minCall = numberAt(VIEW, /Math\.min\([\d_]+, Math\.max\(([\d_]+),/);
export const oldest = numberAt(
  'packages/protocol/src/wire/freshness.ts',
  /Math\.max\(2 \* deadMs, ([\d_]+)\)/,
);
export const FAULTS = 'packages/sim/src/explore/faults.ts';
export const restarts = [
  numberAt(FAULTS, /RESTARTS_MS = \[([\d_]+),/),
  numberAt(FAULTS, /RESTARTS_MS = \[[\d_]+, ([\d_]+)\]/),
] as const;
export const pauses = [
  numberAt(FAULTS, /PAUSES_MS = \[([\d_]+),/),
  numberAt(FAULTS, /PAUSES_MS = \[[\d_]+, ([\d_]+)\]/),
] as const;
export const addresses = LISTS.find(({ path }) => path === 'addresses')?.max ?? 0;
export const violations = numberAt(
  'packages/sim/src/commands/swarm-command.ts',
  /'--max-violations <n>'[^\n]*, (\d+)\)/,
);

export const firstWait = `${protocol('takeover/episode-state', 'FIRST_WAIT_MS') / 60_000} min`;
export const secondWait = `${(2 * protocol('takeover/episode-state', 'FIRST_WAIT_MS')) / 60_000} min`;
export const longestWait = `${protocol('takeover/episode-state', 'LONGEST_WAIT_MS') / 3_600_000} h`;

export const PROTOCOL = 'packages/protocol/PROTOCOL.md';
export const CONFIGURATION = 'docs/configuration.md';

export const again = [
  s(protocol('reporting/outbox', 'FIRST_RETRY_MS')),
  s(protocol('reporting/outbox', 'MAX_RETRY_MS')),
] as const;
export const ports = (file: string, name: string): number => constant(`packages/ports/src/${file}.ts`, name);
export const settled = s(protocol('reporting/news', 'SETTLED_MS'));
export const refusals = word(protocol('model/limits', 'MAX_REFUSALS'));
export const webhooks = LISTS.find(({ path }) => path === 'notify.webhook')?.max ?? 0;

/** `(default N)` of an option in the mutants' help. */
export function mutantDefault(option: string): number {
  return numberAt('test/mutants/main.ts', new RegExp(`${option}: \\{ type: 'string', default: '(\\d+)'`));
}
