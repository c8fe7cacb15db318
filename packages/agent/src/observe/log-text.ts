/**
 * A log line as a person reads it on a terminal.
 */
import { escapedText } from '@failtome/protocol';

const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001b[2m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[41m',
};
const PLAIN = '\u001b[0m';

/**
 * Turn one JSON line of the log into text: the time of day (UTC), the level, the event, the sentence.
 * What came from outside and would control the terminal or turn text around is shown by its code.
 */
export function textLine(json: string, colour: boolean): string {
  const { time, level, event, msg } = JSON.parse(json) as Record<'time' | 'level' | 'event' | 'msg', string>; // as createLog writes it
  const line = `${time.slice(11)} ${level.padEnd(5)} ${event.padEnd(16)} ${escapedText(msg)}`;
  const paint = colour ? (COLOURS[level] ?? '') : '';
  return paint === '' ? `${line}\n` : `${paint}${line}${PLAIN}\n`;
}
