/** What the commands need of the world, so that each can be run without a process. */
import { type DurationMs, escapedJson, type Ip, type WallMs } from '@failtome/protocol';
import type { FoundCluster } from '../adapters/cluster-lookup.ts';
import type { FoundForIam, IamLookup } from '../adapters/iam-lookup.ts';
import type { NewFile } from '../adapters/new-files.ts';
import type { StackLookup } from '../adapters/stack-lookup.ts';
import type { IdentityFile } from '../auth/identity.ts';
import type { KeyFile } from '../auth/keys.ts';
import type { FoundStack } from '../config/from-stack-json.ts';
import type { ReadFile } from '../config/load.ts';
import type { Environment } from '../config/settings.ts';
import type { AgentConfig } from '../config/types.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CheckSteps } from './check-steps.ts';
import type { HttpClient } from './http.ts';

/** 0: done. 1: not done, and the reason was printed. 2: usage or configuration. */
export type ExitCode = 0 | 1 | 2;

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
  /** A person looks at it. */
  readonly isTTY: boolean;
  /** Of the terminal, at this moment; absent: not known. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Runs the agent until it has stopped. */
export type RunAgent = (request: RunRequest) => Promise<ExitCode>;

/** What `failtome run` starts. */
export interface RunRequest {
  /** The configuration's file, to be read again on SIGHUP. */
  readonly file: string;
  readonly config: AgentConfig;
  /** Null: the API speaks plain HTTP. */
  readonly certificate: Certificate | null;
  /** What is risky in it, one line each. */
  readonly warnings: readonly string[];
  readonly env: Environment;
  readonly version: string;
}

/** All that commands need of their process and of the network. */
export interface CliDependencies {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  readonly readFile: ReadFile;
  /** @throws AgentError */
  readonly readKeys: (path: string) => Promise<KeyFile>;
  /** @throws AgentError */
  readonly readTokens: (path: string) => Promise<{ readonly warnings: readonly string[] }>;
  /** A new key, as one line of a key file. */
  readonly generateKey: () => string;
  /** A new key pair, both halves as one line of text each. */
  readonly generateIdentity: () => { readonly privateKey: string; readonly publicKey: string };
  /** @throws AgentError */
  readonly readIdentity: (path: string) => Promise<IdentityFile>;
  readonly http: HttpClient;
  readonly now: () => WallMs;
  /** Unguessable characters of base64url. */
  readonly randomText: (characters: number) => string;
  /** Waits; ends early, without an error, when the command is interrupted. */
  readonly sleep: (ms: DurationMs) => Promise<void>;
  /** The command was interrupted (`--watch`). */
  readonly interrupted: () => boolean;
  /** Who gives a command, for people: `user@host`. */
  readonly owner: string;
  readonly version: string;
  readonly runAgent: RunAgent;
  /** The addresses that this machine has at this moment, loopback ones aside. */
  readonly addresses: () => readonly Ip[];
  readonly checks: CheckSteps;
  /** What this machine finds out of the stack that it belongs to. */
  readonly lookUpStack: (lookup: StackLookup) => Promise<FoundStack>;
  /** What an instance finds of the cluster that it is to be in. */
  readonly lookUpCluster: (env: Environment) => Promise<FoundCluster>;
  /** The text of a key file, as a secret of Secrets Manager has it. @throws AgentError */
  readonly readKeySecret: (arn: string) => Promise<string>;
  /** Those of the paths at which there is something. */
  readonly existing: (paths: readonly string[]) => Promise<readonly string[]>;
  /** Writes all of them or none, over nothing. Rejects with the error of the operating system. */
  readonly createFiles: (files: readonly NewFile[]) => Promise<void>;
  /** Writes one over nothing, for nobody else to read. Rejects with the error of the operating system. */
  readonly createPrivate: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Puts a text in the place of a file's, whole or not at all; owner and rights stay. Rejects with the error of the operating system. */
  readonly replaceFile: (path: string, text: string) => Promise<void>;
  /** Asks the person at the terminal; null where there is none. The answer is empty where the input has ended. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** What AWS and this machine say of what a policy has to name. */
  readonly lookUpForIam: (lookup: IamLookup) => Promise<FoundForIam>;
}

/** Print lines to standard output. */
export function print({ stdout }: Pick<CliDependencies, 'stdout'>, ...lines: readonly string[]): void {
  for (const line of lines) stdout.write(`${line}\n`);
}

/** Print lines to standard error. */
export function complain({ stderr }: Pick<CliDependencies, 'stderr'>, ...lines: readonly string[]): void {
  for (const line of lines) stderr.write(`${line}\n`);
}

/** A whole answer for a program. */
export function printJson(dependencies: Pick<CliDependencies, 'stdout'>, value: unknown): void {
  print(dependencies, escapedJson(JSON.stringify(value, null, 2)));
}

/** The longest name of an owner that a message carries. */
const MAX_OWNER_CHARACTERS = 128;

/** Who gives a command, as it travels with it. */
export function ownerOf({ owner }: Pick<CliDependencies, 'owner'>): string {
  return owner.slice(0, MAX_OWNER_CHARACTERS);
}
