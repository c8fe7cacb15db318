/** What a running agent hands out for a bundle: its recordings, and its configuration without secrets. */
import { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { withoutPassword } from '@failtome/config';
import type { NodeId } from '@failtome/protocol';
import type { Clock } from './adapters/clock.ts';
import { RECORDER_DIR, recordingFilesIn } from './adapters/recording-files.ts';
import { BLANK, blankerOf, secretTexts } from './auth/secret-texts.ts';
import type { Secrets } from './auth/secrets.ts';
import type { Environment } from './config/settings.ts';
import type { AgentConfig } from './config/types.ts';
import type { RecordingSource } from './http/recording-routes.ts';
import type { Recorder } from './observe/recorder.ts';

/** What of an agent it is made of. */
export interface RecordedAgent {
  readonly config: AgentConfig;
  readonly secrets: Secrets;
  readonly options: { readonly version: string; readonly env: Environment };
  readonly clock: Clock;
  readonly running: { readonly identity: { readonly id: NodeId } } | null;
  readonly recorder: Recorder | null;
}

/** @param agent looked at each time anew */
export function recordingSource(agent: RecordedAgent): RecordingSource {
  const files = () => recordingFilesIn(join(agent.config.stateDir, RECORDER_DIR));
  return {
    async list() {
      const { at, wall } = agent.clock.now();
      const { recorder: settings, cluster } = agent.config;
      return {
        node: agent.running?.identity.id ?? null,
        cluster,
        version: agent.options.version,
        nodejs: process.version,
        wall,
        monotonicMs: at,
        configuration: shownConfiguration(agent),
        recorder: settings === null ? null : { ...settings, lost: agent.recorder?.counts.lost ?? 0 },
        recordings: (await files().list()).map(({ name, wall: began, bytes }) => ({ name, began, bytes })),
      };
    },
    async read(name, from, most) {
      await agent.recorder?.written();
      return files().read(name, from, most);
    },
  };
}

function shownConfiguration({ config, secrets, options }: RecordedAgent): unknown {
  const webhooks = config.notify.webhooks.map((webhook) => ({
    ...webhook,
    url: webhook.url === null ? null : BLANK,
  }));
  const shown = { ...config, notify: { ...config.notify, webhooks } };
  const text = JSON.stringify(shown, (_name, value: unknown) => {
    if (value instanceof KeyObject) return '(key)';
    return typeof value === 'string' ? withoutPassword(value) : value;
  });
  return JSON.parse(blankerOf(secretTexts(config, secrets, options.env))(text));
}
