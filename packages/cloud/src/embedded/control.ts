import type { IncomingMessage, ServerResponse } from 'node:http';
import { send } from './http-parts.ts';

/** Lets another process steer the cloud: JSON in, JSON out. */
export interface Control {
  handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void;
}

/** A command that was carried out, or why it wasn't. */
export type ControlAnswer =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reason: string };

/** Answers `GET /_control` with the present state, and `POST /_control` with what a command came to. */
export function createControl(
  snapshot: () => unknown,
  execute: (command: ReadonlyMap<string, unknown>) => ControlAnswer,
): Control {
  return {
    handle(request, response, body) {
      if (request.method === 'GET') {
        reply(response, 200, snapshot());
        return;
      }
      const command = request.method === 'POST' ? commandOf(body.toString('utf8')) : null;
      if (command === null) {
        reply(response, 400, { error: 'A command is a JSON object, sent with POST.' });
        return;
      }
      const answer = execute(command);
      if (answer.kind === 'done') reply(response, 200, answer.value ?? {});
      else reply(response, 400, { error: answer.reason });
    },
  };
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

function commandOf(text: string): ReadonlyMap<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return new Map(Object.entries(value));
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
