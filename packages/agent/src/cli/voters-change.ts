/**
 * `failtome voters add | remove | replace`: the change of one voter, guided and checked step by step.
 *
 * What is done already is read from the nodes, each time anew. So it can be called again after an interruption, on any node
 * that stays, and goes on.
 */
import { MAX_FILE_BYTES } from '@failtome/config';
import type { DurationMs, NodeId } from '@failtome/protocol';
import { errnoOf } from '../adapters/durable-file.ts';
import type { PeersEdit } from '../config/edit-peers.ts';
import { faultLines } from '../config/load.ts';
import type { AgentConfig } from '../config/types.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { pause, resume } from './pause.ts';
import { folded } from './table.ts';
import {
  DEFAULT_CONFIG_FILE,
  findTarget,
  loadOrComplain,
  type Target,
  type TargetOptions,
  trusting,
} from './target.ts';
import { age, clean, lookOf } from './text.ts';
import { type ChangeState, changeState, formerUrls, type Lacking } from './voters-judge.ts';
import {
  changedFile,
  changeFaults,
  instruction,
  type PlannedChange,
  type WrittenConfig,
} from './voters-plan.ts';
import { type AskedNode, readVoters, type VoterNode } from './voters-read.ts';

/** The options of a change. */
export interface ChangeOptions extends Omit<TargetOptions, 'url'> {
  /** Say what is to be done, and neither change nor wait for anything. */
  readonly plan: boolean;
  /** Write this node's own file. */
  readonly write: boolean;
  /** How long to wait for all nodes. */
  readonly timeoutMs: DurationMs;
}

/** A pause that was forgotten ends by itself. */
const PAUSE_MS: DurationMs = 3_600_000;
/** A pause that ends sooner is put off. */
const PAUSE_LEFT_MS: DurationMs = 600_000;
const ORDER_TIMEOUT_MS: DurationMs = 60_000;
const LOOK_EVERY_MS: DurationMs = 1_000;

/** The file has been written, or it has been said why not. */
const WRITTEN = 'written';
/** It has the change. */
const CHANGED = 'changed';
/** What an entry in the file makes good. */
const FILED: readonly Lacking['what'][] = ['entry', 'gone-entry', 'url'];

/** One run of the command. */
interface Run {
  readonly options: ChangeOptions;
  readonly dependencies: CliDependencies;
  readonly target: Target;
  readonly written: WrittenConfig;
  readonly planned: PlannedChange;
  readonly self: NodeId;
  readonly asked: readonly AskedNode[];
  /** What has been printed. */
  readonly said: Set<string>;
}

/** Guide the change. Done when every node has it and hears the others. */
export async function changeVoters(
  planned: PlannedChange,
  options: ChangeOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const config = await loadOrComplain(options, dependencies);
  const target = config === null ? null : await findTarget(options, dependencies);
  if (config === null || target === null) return 2;
  const known = config.peers.find(({ id }) => id === planned.change.id);
  if (
    planned.edit?.kind === 'add' &&
    planned.edit.entry.url === null &&
    known === undefined &&
    config.discovery === null
  ) {
    complain(dependencies, '--url: found nothing, expected where its API is, because there is no peers.from');
    return 2;
  }
  if (planned.change.kind === 'add' && known?.role === 'member') {
    complain(dependencies, `${known.id} is in ${file} as a member: take that entry out on every node first`);
    return 2;
  }
  const trusted = trusting(dependencies, target);
  const [own] = await readVoters([{ id: target.node ?? '', role: '', url: target.url }], target, trusted);
  if (own?.word == null) {
    const ending = { options, dependencies, said: new Set<string>() };
    return end(ending, false, own?.failure ?? '');
  }
  const self = own.word.id;
  const faults = changeFaults(config, planned.edit, self);
  if (faults.length > 0) {
    complain(dependencies, ...faultLines(faults, file));
    return 2;
  }
  const text = options.write ? await textOf(file, dependencies) : '';
  const written = { file, text, config };
  const change = asConfigured(planned, config);
  const asked = askedOf(target, self, change);
  const said = new Set<string>();
  return guide({ options, dependencies: trusted, target, written, planned: change, self, asked, said });
}

async function textOf(file: string, { readFile }: Pick<CliDependencies, 'readFile'>): Promise<string> {
  return Buffer.from(await readFile(file, MAX_FILE_BYTES)).toString('utf8');
}

/** Called again, an entry that stands in the file already is what the others are to have. */
function asConfigured(planned: PlannedChange, { peers }: AgentConfig): PlannedChange {
  const { edit } = planned;
  const known = edit?.kind === 'add' ? peers.find(({ id }) => id === edit.entry.id) : undefined;
  if (edit?.kind !== 'add' || known === undefined) return planned;
  const { id, url, role, isSought, publicKeys } = known;
  const publicKey = publicKeys[0]?.text ?? null;
  return { ...planned, edit: { kind: 'add', entry: { id, url: isSought ? null : url, role, publicKey } } };
}

/** This node and the others, the one that the change is about where it is to be. */
function askedOf(target: Target, self: NodeId, { change, edit }: PlannedChange): readonly AskedNode[] {
  const others = target.peers.filter(({ id }) => id !== self);
  const known = others.find(({ id }) => id === change.id);
  const url = urlOf(edit) ?? known?.url ?? null;
  const role = known?.role ?? (edit?.kind === 'add' ? edit.entry.role : '');
  return [
    { id: self, role: '', url: target.url },
    ...others.filter(({ id }) => id !== change.id),
    ...(change.id === self ? [] : [{ id: change.id, role, url }]),
  ];
}

function urlOf(edit: PeersEdit | null): string | null {
  if (edit?.kind === 'add') return edit.entry.url;
  return edit?.kind === 'move' ? edit.url : null;
}

async function guide(run: Run): Promise<ExitCode> {
  const { options, dependencies } = run;
  const deadline = dependencies.now() + options.timeoutMs;
  for (let isUnderWay = false; ; isUnderWay = true) {
    const nodes = await readEverywhere(run);
    const state = await stateOf(run, nodes, isUnderWay);
    if (state.kind === 'refused') return end(run, false, `Refused: ${state.detail}.`);
    if (state.kind === 'done') return finish(run, nodes);
    if (options.plan) return showPlan(run, state);
    const paused = await keepPaused(run, nodes);
    if (paused.kind === 'failed') return end(run, false, paused.detail);
    if (paused.kind === 'paused') {
      await writeOwn(run);
      tellLacking(run, state);
    }
    if (dependencies.now() >= deadline || dependencies.interrupted()) {
      const missing = state.lacking.map(({ node, detail }) => `${node}: ${detail}`).join('; ');
      const again = `Not done within ${age(options.timeoutMs)}: ${missing}. Call it again: it goes on from here.`;
      return end(run, false, again);
    }
    await dependencies.sleep(LOOK_EVERY_MS);
  }
}

/** Where the configuration doesn't say where a node is, the others may know. */
async function readEverywhere({ asked, target, dependencies }: Run): Promise<readonly VoterNode[]> {
  const nodes = await readVoters(asked, target, dependencies);
  const told = nodes.flatMap(({ word }) => word?.peers ?? []);
  const again = nodes.map(({ id, role, url }) => ({
    ...{ id, role },
    url: url ?? told.find((peer) => peer.id === id && peer.url !== null)?.url ?? null,
  }));
  const found = again.filter(
    ({ id, url }) => url !== null && nodes.some((node) => node.id === id && node.url === null),
  );
  const more = await readVoters(found, target, dependencies);
  return nodes.map((node) => more.find(({ id }) => id === node.id) ?? node);
}

function showPlan(run: Run, state: Extract<ChangeState, { kind: 'open' }>): ExitCode {
  if (run.planned.change.kind !== 'replace')
    say(run, 'Automatic moves are paused first, and go on at the end.');
  tellLacking(run, state);
  return end(run, true, 'Nothing was changed.');
}

/** Wherever a voter that is replaced is known to have been is asked, too: nobody may answer there any more. */
async function stateOf(run: Run, nodes: readonly VoterNode[], isUnderWay: boolean): Promise<ChangeState> {
  const { planned, target, written, self, dependencies } = run;
  const { change } = planned;
  const context = { cluster: written.config.cluster, self, isUnderWay };
  const state = changeState(change, nodes, context);
  if (change.kind !== 'replace' || change.url === null || state.kind === 'refused') return state;
  const others = formerUrls(change.id, change.url, nodes, target);
  const old = await readVoters(
    others.map((url) => ({ id: change.id, role: '', url })),
    target,
    dependencies,
  );
  const still = old.find(({ word }) => word?.id === change.id);
  if (still === undefined) return state;
  const detail = `${change.id} still answers at ${still.url}: stop it there for good first, for two machines with one id could make two majorities`;
  return { kind: 'refused', detail };
}

type Paused =
  /** Or needs not be: with one electorate nothing is different from any other time. */
  | { readonly kind: 'paused' }
  /** Not every node has heard of it yet. */
  | { readonly kind: 'spreading' }
  | { readonly kind: 'failed'; readonly detail: string };

/** While there are two electorates each may have a majority, so no node may move anything by itself. */
async function keepPaused(run: Run, nodes: readonly VoterNode[]): Promise<Paused> {
  const { options, dependencies, planned, self } = run;
  if (planned.change.kind === 'replace') return { kind: 'paused' };
  const words = nodes.flatMap(({ id, word }) => (word === null || id === planned.change.id ? [] : [word]));
  const until = dependencies.now() + PAUSE_LEFT_MS;
  const missing = words.filter(
    ({ pause: { paused, until: over } }) => !paused || (over !== null && over <= until),
  );
  if (missing.length === 0) return { kind: 'paused' };
  if (!missing.some(({ id }) => id === self)) return { kind: 'spreading' };
  say(run, 'Pausing automatic moves, for an hour at most.');
  const heard: string[] = [];
  const silent = quiet(dependencies, heard);
  const order = { ...options, json: false, reason: reasonOf(planned), timeoutMs: ORDER_TIMEOUT_MS };
  const code = await pause({ ...order, forMs: PAUSE_MS, replace: false }, silent);
  if (code === 0) return { kind: 'spreading' };
  return { kind: 'failed', detail: `Automatic moves could not be paused: ${heard.join(' ').trim()}` };
}

function quiet(dependencies: CliDependencies, heard: string[]): CliDependencies {
  const output = { write: (text: string) => heard.push(text), isTTY: false };
  return { ...dependencies, stdout: output, stderr: output };
}

function reasonOf({ change }: PlannedChange): string {
  return `voters: ${change.kind} ${change.id}`;
}

/** This node's own file, where that was asked for: once, and only as long as nobody else has changed it. */
async function writeOwn(run: Run): Promise<void> {
  const { options, dependencies, planned, written, said } = run;
  const { edit } = planned;
  if (!options.write || edit === null || said.has(WRITTEN)) return;
  said.add(WRITTEN);
  if (holds(run)) return;
  const left = (why: string): void => say(run, `${written.file} is left as it is: ${why}.`);
  const text = changedFile(written, edit, dependencies);
  if (text === null) return left('its list of peers is not written in a way that can be changed safely');
  if ((await textOf(written.file, dependencies)) !== written.text) return left('it has changed meanwhile');
  try {
    await dependencies.replaceFile(written.file, text);
  } catch (error) {
    return left(errnoOf(error));
  }
  said.add(CHANGED);
}

/** The file says so already, as after an interruption. */
function holds({ written: { config }, planned: { edit } }: Run): boolean {
  switch (edit?.kind) {
    case 'add':
      return config.peers.some(({ id }) => id === edit.entry.id);
    case 'remove':
      return !config.peers.some(({ id }) => id === edit.id);
    case 'move':
      return config.peers.some(({ id, url }) => id === edit.id && url === edit.url);
    case undefined:
      return true;
  }
}

function tellLacking(run: Run, { lacking }: Extract<ChangeState, { kind: 'open' }>): void {
  for (const one of lacking) {
    const isWritten =
      one.node === run.self && FILED.includes(one.what) && (run.said.has(CHANGED) || holds(run));
    const text = isWritten
      ? `On ${one.node}: \`systemctl reload failtome\`, for ${run.written.file} has the change.`
      : instruction(run.planned, one, run.written.file);
    say(run, text ?? `Waiting: ${one.node}: ${one.detail}.`);
  }
}

type Ending = Pick<Run, 'options' | 'dependencies' | 'said'>;

/** Each thing once. */
function say({ options, dependencies, said }: Run, text: string): void {
  if (said.has(text)) return;
  said.add(text);
  if (options.json !== true) print(dependencies, ...folded(clean(text), lookOf(dependencies)));
}

/** Automatic moves go on, where this command had paused them. */
async function finish(run: Run, nodes: readonly VoterNode[]): Promise<ExitCode> {
  const { options, dependencies, planned } = run;
  const { change } = planned;
  const own = nodes.find(({ word }) => word !== null)?.word;
  const voters = own?.voters ?? [];
  const done = `Done: ${voters.join(', ')} vote, the same on every node, and hear one another.`;
  const reason = reasonOf(planned);
  if (own == null || !own.pause.paused) return end(run, true, done);
  if (own.pause.reason !== reason)
    return end(run, true, `${done} Automatic moves stay paused, as ${own.pause.owner} ordered.`);
  const heard: string[] = [];
  const order = {
    ...options,
    json: false,
    reason: `${change.kind} of ${change.id} is done`,
    timeoutMs: ORDER_TIMEOUT_MS,
  };
  const code = await resume(order, quiet(dependencies, heard));
  if (code === 0) return end(run, true, `${done} Automatic moves are on again.`);
  return end(run, false, `${done} Automatic moves could not be resumed: ${heard.join(' ').trim()}`);
}

function end({ options, dependencies, said }: Ending, done: boolean, detail: string): ExitCode {
  const text = clean(detail);
  if (options.json === true) {
    const steps = [...said].filter((line) => line !== WRITTEN && line !== CHANGED);
    printJson(dependencies, { done, detail: text, steps });
  } else if (done) print(dependencies, ...folded(text, lookOf(dependencies)));
  else complain(dependencies, text);
  return done ? 0 : 1;
}
