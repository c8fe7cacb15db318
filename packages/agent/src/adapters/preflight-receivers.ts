/**
 * The part of `failtome check` about receivers: can their secrets be read, are they there, would TLS vouch for them, may the
 * program be run? Nothing is sent to any of them, so that nobody is told of what hasn't happened.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { isIP, connect as netConnect } from 'node:net';
import { delimiter, join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { counted, type DurationMs } from '@failtome/protocol';
import { readWebhookSecrets } from '../auth/webhook-secrets.ts';
import { httpUrl } from '../config/http-url.ts';
import { shownUrl } from '../config/receiver-kinds.ts';
import type { Environment } from '../config/settings.ts';
import type { AgentConfig, WebhookSettings } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { type CheckLine, fail, ok, warn } from './preflight-fix.ts';

/** Every web hook and the program. */
export async function preflightReceivers(
  { notify }: Pick<AgentConfig, 'notify'>,
  env: Environment,
): Promise<readonly CheckLine[]> {
  const { webhooks, exec } = notify;
  const lines = await Promise.all([
    ...webhooks.map(checkWebhook),
    ...(exec === null ? [] : [checkProgram(exec.command[0] ?? '', exec.events.length, env)]),
  ]);
  return lines.flat();
}

async function checkWebhook(webhook: WebhookSettings): Promise<readonly CheckLine[]> {
  const name = `web hook ${webhook.name}`;
  try {
    const { url, warnings } = await readWebhookSecrets(webhook);
    const problem = await whyNotReached(url, webhook.timeoutMs);
    const told = `${counted(webhook.events.length, 'event')}; nothing was sent`;
    const { secure, host, port } = httpUrl(url);
    const reached =
      problem === null
        ? ok(name, `${shownUrl(url)} takes ${secure ? 'TLS connections' : 'connections'}: ${told}`)
        : fail(
            name,
            `${shownUrl(url)}: ${problem}`,
            `See that ${host} takes connections at port ${port} from here${secure ? ', with a certificate that this machine trusts' : ''}: names, security groups, the receiver itself.`,
          );
    return [
      reached,
      ...warnings.map((text) => warn(name, text, 'Only the service needs to read it: chmod 0640.')),
    ];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const fix = 'Correct the file that the setting names; docs/configuration.md says what it holds.';
    return [fail(name, error.message, fix)];
  }
}

/** Null: a connection was made, and with `https` its certificate verified. */
function whyNotReached(url: string, timeoutMs: DurationMs): Promise<string | null> {
  const { secure, host, port } = httpUrl(url);
  return new Promise((resolve) => {
    const socket = secure
      ? tlsConnect({ host, port, servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] })
      : netConnect({ host, port });
    const end = (problem: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(() => end(`no connection within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', (error) => end(error.message));
    socket.once(secure ? 'secureConnect' : 'connect', () => end(null));
  });
}

async function checkProgram(
  program: string,
  events: number,
  { PATH = '' }: Environment,
): Promise<readonly CheckLine[]> {
  const name = 'program of notify.exec';
  // As the system looks a bare name up when it runs it.
  const places = program.includes('/')
    ? [program]
    : PATH.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return [ok(name, `${place} may be run: ${counted(events, 'event')}; it was not`)];
    } catch {
      // The next place may have it.
    }
  }
  const fix = `Install ${program} so that the service's user may run it, or correct notify.exec.command.`;
  return [fail(name, `${program} can't be run`, fix)];
}
