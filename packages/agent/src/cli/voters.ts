/** `failtome voters`: the electorate as each node has it. What changes it is in `voters-change.ts`. */
import { counted, majorityOf } from '@failtome/protocol';
import { type CliDependencies, type ExitCode, print, printJson } from './dependencies.ts';
import { table } from './table.ts';
import { findTarget, loadOrComplain, type Target, type TargetOptions, trusting } from './target.ts';
import { cell, clean, type Look, lookOf, type Row } from './text.ts';
import { electoratesOf, majoritiesText, type PairRule, type SeenElectorate } from './voters-judge.ts';
import { type AskedNode, readVoters, type VoterNode } from './voters-read.ts';

/** `failtome voters`: done where every node answers and all agree. */
export async function voters(options: TargetOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const rule = options.url === undefined ? await pairRuleOf(options, dependencies) : UNKNOWN_RULE;
  const nodes = await readAll(target, trusting(dependencies, target));
  const electorates = electoratesOf(nodes, rule);
  const agree = electorates.length === 1 && nodes.every(({ word }) => word !== null);
  if (options.json === true) printJson(dependencies, jsonOf(nodes, electorates, agree));
  else print(dependencies, ...votersLines(nodes, electorates, lookOf(dependencies)));
  return agree ? 0 : 1;
}

/** Where the configuration isn't known, the worst is assumed of a pair. */
const UNKNOWN_RULE: PairRule = { oneDecides: true };

async function pairRuleOf(options: TargetOptions, dependencies: CliDependencies): Promise<PairRule> {
  const config = await loadOrComplain(options, dependencies);
  return config === null ? UNKNOWN_RULE : { oneDecides: config.agreement.silentPeer === 'takeover' };
}

/** The node that was asked, and all that it knows of, wherever it says they are. */
async function readAll(target: Target, dependencies: CliDependencies): Promise<readonly VoterNode[]> {
  const asked = { id: target.node ?? '', role: '', url: target.url };
  const [first] = await readVoters([asked], target, dependencies);
  const configured: readonly AskedNode[] = target.peers;
  if (first?.word == null) {
    const own = { ...asked, id: target.node ?? 'this node' };
    const others = await readVoters(configured, target, dependencies);
    return [{ ...own, word: null, failure: first?.failure ?? '' }, ...others];
  }
  const { word } = first;
  const told = word.peers.filter(({ id }) => !configured.some((peer) => peer.id === id));
  const others = [...configured, ...told.map(({ id, url }) => ({ id, role: '', url }))];
  return [{ ...first, id: word.id }, ...(await readVoters(others, target, dependencies))];
}

function votersLines(
  nodes: readonly VoterNode[],
  electorates: readonly SeenElectorate[],
  look: Look,
): readonly string[] {
  const rows = nodes.map(({ id, role, word, failure }): Row => {
    if (word === null)
      return [id, role === '' ? '-' : role, cell('not reached', 'bad'), '-', '-', cell(failure, 'faint')];
    const first = electorates[0]?.digest === word.digest;
    return [
      id,
      word.role,
      cell('answers', 'good'),
      word.version,
      cell(word.digest, first ? 'plain' : 'warn'),
      word.voters.join(', '),
    ];
  });
  const [first] = electorates;
  const summary =
    first === undefined || electorates.length > 1
      ? []
      : [
          `${counted(first.voters.length, 'voter')}, of which ${majorityOf(first.voters.length)} are a majority.`,
        ];
  return [
    ...table(['node', 'role', 'state', 'version', 'electorate', 'voters'], rows, look),
    '',
    ...summary,
    clean(majoritiesText(electorates)),
  ];
}

function jsonOf(
  nodes: readonly VoterNode[],
  electorates: readonly SeenElectorate[],
  agree: boolean,
): unknown {
  return {
    agree,
    majorities: electorates.filter(({ couldDecide }) => couldDecide).length,
    electorates,
    nodes: nodes.map(({ id, role, url, word, failure }) => ({
      id,
      role: word?.role ?? (role || null),
      url,
      reachable: word !== null,
      failure: failure === '' ? null : failure,
      version: word?.version ?? null,
      digest: word?.digest ?? null,
      voters: word?.voters ?? null,
    })),
  };
}
