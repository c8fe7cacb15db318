/**
 * `failtome keygen`: a new cluster key, on standard output, ready to be a line of the key file; or with `--identity` a key
 * pair, ready to be an identity file; or with `--from-secret` the cluster key that a secret store holds.
 */
import { AgentError } from '../errors.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';

/** The options of `failtome keygen`. */
export interface KeygenOptions {
  readonly identity?: boolean;
  /** Of this file, the half that others may know. */
  readonly public?: string;
  /** The ARN of a secret that holds the cluster's key. */
  readonly fromSecret?: string;
  readonly json?: boolean;
}

type KeygenDependencies = Pick<
  CliDependencies,
  'stdout' | 'stderr' | 'generateKey' | 'generateIdentity' | 'readIdentity' | 'readKeySecret'
>;

/** `failtome keygen`: a new cluster key or key pair, or the public half of one. */
export async function keygen(options: KeygenOptions, dependencies: KeygenDependencies): Promise<ExitCode> {
  if (options.public !== undefined) return printPublic(options.public, options, dependencies);
  if (options.fromSecret !== undefined) return printOfSecret(options.fromSecret, options, dependencies);
  if (options.identity === true) return printIdentity(options, dependencies);
  const key = dependencies.generateKey();
  if (options.json === true) printJson(dependencies, { key });
  else print(dependencies, key);
  return 0;
}

/** For a node whose key file is written by other means than `failtome init`. */
async function printOfSecret(
  arn: string,
  { json }: KeygenOptions,
  dependencies: KeygenDependencies,
): Promise<ExitCode> {
  try {
    const text = (await dependencies.readKeySecret(arn)).trimEnd();
    if (json === true) printJson(dependencies, { keys: text.split('\n') });
    else print(dependencies, text);
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    complain(dependencies, error.message);
    return 1;
  }
}

/** The public half goes to standard error, too: it is wanted elsewhere at once, and standard output mostly is a file. */
function printIdentity({ json }: KeygenOptions, dependencies: KeygenDependencies): ExitCode {
  const { privateKey, publicKey } = dependencies.generateIdentity();
  if (json === true) {
    printJson(dependencies, { privateKey, publicKey });
    return 0;
  }
  print(dependencies, `# The public key of this identity: ${publicKey}`, privateKey);
  if (!dependencies.stdout.isTTY) complain(dependencies, `public key: ${publicKey}`);
  return 0;
}

async function printPublic(
  path: string,
  { json }: KeygenOptions,
  dependencies: KeygenDependencies,
): Promise<ExitCode> {
  try {
    const { identity, warnings } = await dependencies.readIdentity(path);
    complain(dependencies, ...warnings);
    const publicKey = identity.publicKey.text;
    if (json === true) printJson(dependencies, { publicKey });
    else print(dependencies, publicKey);
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    complain(dependencies, error.message);
    return 2;
  }
}
