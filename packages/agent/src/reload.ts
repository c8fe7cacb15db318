/**
 * What a running agent can take over from a changed configuration, and what it can't.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NodeId } from '@failtome/protocol';
import { type KeyFile, readKeyFile } from './auth/keys.ts';
import { identityFaults } from './config/electorate.ts';
import { faultLines, type LoadResult } from './config/load.ts';
import type { AgentConfig } from './config/types.ts';
import { AgentError } from './errors.ts';

export type Reload =
  | { readonly kind: 'accepted'; readonly config: AgentConfig; readonly keyFile: KeyFile }
  /** One line a reason. */
  | { readonly kind: 'refused'; readonly lines: readonly string[] };

/** Judge what was read anew. All of it counts, or none. */
export async function judgeReload(
  result: LoadResult,
  running: { readonly config: AgentConfig; readonly id: NodeId; readonly file: string },
): Promise<Reload> {
  if (result.kind === 'faulty') return { kind: 'refused', lines: faultLines(result.faults, running.file) };
  const { config } = result;
  const lines = [
    ...restartFaults(running.config, config),
    ...faultLines(identityFaults(config, running.id), running.file),
  ];
  try {
    const keyFile = await readKeyFile(config.auth.keyFile);
    return lines.length === 0 ? { kind: 'accepted', config, keyFile } : { kind: 'refused', lines };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { kind: 'refused', lines: [...lines, `auth.keyFile: ${error.message}`] };
  }
}

/** What decides who this node is and where its state and its API are: only a restart changes it. */
const FIXED: readonly (readonly [path: string, value: (config: AgentConfig) => unknown])[] = [
  ['cluster', (config) => config.cluster],
  ['node.id', (config) => config.node.id],
  ['node.role', (config) => config.node.role],
  ['api.listen', (config) => config.api.listen],
  ['stateDir', (config) => config.stateDir],
  ['driver.kind', (config) => config.driver?.kind ?? null],
  ['driver.region', (config) => awsSetting(config, 'region')],
  ['driver.instanceId', (config) => awsSetting(config, 'instanceId')],
];

/** One sentence for each change that needs a restart; none where `next` can be taken over as it is. */
function restartFaults(present: AgentConfig, next: AgentConfig): readonly string[] {
  return FIXED.filter(([, value]) => !isDeepStrictEqual(value(present), value(next))).map(
    ([path, value]) =>
      `${path}: changed from ${shown(value(present))} to ${shown(value(next))}, which takes effect only after a restart`,
  );
}

function awsSetting({ driver }: AgentConfig, key: 'region' | 'instanceId'): string | null {
  return driver === null || driver.kind === 'exec' ? null : driver[key];
}

function shown(value: unknown): string {
  return value === null ? 'the default' : JSON.stringify(value);
}
