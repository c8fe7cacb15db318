/**
 * A program that is run for each event: `command… EVENT ADDRESS`, with the event as JSON on its standard input. Exit 0 says that
 * it was told; anything else, a signal or the time-out, has it run again later.
 */
import type { CloudRequest, PublishEffect, PublishResult } from '@failtome/protocol';
import type { NotifyCommand } from '../config/types.ts';
import { type CommandEnd, runCommand } from './exec.ts';
import { noticeJson, type Teller } from './webhook-forms.ts';

/** What stands in place of the address of an event that is about the whole cluster. */
const NO_ADDRESS = '-';

/** The program, who runs it, and who hears what it says. */
export interface NotifyProgramOptions {
  readonly program: NotifyCommand;
  readonly teller: Teller;
  /** Takes what it wrote to standard error, at most 4 KiB of it. */
  readonly logStderr: (operation: string, text: string) => void;
}

/** Run it once. Calls `done` once, at the latest after `timeoutMs`; answers how to end it and its group before. */
export function runNotifyProgram(
  { program, teller, logStderr }: NotifyProgramOptions,
  effect: PublishEffect,
  done: (result: PublishResult) => void,
): () => void {
  const begunAt = performance.now();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), effect.timeoutMs);
  const command = [...program.command, effect.event, effect.address ?? NO_ADDRESS];
  const input = `${noticeJson(effect, teller)}\n`;
  void runCommand(command, stop.signal, (text) => logStderr(effect.event, text), input).then((end) => {
    clearTimeout(timer);
    done(resultOf(end, performance.now() - begunAt));
  });
  return () => {
    clearTimeout(timer);
    stop.abort();
  };
}

function resultOf(end: CommandEnd, durationMs: number): PublishResult {
  const request = (result: CloudRequest['result'], code: string | null): CloudRequest => ({
    service: 'program',
    operation: 'run',
    result,
    code,
    requestId: null,
    durationMs,
  });
  switch (end.kind) {
    case 'exited':
      return end.status === 0
        ? { kind: 'accepted', request: request('ok', null) }
        : {
            kind: 'failed',
            detail: `the program ended with ${end.status}`,
            request: request('refused', `Exit${end.status}`),
          };
    case 'broken':
      return { kind: 'failed', detail: `${end.code}: ${end.message}`, request: request('unknown', end.code) };
    case 'not-started':
      return {
        kind: 'failed',
        detail: `${end.code}: it could not be run`,
        request: request('refused', end.code),
      };
  }
}
