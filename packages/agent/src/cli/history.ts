/** `failtome history`: every takeover and every refusal, each step's duration, the request ids of the cloud. */
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { readView } from './read.ts';
import { findTarget, type TargetOptions } from './target.ts';
import { age, clean, moment, type Paint, painter, toned } from './text.ts';
import { type HistoryRow, historyOf } from './views.ts';

export async function history(options: TargetOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const result = await readView(target.url, '/v1/history', dependencies);
  if (result.kind === 'failed') {
    complain(dependencies, result.detail);
    return 1;
  }
  if (options.json === true) {
    printJson(dependencies, result.json);
    return 0;
  }
  const entries = historyOf(result.json);
  const paint = painter(dependencies.stdout, dependencies.env);
  if (entries.length === 0) print(dependencies, 'Nothing has happened yet.');
  print(dependencies, ...entries.flatMap((entry) => entryLines(entry, paint)));
  return 0;
}

/** Newest first; what happened on the first line, the rest indented under it. */
export function entryLines(entry: HistoryRow, paint: Paint): readonly string[] {
  const { text, tone } = toned(entry.result);
  const path = entry.from === entry.to ? entry.to : `${entry.from} -> ${entry.to}`;
  const what = clean(`${entry.kind} of ${entry.address}, ${path}`);
  const lines = [
    `${paint(moment(entry.at), 'faint')}  ${paint(what, 'strong')}: ${paint(clean(text), tone)}`,
    clean(`why: ${entry.reason}`),
  ];
  if (entry.steps.length > 0) {
    lines.push(clean(entry.steps.map(({ step, durationMs }) => `${step} ${age(durationMs)}`).join(', ')));
  }
  if (entry.requestIds.length > 0) lines.push(clean(`requests: ${entry.requestIds.join(', ')}`));
  lines.push(paint(clean(entry.id), 'faint'));
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`));
}
