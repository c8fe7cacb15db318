/** The nodes side by side, one line a question, and where they disagree. */
import { type ClusterModel, isFresh, type NodeModel, type StatusModel } from './model.ts';
import { ago, duration } from './text.ts';

/** How a cell is to be read at a glance. */
export type Tone = 'good' | 'bad' | 'warn' | 'faint' | 'plain';

/** What one node says. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
  /** More, for who asks. */
  readonly more: string;
}

/** One question, and each node's answer. */
export interface Line {
  readonly question: string;
  readonly cells: readonly Cell[];
  /** They don't agree where they should. */
  readonly differs: boolean;
}

const NONE: Cell = { text: '–', tone: 'faint', more: '' };

/** All lines; the cells are in the order of the nodes. */
export function linesOf(cluster: ClusterModel): readonly Line[] {
  const { nodes } = cluster;
  const ips = [...new Set(nodes.flatMap(({ status }) => status?.addresses.map(({ ip }) => ip) ?? []))];
  const named = (what: string, ip: string): string => (ips.length === 1 ? what : `${what} of ${ip}`);
  return [
    line('Last word', nodes, wordOf, none),
    ...ips.flatMap((ip) => [
      line(named('Holder', ip), nodes, (node) => holderCell(node, ip), same),
      line(named('Verdict', ip), nodes, (node) => verdictCell(node, ip), verdictsDiffer),
    ]),
    line('Hears', nodes, (node) => peersCell(node), none),
    line('Own HAProxy', nodes, fitCell, none),
    line('Could take over', nodes, readyCell, none),
    line('Version', nodes, (node) => told(node, ({ version }) => version), same),
    line('Config', nodes, (node) => told(node, ({ configDigest }) => configDigest), digestsDiffer),
  ];
}

type Differ = (answers: readonly string[]) => boolean;

/** Old words differ from new ones as they will: only those of now are compared. */
function line(
  question: string,
  nodes: readonly NodeModel[],
  cell: (node: NodeModel) => Cell,
  differ: Differ,
): Line {
  const cells = nodes.map((node) => ({
    node,
    cell: node.status === null && question !== 'Last word' ? NONE : cell(node),
  }));
  const answers = cells
    .filter(({ node, cell: { text } }) => isFresh(node) && text !== NONE.text)
    .map((one) => one.cell.text);
  return { question, cells: cells.map((one) => one.cell), differs: differ(answers) };
}

const none: Differ = () => false;
const same: Differ = (answers) => new Set(answers).size > 1;
/** Who can't see anything contradicts nobody. */
const verdictsDiffer: Differ = (answers) => same(answers.filter((answer) => answer !== 'unknown'));
/** Of what only candidates read, only they can differ. */
const digestsDiffer: Differ = (answers) => {
  const parts = answers.map((answer) => answer.split('-'));
  return same(parts.map(([shared = '']) => shared)) || same(parts.flatMap(([, own]) => own ?? []));
};

function wordOf({ self, ageMs, failure, status }: NodeModel): Cell {
  if (self) return { text: 'this node', tone: 'good', more: '' };
  if (status === null || ageMs === null)
    return {
      text: failure === '' ? 'not asked yet' : 'no answer',
      tone: failure === '' ? 'faint' : 'bad',
      more: failure,
    };
  if (failure === '') return { text: ago(ageMs), tone: 'good', more: '' };
  return { text: `no answer for ${duration(ageMs)}`, tone: 'bad', more: failure };
}

function told({ status }: NodeModel, field: (status: StatusModel) => string): Cell {
  const text = status === null ? '' : field(status);
  return text === '' ? NONE : { text, tone: 'plain', more: '' };
}

function holderCell({ status }: NodeModel, ip: string): Cell {
  const address = status?.addresses.find((one) => one.ip === ip);
  if (address === undefined) return NONE;
  if (address.holder === '') return { text: 'unknown', tone: 'faint', more: '' };
  return { text: address.holder, tone: 'plain', more: '' };
}

const VERDICT_TONES: Readonly<Record<string, Tone>> = { up: 'good', down: 'bad' };

function verdictCell({ status }: NodeModel, ip: string): Cell {
  const address = status?.addresses.find((one) => one.ip === ip);
  if (address === undefined) return NONE;
  return { text: address.verdict, tone: VERDICT_TONES[address.verdict] ?? 'warn', more: '' };
}

function peersCell({ status }: NodeModel): Cell {
  const peers = status?.peers ?? [];
  if (peers.length === 0) return NONE;
  const silent = peers.filter(({ state }) => state !== 'alive');
  if (silent.length === 0) return { text: 'all', tone: 'good', more: '' };
  const text = silent.map(({ id, state }) => `${id} is ${state}`).join(', ');
  return {
    text: text.length > 60 ? `${silent.length} of ${peers.length} silent` : text,
    tone: 'bad',
    more: text.length > 60 ? text : '',
  };
}

const FIT_TONES: Readonly<Record<string, Tone>> = { fit: 'good', unfit: 'bad' };

function fitCell({ role, status }: NodeModel): Cell {
  if (status === null || role !== 'candidate') return NONE;
  return { text: status.fit, tone: FIT_TONES[status.fit] ?? 'warn', more: '' };
}

function readyCell({ status }: NodeModel): Cell {
  if (status === null) return NONE;
  const { readiness, because } = status;
  switch (readiness) {
    case 'ready':
      return { text: 'yes', tone: 'good', more: '' };
    case 'not-ready':
      return {
        text: `no: ${because[0] ?? 'it does not say why'}`,
        tone: 'bad',
        more: because.slice(1).join('; '),
      };
    case 'holder':
      return { text: 'holds it', tone: 'plain', more: '' };
    case 'witness':
    case 'member':
      return { text: `never (${readiness})`, tone: 'faint', more: '' };
    default:
      return { text: readiness, tone: 'warn', more: '' };
  }
}
