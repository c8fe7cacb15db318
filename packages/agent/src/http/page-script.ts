import { UNSHOWN } from '@failtome/protocol';
import { CALM_REASONS } from '../cli/advice.ts';

/**
 * The status page's script. It runs in the browser as it stands here, and puts what it is told into the
 * document as text only, never as markup.
 */
export const PAGE_SCRIPT: string = `
'use strict';
const CALM = new Set(${JSON.stringify(CALM_REASONS)});
const POLL_MS = 2000, TIMEOUT_MS = 3000, MAX_HISTORY = 20;
const place = (id) => document.getElementById(id);
let answeredAt = null;
const UNSHOWN = new RegExp(${JSON.stringify(`[${UNSHOWN}]+`)}, 'gu');
const plainText = (text) => String(text).replaceAll(UNSHOWN, ' ');

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.map((child) => child instanceof Node ? child : plainText(child)));
  return node;
}

function say(id, told) {
  const text = plainText(told);
  if (place(id).textContent !== text) place(id).textContent = text;
}

function age(ms) {
  if (typeof ms !== 'number') return 'never';
  if (ms < 10000) return (ms / 1000).toFixed(1) + ' s';
  if (ms < 120000) return Math.round(ms / 1000) + ' s';
  if (ms < 7200000) return Math.round(ms / 60000) + ' min';
  return Math.round(ms / 3600000) + ' h';
}

const known = (value) => value === undefined || value === null || value === '' ? '–' : value;
const TONES = { up: 'good', fit: 'good', alive: 'good', down: 'bad', unfit: 'bad', dead: 'bad', suspect: 'warn', served: 'good' };
const toned = (word) => make('span', TONES[word] ?? '', known(word));

function holderText(holder) {
  if (holder?.kind === 'node') return holder.node;
  if (holder?.kind === 'none') return 'nobody';
  if (holder?.kind === 'other') return 'another instance' + (holder.instanceId ? ' (' + holder.instanceId + ')' : '');
  return 'unknown';
}

// Whether a node could take an address now; what would stand in the way shows on pointing at it.
const READY = { ready: ['good', 'yes'], 'not-ready': ['warn', 'no'], dead: ['bad', 'dead'] };
function readyMark(node) {
  const word = node.readiness?.word;
  const [tone, text] = READY[word] ?? ['', known(word)];
  const mark = make('span', tone, text);
  const because = node.readiness?.because ?? [];
  if (because.length > 0) mark.title = plainText(because.join('; '));
  return mark;
}

function showNode(node) {
  const { id, role, fit, state, heard } = node;
  const row = make('tr', '', ...[role, toned(fit), readyMark(node), toned(state), heard].map((cell) => make('td', '', known(cell))));
  const name = make('th', '', id);
  name.scope = 'row';
  row.prepend(name);
  return row;
}

function showNodes(status) {
  const self = { ...status.node, state: 'this node', heard: '–' };
  const peers = (status.peers ?? []).map((peer) => ({
    ...peer,
    heard: typeof peer.lastHeardMs === 'number' ? age(peer.lastHeardMs) + ' ago' : 'never',
  }));
  place('nodes').replaceChildren(...[self, ...peers].map(showNode));
}

function showGate(gate) {
  // Closed as it should be, because the address answers say, is no alarm.
  const calm = CALM.has(gate.code);
  const [tone, sign, label] = gate.state === 'passed' ? ['good', '✓', 'passed']
    : gate.state === 'closed' ? (calm ? ['', '■', 'closed, as it should be'] : ['bad', '✗', 'closed']) : ['faint', '·', 'not asked'];
  const mark = make('span', tone, sign);
  mark.setAttribute('role', 'img');
  mark.setAttribute('aria-label', plainText(label));
  const seen = typeof gate.ageMs === 'number' ? age(gate.ageMs) + ' ago' : '';
  return make('li', '', mark, make('span', gate.state === 'not-asked' ? 'faint' : '', gate.name),
    make('span', 'reason ' + (gate.state === 'closed' ? '' : 'faint'), known(gate.reason)), make('span', 'faint', seen));
}

function showAddress(address, why) {
  const facts = make('dl', '');
  const fact = (term, value) => facts.append(make('dt', '', term), make('dd', '', value));
  fact('Holder', holderText(address.holder));
  const seen = typeof address.ageMs === 'number' ? 'seen ' + age(address.ageMs) + ' ago' : 'not seen yet';
  fact('Answers from outside', make('span', '', toned(address.verdict), make('span', 'faint', ' · ' + seen)));
  fact('Hold-down', address.holdDownMs > 0 ? age(address.holdDownMs) + ' left' : 'none');
  const card = make('article', 'card', make('h3', '', address.ip), facts, make('h4', '', 'Would this node take it?'));
  if (why === null) return card.append(make('p', 'faint', 'not known at the moment')), card;
  card.append(make('p', '', make('strong', '', known(why.outcome)), ' — ' + known(why.reason) + (why.detail ? ': ' + why.detail : '')));
  card.append(make('ol', 'ladder', ...(why.gates ?? []).map(showGate)));
  return card;
}

// The browser's own time, with its zone: other nodes' logs are in UTC.
const clock = (at) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });

// What it was, and whose doing. A refusal moves nothing.
function entryTitle({ kind, address, from, to, node, result }) {
  if (kind === 'refusal' || kind === 'blocked') return kind + ' of ' + address + ', held by ' + known(from) + ', at ' + known(to);
  if (kind === 'vote') return 'vote of ' + known(node) + ' on ' + address + ' for ' + known(to);
  if (kind === 'change' && result === 'lost') return known(node) + ' lost ' + address + ' to ' + known(to);
  if (kind === 'change') return known(node) + ' saw ' + address + ' change hands: ' + known(from) + ' → ' + known(to);
  if (kind === 'order') return 'handover of ' + address + ' to ' + known(to) + ', as ordered';
  return kind + ' of ' + address + ': ' + known(from) + ' → ' + known(to);
}

function showEntry(entry) {
  const when = make('time', 'faint', clock(entry.at));
  when.dateTime = new Date(entry.at).toISOString();
  const total = (entry.steps ?? []).find((step) => step.step === 'total');
  const took = total ? ' in ' + age(total.durationMs) : '';
  return make('li', '', when, make('br', ''), entryTitle(entry) + ', ', toned(entry.result), took + '. ', make('span', 'faint', known(entry.reason)));
}

function showHistory(history) {
  const entries = history.slice(0, MAX_HISTORY).map(showEntry);
  place('history').replaceChildren(...(entries.length > 0 ? entries : [make('li', 'faint', 'Nothing has happened yet.')]));
}

function show(status, whys, history) {
  document.title = plainText(status.cluster + ' · ' + status.node.id + ' · failtome');
  say('cluster', 'Cluster ' + status.cluster);
  say('self', status.node.id + ' · ' + status.node.role + ' · failtome ' + status.version);
  const pause = status.pause;
  const paused = pause !== null && pause !== undefined && pause !== false && pause.paused !== false;
  const who = paused && pause.owner ? ' by ' + pause.owner : '';
  say('paused', paused ? 'Automatic takeover is paused' + who + (pause.reason ? ': ' + pause.reason : '.') : '');
  const open = (status.handovers ?? []).filter((one) => one.state === 'open').map((one) => 'Handover of ' + one.address + ' to ' + one.to
    + ' is open until ' + clock(one.until) + ', ordered by ' + known(one.by) + (one.reason ? ': ' + one.reason : '')
    + (one.detail ? ' (waits: ' + one.detail + ')' : ''));
  say('handovers', open.join(' · '));
  place('addresses').replaceChildren(...status.addresses.map((address, index) => showAddress(address, whys[index])));
  showNodes(status);
  showHistory(history);
}

async function read(path, signal) {
  const response = await fetch(path, { signal, cache: 'no-store' });
  if (!response.ok) throw new Error(path + ' answered ' + response.status);
  return response.json();
}

async function poll() {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const [status, history] = await Promise.all([read('v1/status', signal), read('v1/history?limit=' + MAX_HISTORY, signal)]);
    const whys = await Promise.all(status.addresses.map((address) =>
      read('v1/why?ip=' + encodeURIComponent(address.ip), signal).catch(() => null)));
    show(status, whys, history);
    answeredAt = Date.now();
    document.body.classList.remove('stale');
    say('stale', '');
  } catch {
    document.body.classList.add('stale');
    const since = answeredAt === null ? '' : ' What is shown was so at ' + new Date(answeredAt).toLocaleTimeString(undefined, { timeStyle: 'long' }) + '.';
    say('stale', 'The agent can’t be reached.' + since);
  }
  setTimeout(poll, POLL_MS);
}

poll();
`;
