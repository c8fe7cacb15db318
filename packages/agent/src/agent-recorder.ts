/** The agent's flight recorder: made where the node knows who it is, and ended with it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { RECORDER_DIR, recordingFilesIn } from './adapters/recording-files.ts';
import type { AgentParts } from './agent-parts.ts';
import { blankerOf, secretTexts } from './auth/secret-texts.ts';
import { Recorder } from './observe/recorder.ts';

/** Null: nothing is to be recorded. */
export function openRecorder(agent: AgentParts, id: string): Recorder | null {
  const { config, options, log } = agent;
  const { recorder: settings, cluster, stateDir } = config;
  if (settings === null) return null;
  const directory = join(stateDir, RECORDER_DIR);
  const run = `${new Date().toISOString()} ${randomBytes(6).toString('base64url')}`;
  return new Recorder(
    { failtome: options.version, cluster, id, run, settings },
    {
      files: recordingFilesIn(directory),
      blank: (text) => blankerOf(secretTexts(agent.config, agent.secrets, options.env))(text),
      told: (code) =>
        code === null
          ? log.tell('info', 'recorder', 'recording again')
          : log.tell('warn', 'recorder', `what happens is not recorded for a while: ${directory}: ${code}`),
    },
  );
}
