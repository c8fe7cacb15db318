/** Filters, zoom, keys, and what stands above it all. */
import { counted } from '@failtome/protocol';
import { MESSAGE_KINDS, type MessageKind } from '../../record/records.ts';
import { GROUPS, type Group } from '../filter.ts';
import { clockText, panned, zoomed } from '../scale.ts';
import type { App } from './app.ts';
import { make, makeButton, place } from './dom.ts';
import { causeLine } from './panel.ts';

const CLOSER = 0.5;
const SEARCH_AFTER_MS = 150;

/** Show the head of the page with its filters and buttons, and heed them. */
export function createControls(app: App): void {
  showHead(app);
  showViolation(app);
  checks<MessageKind>(
    'kinds',
    MESSAGE_KINDS,
    (kind) => `k-${kind}`,
    (kinds) => app.set({ filter: { ...app.view().filter, kinds } }),
  );
  checks<Group>(
    'groups',
    GROUPS,
    () => '',
    (groups) => app.set({ filter: { ...app.view().filter, groups } }),
  );
  const names = app.model.lanes.map(({ name }) => name);
  checks(
    'nodes',
    names,
    () => '',
    (lanes) => app.set({ filter: { ...app.view().filter, lanes } }),
  );
  search(app);
  place('zoom-in').addEventListener('click', () => zoom(app, CLOSER));
  place('zoom-out').addEventListener('click', () => zoom(app, 1 / CLOSER));
  place('zoom-all').addEventListener('click', () => app.set({ window: app.whole }));
  document.addEventListener('keydown', (event) => onKey(app, event));
}

function zoom(app: App, factor: number): void {
  const { window, cursorMs } = app.view();
  const seen = cursorMs >= window.fromMs && cursorMs <= window.toMs;
  const around = seen ? cursorMs : (window.fromMs + window.toMs) / 2;
  app.set({ window: zoomed(window, factor, around, app.whole) });
}

function checks<T extends string>(
  id: string,
  of: readonly T[],
  swatch: (one: T) => string,
  onChange: (chosen: ReadonlySet<T>) => void,
): void {
  const chosen = new Set<T>(of);
  for (const one of of) {
    const box = make('input', '');
    box.type = 'checkbox';
    box.checked = true;
    box.addEventListener('change', () => {
      if (box.checked) chosen.add(one);
      else chosen.delete(one);
      onChange(new Set(chosen));
    });
    const colour = swatch(one);
    place(id).append(
      make('label', '', box, ...(colour === '' ? [] : [make('span', `swatch ${colour}`)]), one),
    );
  }
}

function search(app: App): void {
  const box = place<HTMLInputElement>('search');
  let planned: ReturnType<typeof setTimeout> | undefined;
  box.addEventListener('input', () => {
    clearTimeout(planned);
    planned = setTimeout(
      () => app.set({ filter: { ...app.view().filter, text: box.value } }),
      SEARCH_AFTER_MS,
    );
  });
}

function showHead({ run, model }: App): void {
  const { header, end, records, cut } = run;
  place('title').textContent = header.title;
  const outcome = place('outcome');
  if (end === null) [outcome.textContent, outcome.className] = ['the recording has no end', 'warn'];
  else if (end.violation === null) [outcome.textContent, outcome.className] = ['no violation', 'good'];
  else [outcome.textContent, outcome.className] = [`${end.violation.invariant} violated`, 'bad'];
  const numbers = [
    counted(header.cluster.nodes.length, 'node'),
    header.cluster.driver,
    `${clockText(model.toMs, 15_000)} of virtual time`,
    ...(end === null ? [] : [counted(end.events, 'event')]),
    counted(records.length, 'record'),
    ...(end === null ? [] : [`hash ${end.hash}`]),
    `failtome ${header.failtome}`,
  ];
  place('numbers').textContent = numbers.join(' · ');
  if (cut === null) return;
  place('cut').hidden = false;
  place('cut').textContent =
    `This recording was cut: of what happened before ${clockText(cut.fromMs, 0)} there is only what still held then (${counted(cut.dropped, 'record')} missing).`;
}

function showViolation(app: App): void {
  const { violation } = app.run.end ?? {};
  const at = app.model.violation;
  if (violation == null || at === null) return;
  const go = makeButton('show it', '', () => app.select(at));
  const box = place('violation');
  box.hidden = false;
  const head = make('strong', '', `${violation.invariant} violated`);
  const when = ` at ${clockText(violation.atMs, 0)}, step #${violation.step}: `;
  box.append(make('p', '', head, when, violation.detail, ' ', go));
  const numbers = new Set(violation.causes);
  const causes = app.run.records.flatMap(({ n }, index) => (numbers.has(n) ? [index] : []));
  const list = make('ol', '', ...causes.map((index) => make('li', '', causeLine(app, index))));
  if (causes.length > 0)
    box.append(
      make('details', '', make('summary', '', `What led to it: ${counted(causes.length, 'record')}`), list),
    );
  const button = place('to-violation');
  button.hidden = false;
  button.addEventListener('click', () => app.select(at));
}

function onKey(app: App, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  if (target instanceof HTMLInputElement && target.type === 'search') {
    if (event.key === 'Escape') target.blur();
    return;
  }
  if (doKey(app, event.key, event.shiftKey)) event.preventDefault();
}

/** Whether the key means something. */
function doKey(app: App, key: string, shift: boolean): boolean {
  const { window, cursorMs } = app.view();
  const part = (window.toMs - window.fromMs) / 100;
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      app.go(1, shift);
      return true;
    case 'ArrowLeft':
    case 'ArrowUp':
      app.go(-1, shift);
      return true;
    case ',':
      app.goTo(cursorMs - part);
      return true;
    case '.':
      app.goTo(cursorMs + part);
      return true;
    case 'PageUp':
    case 'PageDown':
      app.set({ window: panned(window, (key === 'PageUp' ? -80 : 80) * part, app.whole) });
      return true;
    case '+':
    case '=':
      zoom(app, CLOSER);
      return true;
    case '-':
      zoom(app, 1 / CLOSER);
      return true;
    case '0':
      app.set({ window: app.whole });
      return true;
    case 'Home':
      app.goTo(app.whole.fromMs);
      return true;
    case 'End':
      app.goTo(app.whole.toMs);
      return true;
    case '/':
      place('search').focus();
      return true;
    case 'v':
      if (app.model.violation !== null) app.select(app.model.violation);
      return true;
    default:
      return chooseLane(app, key);
  }
}

function chooseLane(app: App, key: string): boolean {
  const lane = Number(key) - 1;
  if (!/^[1-9]$/.test(key) || lane >= app.model.lanes.length) return false;
  app.set({ lane });
  return true;
}
