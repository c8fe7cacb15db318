/** What `failtome status` prints: the cluster in one line, what is wrong with it, its addresses, its nodes, what each sees. */
import { counted } from '@failtome/protocol';
import { WARN_BEFORE_MS } from '../tls/certificate.ts';
import type { ToldCluster, ToldNode } from './cluster-read.ts';
import { storeTexts } from './store-row.ts';
import { folded, table } from './table.ts';
import { age, ago, type Cell, cell, clean, type Look, moment, type Row, type Tone, toned } from './text.ts';
import type { AddressRow, HandoverRow, HomeRow, NodeRow, StatusRow } from './view-rows.ts';

/** A line that says what is not as it should be. */
interface Remark {
  readonly text: string;
  readonly tone: Tone;
}

/** A node: its own word where it gave one, else what the asked one knows of it. */
interface ShownNode {
  readonly row: NodeRow;
  /** Null: it has not told itself. */
  readonly told: ToldNode | null;
}

/** The whole view as lines. */
export function statusLines(cluster: ToldCluster, look: Look): readonly string[] {
  const { own } = cluster;
  const nodes = nodesOf(cluster);
  const remarks = [
    ...pauseRemarks(own),
    ...own.handovers.flatMap(handoverRemark),
    ...protectionRemarks(own),
    ...own.addresses.flatMap(homeRemark),
    ...storeRemarks(own),
    ...arbiterRemarks(own),
    ...disagreements(cluster),
    ...nodes.flatMap(nodeRemarks),
  ];
  return [
    ...heading(cluster, look),
    ...remarks.flatMap(({ text, tone }) => painted(text, tone, look)),
    '',
    ...addressTable(own, look),
    '',
    ...table(
      ['node', 'role', 'state', 'heard', 'fit', 'ready', 'version'],
      nodes.map((node) => nodeRow(node)),
      look,
    ),
    '',
    ...sightLines(own, nodes, look),
    ...voteLines(cluster, look),
    ...electorateLines(own, look),
  ];
}

/** Where an address is not at home, and what it waits for. */
export function homeLines(ip: string, home: HomeRow, look: Look): readonly string[] {
  return homeRemark({ ip, home }).flatMap(({ text, tone }) => painted(text, tone, look));
}

/** An open handover: who wants it, why, until when, and what it waits for. */
export function handoverLines(one: HandoverRow, look: Look): readonly string[] {
  return handoverRemark(one).flatMap(({ text, tone }) => painted(text, tone, look));
}

function painted(text: string, tone: Tone, look: Look): readonly string[] {
  return folded(clean(text), look).map((line) => look.paint(line, tone));
}

function heading({ own, nodes }: ToldCluster, look: Look): readonly string[] {
  const name = `Cluster ${clean(own.cluster)}`;
  const by = `${clean(own.self.id)}${nodes.length === 0 ? '' : ' was asked'}, failtome ${clean(own.version)}`;
  const told = nodes.filter(({ status }) => status !== null).length;
  const how = nodes.length === 0 ? 'by one node alone' : `by ${told} of ${counted(nodes.length, 'node')}`;
  const [first = '', ...rest] = folded(`${name}, as told ${how} (${by})`, look);
  return [first.replace(name, look.paint(name, 'strong')), ...rest];
}

/** The own word of a node knows most of it; but whether it is heard is what the others say. */
function nodesOf({ own, nodes }: ToldCluster): readonly ShownNode[] {
  return [own.self, ...own.peers].map((known): ShownNode => {
    const told = nodes.find(({ id, status }) => id === known.id && status !== null) ?? null;
    if (told?.status === null || told?.status === undefined) return { row: known, told: null };
    const { state, lastHeardMs } = known;
    return { row: { ...told.status.self, state, lastHeardMs }, told };
  });
}

function pauseRemarks({ pause }: StatusRow): readonly Remark[] {
  if (!pause.paused) return [];
  const until = pause.until === null ? 'until resumed' : `until ${moment(pause.until)}`;
  const reason = pause.reason === '' ? '' : `: ${pause.reason}`;
  return [{ text: `Automatic takeover is paused by ${pause.owner} ${until}${reason}`, tone: 'warn' }];
}

function storeRemarks({ store }: StatusRow): readonly Remark[] {
  return store === null ? [] : storeTexts(store).map((text) => ({ text, tone: 'warn' }));
}

function arbiterRemarks({ addresses }: StatusRow): readonly Remark[] {
  return addresses.flatMap(({ ip, arbiter }) =>
    arbiter === '' ? [] : [{ text: `The arbiter lends no lease of ${ip}: ${arbiter}`, tone: 'warn' }],
  );
}

function handoverRemark({ address, to, state, by, reason, until, detail }: HandoverRow): readonly Remark[] {
  if (state !== 'open') return [];
  const why = reason === '' ? '' : `: ${reason}`;
  const end = until === null ? '' : ` until ${moment(until)}`;
  const waits = detail === '' ? '' : ` (waits: ${detail})`;
  const text = `Handover of ${address} to ${to} is open${end}, ordered by ${by}${why}${waits}`;
  return [{ text, tone: 'warn' }];
}

/** A pause has its own line. */
function protectionRemarks({ addresses }: StatusRow): readonly Remark[] {
  return addresses.flatMap(({ ip, protection, obstacles }) => {
    if (['', 'protected', 'paused'].includes(protection)) return [];
    const { text, tone } = protectionCell(protection);
    return [{ text: `${ip}: ${text}${listed(obstacles)}`, tone }];
  });
}

function homeRemark({ ip, home }: Pick<AddressRow, 'ip' | 'home'>): readonly Remark[] {
  if (home.node === '' || home.isThere) return [];
  const because = home.because === '' ? '' : `: ${home.because}`;
  return [{ text: `${ip} is away from its home ${home.node}${because}`, tone: 'plain' }];
}

/** What all nodes should say alike. */
function disagreements({ own, nodes }: ToldCluster): readonly Remark[] {
  const told = nodes.flatMap(({ id, status }) => (status === null ? [] : [{ id, status }]));
  const holders = own.addresses.flatMap(({ ip }) => {
    const says = told.flatMap(({ id, status }) => {
      const holder = status.addresses.find((address) => address.ip === ip)?.holder ?? 'unknown';
      return holder === 'unknown' ? [] : [{ id, word: holder }];
    });
    return differing(`The nodes disagree on who holds ${ip}`, says, 'bad');
  });
  const word = (of: (status: StatusRow) => string): readonly { id: string; word: string }[] =>
    told.map(({ id, status }) => ({ id, word: of(status) })).filter((each) => each.word !== '');
  return [
    ...holders,
    ...differing('The nodes are configured differently', word(digestPart(0)), 'warn'),
    ...differing('The candidates are configured differently', word(digestPart(1)), 'warn'),
    ...differing(
      'The nodes run different versions',
      word(({ version }) => version),
      'warn',
    ),
  ];
}

/** Of what all nodes share (0), or of what only candidates read (1): then a witness has none. */
function digestPart(part: 0 | 1): (status: StatusRow) => string {
  return ({ configDigest }) => configDigest.split('-')[part] ?? '';
}

function differing(
  what: string,
  says: readonly { readonly id: string; readonly word: string }[],
  tone: Tone,
): readonly Remark[] {
  if (new Set(says.map(({ word }) => word)).size <= 1) return [];
  return [{ text: `${what}: ${says.map(({ id, word }) => `${id} says ${word}`).join(', ')}`, tone }];
}

function nodeRemarks({ row, told }: ShownNode): readonly Remark[] {
  const { id, readiness, ready, because, problems } = row;
  const remarks: Remark[] = [];
  if (readiness === 'not-ready')
    remarks.push({ text: `${id} is not ready to take over${listed(because)}`, tone: 'warn' });
  // The holder takes nothing now, and yet couldn't take the address back.
  if (readiness === 'holder' && ready === false)
    remarks.push({
      text: `${id} could not take an address that it does not hold${listed(problems)}`,
      tone: 'warn',
    });
  if (told?.failure !== undefined && told.failure !== '')
    remarks.push({
      text: `${id} told this ${age(told.ageMs)} ago, and nothing since: ${told.failure}`,
      tone: 'warn',
    });
  return [...remarks, ...certificateRemarks(id, told?.status ?? null)];
}

/** Without a word of its beginning, the warning comes as long before its end as for the longest-lived. */
function certificateRemarks(id: string, status: StatusRow | null): readonly Remark[] {
  if (status === null || status.certificateUntil === null || status.wall === null) return [];
  const { certificateUntil: until, wall } = status;
  if (until - wall > WARN_BEFORE_MS) return [];
  const verb = until <= wall ? 'expired' : 'expires';
  const text = `The certificate of ${id} ${verb} on ${moment(until)}`;
  return [{ text, tone: until <= wall ? 'bad' : 'warn' }];
}

function listed(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
}

/** Homes are shown where an address has one. */
function addressTable({ addresses }: StatusRow, look: Look): readonly string[] {
  const haveHomes = addresses.some(({ home }) => home.node !== '');
  const headings = ['address', 'state', 'holder', ...(haveHomes ? ['home'] : []), 'next', 'hold-down'];
  return table(
    headings,
    addresses.map((address) => addressRow(address, haveHomes)),
    look,
  );
}

function addressRow({ ip, protection, holder, home, next, holdDownMs }: AddressRow, haveHomes: boolean): Row {
  return [
    ip,
    protectionCell(protection),
    cell(holder, holder === 'nobody' || holder === 'unknown' ? 'warn' : 'plain'),
    ...(haveHomes ? [home.node === '' ? '-' : home.node] : []),
    next === '' ? '-' : next,
    holdDownMs > 0 ? `${age(holdDownMs)} left` : 'none',
  ];
}

/** As the status page says it. */
function protectionCell(word: string): Cell {
  switch (word) {
    case 'protected':
      return cell(word, 'good');
    case 'no-standby':
      return cell('no standby', 'warn');
    case 'failing-over':
      return cell('failing over', 'warn');
    case 'outage':
      return cell(word, 'bad');
    case 'paused':
      return cell(word, 'warn');
    default:
      return cell(word === '' ? '-' : word, 'plain');
  }
}

function nodeRow({ row }: ShownNode): Row {
  const own = row.state === 'this node';
  return [
    row.id,
    row.role,
    toned(row.state),
    own ? '-' : ago(row.lastHeardMs),
    toned(row.fit),
    readyCell(row.readiness),
    row.version,
  ];
}

/** How each node sees each address; who holds it by its word only where another says otherwise. */
function sightLines(own: StatusRow, nodes: readonly ShownNode[], look: Look): readonly string[] {
  const sights = own.addresses.flatMap(({ ip, holder }) =>
    nodes.map((node) => ({ ...sightOf(ip, node, own), known: holder })),
  );
  const differ = sights.some(({ holder, known }) => holder !== '-' && holder !== known);
  const rows = sights.map(({ ip, by, verdict, ageMs, holder, decision }): Row => {
    const seen = [ip, by, verdict === '-' ? '-' : toned(verdict), ageMs === null ? '-' : ago(ageMs)];
    return differ ? [...seen, holder, decision] : [...seen, decision];
  });
  const headings = ['address', 'seen by', 'verdict', 'how old', ...(differ ? ['holder'] : []), 'decision'];
  return table(headings, rows, look);
}

interface Sight {
  readonly ip: string;
  readonly by: string;
  readonly verdict: string;
  readonly ageMs: number | null;
  readonly holder: string;
  readonly decision: string;
}

/** What a node says itself; of one that can't be asked, what it told the others last. */
function sightOf(ip: string, { row, told }: ShownNode, own: StatusRow): Sight {
  const itself = row.state === 'this node' ? own : (told?.status ?? null);
  const address = itself?.addresses.find((each) => each.ip === ip);
  if (address === undefined) {
    const hearsay = row.verdicts.find((verdict) => verdict.ip === ip);
    const { verdict = '-', ageMs = null } = hearsay ?? {};
    return { ip, by: row.id, verdict, ageMs, holder: '-', decision: '-' };
  }
  const { verdict, ageMs, holder, outcome, reason } = address;
  const decision = outcome === '' ? '-' : `${outcome} (${reason})`;
  return {
    ip,
    by: row.id,
    verdict,
    ageMs: ageMs === null ? null : ageMs + (told?.ageMs ?? 0),
    holder,
    decision,
  };
}

/** Whether the node could take an address now; a word of its own for who needn't, or can't be asked. */
function readyCell(word: string): Cell {
  switch (word) {
    case 'ready':
      return cell('yes', 'good');
    case 'not-ready':
      return cell('no', 'warn');
    case 'dead':
      return cell('dead', 'bad');
    case 'unknown':
      return cell('unknown', 'warn');
    default:
      return cell(word, 'plain');
  }
}

function voteLines({ own, nodes }: ToldCluster, look: Look): readonly string[] {
  const told = nodes.flatMap(({ status }) => status ?? []);
  const rows = (told.length === 0 ? [own] : told).flatMap(({ self, addresses }) =>
    addresses.flatMap(({ ip, votes }) =>
      votes.map(({ voter, answer, reason }): Row => [ip, self.id, voter, toned(answer), reason]),
    ),
  );
  if (rows.length === 0) return [];
  return ['', ...table(['address', 'ballot of', 'voter', 'vote', 'reason'], rows, look)];
}

/** Nodes whose digests differ are configured with different voters, and never vote together. */
function electorateLines({ self, peers }: StatusRow, look: Look): readonly string[] {
  if (self.electorate === '') return [];
  const told = peers.filter(({ electorate, state }) => electorate !== '' && state !== 'dead');
  const others = told.filter(({ electorate }) => electorate !== self.electorate);
  const name = `Electorate ${self.electorate}`;
  if (others.length > 0) {
    const which = others.map(({ id, electorate }) => `${id} has ${electorate}`).join(', ');
    return ['', ...painted(`${name}; ${which}: they are configured with different voters`, 'warn', look)];
  }
  const where = told.length === peers.length ? 'every node' : 'every node that is heard';
  return ['', ...painted(`${name}, the same on ${where}`, 'plain', look)];
}
