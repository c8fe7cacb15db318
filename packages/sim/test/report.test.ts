import { readFileSync } from 'node:fs';
import { expect, describe as suite, test } from 'vitest';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { contextOf } from '../src/record/describe.ts';
import { createTraceBuffer, type RecordedRun, Recorder, withCauses } from '../src/record/index.ts';
import { MESSAGE_KINDS } from '../src/record/records.ts';
import { type Filter, GROUPS, groupOf, isArrowWanted, wantedRecords } from '../src/report/filter.ts';
import { renderReport } from '../src/report/index.ts';
import { modelOf } from '../src/report/model.ts';
import {
  arrowYs,
  clockText,
  distanceTo,
  firstWindow,
  LEAST_SPAN_MS,
  layoutOf,
  lengthText,
  messagesIn,
  panned,
  rowsOf,
  showing,
  ticksOf,
  within,
  zoomed,
} from '../src/report/scale.ts';
import { lowerBound, spanAt } from '../src/report/spans.ts';
import { createCluster, type World } from '../src/world/index.ts';

const PLAN: Plan = {
  title: 'a failover of <b>a</b> & "others" </script>',
  world: createCluster({ nodes: [{ id: 'a' }, { id: 'b' }, { id: 'c', role: 'witness' }] }).spec,
  timeline: [
    { atMs: 8_000, action: 'cut', with: { from: 'a', to: 'c' }, forMs: 2_000 },
    { atMs: 9_000, action: 'pause', with: { node: 'c' }, forMs: 500 },
    { atMs: 14_000, action: 'haproxy', with: { node: 'a', state: 'dead' }, forMs: 4_000 },
    { atMs: 18_500, action: 'crash', with: { node: 'a' }, forMs: 1_000 },
  ],
  ending: { kind: 'stop', atMs: 22_000 },
};

function recorded(plan: Plan, meddle: (world: World) => void = () => undefined): RecordedRun {
  const buffer = createTraceBuffer(Number.POSITIVE_INFINITY);
  const ends: (() => void)[] = [];
  runPlan(plan, {
    onWorld(world) {
      const recorder = new Recorder(world, { plan, title: plan.title, sink: buffer.take });
      ends.push(() => recorder.finish());
      meddle(world);
    },
  });
  for (const end of ends) end();
  return withCauses(buffer.run());
}

const run = recorded(PLAN);
const model = modelOf(run);
const layout = layoutOf(model);

suite('the model', () => {
  test('has a lane for each node, without gaps from begin to end', () => {
    expect(model.lanes.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'a candidate',
      'b candidate',
      'c witness',
    ]);
    for (const { process } of model.lanes) {
      expect(process[0]?.fromMs).toBe(0);
      expect(process.at(-1)?.toMs).toBe(22_000);
      for (const [index, span] of process.entries())
        if (index > 0) expect(span.fromMs).toBe(process[index - 1]?.toMs);
    }
  });

  test('shows what became of the processes', () => {
    const states = model.lanes.map(({ process }) => process.map(({ is }) => is));
    expect(states).toEqual([['alive', 'crashed', 'alive'], ['alive'], ['alive', 'paused', 'alive']]);
  });

  test('shows whose the address was, and who served', () => {
    const [address] = model.addresses;
    expect(address?.owners.map(({ is }) => is)).toEqual(['a', null, 'b']);
    expect(address?.served.map(({ is }) => is)).toEqual(['a', null, 'b']);
    // It stopped serving before it was taken away.
    expect(address?.served[1]?.fromMs).toBeLessThan(address?.owners[1]?.fromMs ?? 0);
  });

  test('shows verdict, stages and leases of the candidate', () => {
    const track = model.lanes[1]?.tracks[0];
    expect(track?.verdict.map(({ is }) => is)).toEqual(expect.arrayContaining(['up', 'down']));
    expect(track?.stage.map(({ is }) => is)).toEqual(
      expect.arrayContaining(['campaign', 'guard', 'releasing', 'taking', 'verifying']),
    );
    expect(track?.borrowed.length).toBeGreaterThan(0);
    for (const { is } of track?.borrowed ?? []) expect(is).toMatch(/^(a|c|a, c)$/);
    const lent = model.lanes[2]?.tracks[0]?.lent ?? [];
    expect(lent.map(({ is }) => is.to)).toContain('b');
  });

  test('a process that is no more sees nothing', () => {
    const track = model.lanes[0]?.tracks[0];
    expect(spanAt(track?.views ?? [], 18_400)?.is.verdict).toBeDefined();
    const crashed = model.lanes[0]?.process.find(({ is }) => is === 'crashed');
    const middle = ((crashed?.fromMs ?? 0) + (crashed?.toMs ?? 0)) / 2;
    const holds = ({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): boolean =>
      fromMs <= middle && middle < toMs;
    expect(track?.views.some(holds)).toBe(false);
    expect(track?.ladders.some(holds)).toBe(false);
    expect(model.lanes[0]?.states.some(holds)).toBe(false);
  });

  test('has every message between nodes once, in the order of sending', () => {
    const sent = run.records.filter(({ kind }) => kind === 'sent');
    expect(model.messages).toHaveLength(sent.length);
    const times = model.messages.map(({ sentMs }) => sentMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const lost = run.records.filter(({ kind }) => kind === 'lost');
    expect(model.messages.filter(({ fate }) => fate === 'lost')).toHaveLength(lost.length);
    for (const { sentMs, endMs } of model.messages)
      expect(endMs - sentMs).toBeLessThanOrEqual(model.longestMs);
  });

  test('has the faults, with whom they strike and how long', () => {
    const told = model.faults.map(({ name, lanes, fromMs, toMs }) => [name, lanes, fromMs, toMs]);
    expect(told).toEqual([
      ['cut', [0, 2], 8_000, 10_000],
      ['pause', [2], 9_000, 9_500],
      ['haproxy', [0], 14_000, 18_000],
      ['crash', [0], 18_500, 19_500],
    ]);
    expect(model.lanes[2]?.faulted).toEqual([{ fromMs: 8_000, toMs: 10_000, is: true }]);
  });

  test('puts second processes below all nodes', () => {
    const timeline = [{ atMs: 5_000, action: 'clone', with: { node: 'a' }, forMs: 2_000 }];
    const cloned = modelOf(recorded({ ...PLAN, timeline, ending: { kind: 'stop', atMs: 8_000 } }));
    expect(cloned.lanes.map(({ name, node }) => `${name} of ${node}`)).toEqual([
      'a of a',
      'b of b',
      'c of c',
      'a#2 of a',
    ]);
  });

  test('knows the violation', () => {
    expect(model.violation).toBeNull();
    const broken = recorded(PLAN, (world) => world.queue.at(15_000, () => world.violate('I1', 'b#1 did it')));
    const { violation } = modelOf(broken);
    expect(broken.records[violation ?? 0]).toMatchObject({ kind: 'violation', invariant: 'I1' });
    expect(broken.end?.violation?.causes.length).toBeGreaterThan(0);
  });

  test('of a cut recording begins where it was cut', () => {
    const buffer = createTraceBuffer(100_000);
    for (const entry of [run.header, ...run.records]) buffer.take(entry);
    const cut = modelOf(buffer.run());
    expect(cut.fromMs).toBeGreaterThan(5_000);
    expect(spanAt(cut.lanes[1]?.process ?? [], cut.fromMs)?.is).toBe('alive');
  });
});

suite('finding by halving', () => {
  const spans = [0, 10, 20].map((fromMs) => ({ fromMs, toMs: fromMs + 10, is: fromMs }));
  test.each([
    [0, 0],
    [9.9, 0],
    [10, 10],
    [29, 20],
    [30, 20],
  ])('at %d holds the span from %d', (at, is) => {
    expect(spanAt(spans, at)?.is).toBe(is);
  });

  test('before the first, after the last and in a gap, nothing holds', () => {
    expect(spanAt(spans, -1)).toBeNull();
    expect(spanAt(spans, 30.1)).toBeNull();
    expect(spanAt([{ fromMs: 0, toMs: 5, is: 0 }, ...spans.slice(1)], 7)).toBeNull();
    expect(spanAt([], 1)).toBeNull();
  });

  test.each([
    [-1, 0],
    [0, 0],
    [5, 1],
    [10, 1],
    [21, 3],
  ])('the first that is at least %d is number %d', (value, index) => {
    expect(lowerBound(3, (at) => at * 10, value)).toBe(index);
  });
});

suite('the window', () => {
  const whole = { fromMs: 0, toMs: 100_000 };

  test('zooms around a moment, which stays where it was', () => {
    const closer = zoomed({ fromMs: 10_000, toMs: 20_000 }, 0.5, 12_000, whole);
    expect(closer).toEqual({ fromMs: 11_000, toMs: 16_000 });
  });

  test('never leaves the run, is never longer, and never too short', () => {
    expect(zoomed({ fromMs: 0, toMs: 90_000 }, 4, 0, whole)).toEqual(whole);
    const least = zoomed({ fromMs: 10, toMs: 20 }, 1e-6, 15, whole);
    expect(least.toMs - least.fromMs).toBeCloseTo(LEAST_SPAN_MS);
    expect(panned({ fromMs: 10_000, toMs: 20_000 }, -50_000, whole)).toEqual({ fromMs: 0, toMs: 10_000 });
    expect(panned({ fromMs: 10_000, toMs: 20_000 }, 95_000, whole)).toEqual({
      fromMs: 90_000,
      toMs: 100_000,
    });
    expect(within({ fromMs: -5, toMs: 200_000 }, whole)).toEqual(whole);
  });

  test('moves only when a moment would be out of sight', () => {
    const window = { fromMs: 10_000, toMs: 20_000 };
    expect(showing(window, 15_000, whole)).toBe(window);
    expect(showing(window, 30_000, whole)).toEqual({ fromMs: 21_000, toMs: 31_000 });
    expect(showing(window, 5_000, whole)).toEqual({ fromMs: 4_000, toMs: 14_000 });
  });

  test('begins with what led to the moment', () => {
    const { fromMs, toMs } = firstWindow(50_000, 48_000, whole);
    expect(fromMs).toBeLessThan(48_000);
    expect(toMs).toBeGreaterThan(50_000);
    expect(toMs - fromMs).toBeLessThan(10_000);
  });
});

suite('the axis', () => {
  test.each([
    [0, 10_000, 5, [0, 2_000, 4_000, 6_000, 8_000, 10_000]],
    [0, 300_000, 6, [0, 60_000, 120_000, 180_000, 240_000, 300_000]],
    [1_000, 1_005, 5, [1_000, 1_001, 1_002, 1_003, 1_004, 1_005]],
  ])('from %d to %d has round ticks', (fromMs, toMs, most, ticks) => {
    expect(ticksOf({ fromMs, toMs }, most)).toEqual(ticks);
  });

  test.each([
    [1_234.5, 10_000, '1.234 s'],
    [61_500, 100_000, '1:01.5'],
    [61_500, 1_000_000, '1:02'],
    [5_000, 300_000, '5 s'],
    [20.1938, 1, '0.0202 s'],
  ])('%d within %d is %s', (at, span, text) => {
    expect(clockText(at, span)).toBe(text);
  });

  test.each([
    [2.0625, '2.06 ms'],
    [250, '250 ms'],
    [61_500, '1:01.500'],
  ])('%d lasts %s', (ms, text) => {
    expect(lengthText(ms)).toBe(text);
  });
});

suite('the layout', () => {
  test('puts lanes under one another, below faults and owners', () => {
    expect(layout.lanes).toHaveLength(3);
    for (const [index, { top, height }] of layout.lanes.entries()) {
      const above =
        index === 0
          ? layout.headPx
          : (layout.lanes[index - 1]?.top ?? 0) + (layout.lanes[index - 1]?.height ?? 0);
      expect(top).toBeGreaterThan(above);
      expect(top + height).toBeLessThan(layout.height);
    }
  });

  test('gives faults that overlap a row each', () => {
    expect(rowsOf(model)).toEqual([0, 1, 0, 0]);
  });

  test('arrows leave and reach the edges that face each other', () => {
    const [a, b] = layout.lanes;
    expect(arrowYs(layout, 0, 1)).toEqual([(a?.top ?? 0) + (a?.height ?? 0), b?.top]);
    expect(arrowYs(layout, 1, 0)).toEqual([b?.top, (a?.top ?? 0) + (a?.height ?? 0)]);
  });

  test('the mouse finds an arrow near it, and none far away', () => {
    const message = model.messages.find(({ from, to, fate }) => from === 0 && to === 1 && fate === 'arrived');
    if (message === undefined) throw new Error('no message');
    const xOf = (atMs: number): number => (atMs - message.sentMs) * 10;
    const [y1, y2] = arrowYs(layout, 0, 1);
    const middle = xOf(message.endMs) / 2;
    expect(distanceTo(message, layout, xOf, middle, (y1 + y2) / 2)).toBeCloseTo(0);
    expect(distanceTo(message, layout, xOf, middle, y1 - 50)).toBeGreaterThan(45);
  });

  test('every message in sight is in the range, also one that was sent before', () => {
    const window = { fromMs: 9_000, toMs: 9_600 };
    const [first, end] = messagesIn(model, window);
    for (const [index, { sentMs, endMs }] of model.messages.entries()) {
      const isSeen = sentMs <= window.toMs && endMs >= window.fromMs;
      if (isSeen) expect(index >= first && index < end).toBe(true);
    }
    expect(end - first).toBeLessThan(model.messages.length / 2);
  });
});

suite('the filter', () => {
  const context = contextOf(run.records);
  const names = model.lanes.map(({ name }) => name);
  const all: Filter = {
    kinds: new Set(MESSAGE_KINDS),
    groups: new Set(GROUPS),
    lanes: new Set(names),
    text: '',
  };
  const wanted = (change: Partial<Filter>) =>
    wantedRecords(run.records, { ...all, ...change }, context, names).map((index) => run.records[index]);

  test('lets everything through at first', () => {
    expect(wanted({})).toHaveLength(run.records.length);
  });

  test('by group leaves the other groups', () => {
    const left = wanted({ groups: new Set(['faults']) });
    expect(left.length).toBeGreaterThan(5);
    for (const record of left) expect(record === undefined ? '' : groupOf(record)).toBe('faults');
  });

  test('by kind of message leaves out sending, arrival and loss, and nothing else', () => {
    const left = wanted({ kinds: new Set(['ballot']) });
    const messages = left.filter((one) => one?.kind === 'sent' || one?.kind === 'arrived');
    expect(messages.length).toBeGreaterThan(1);
    expect(messages.length).toBeLessThan(40);
    expect(left.filter((one) => one?.kind === 'fact')).toEqual(
      run.records.filter(({ kind }) => kind === 'fact'),
    );
  });

  test('by node leaves what is of nobody', () => {
    const left = wanted({ lanes: new Set(['a', 'b']) });
    expect(left.some((one) => one !== undefined && 'who' in one && one.who === 'c')).toBe(false);
    expect(left.some((one) => one?.kind === 'owner')).toBe(true);
    expect(left.some((one) => one?.kind === 'sent' && one.to === 'c')).toBe(false);
  });

  test('by text finds lines, whatever their case', () => {
    const left = wanted({ text: 'Asking the voters about 198' });
    expect(left.map((one) => one?.kind)).toEqual(['fact']);
    expect(wanted({ text: 'no such line' })).toEqual([]);
  });

  test('leaves out the arrows of what it leaves out', () => {
    const arrows = (filter: Filter) =>
      model.messages.filter((message) => isArrowWanted(message, model, filter));
    expect(arrows(all)).toHaveLength(model.messages.length);
    expect(arrows({ ...all, groups: new Set(['facts']) })).toEqual([]);
    const ballots = arrows({ ...all, kinds: new Set(['ballot']) });
    expect(new Set(ballots.map(({ kind }) => kind))).toEqual(new Set(['ballot']));
    const ab = arrows({ ...all, lanes: new Set(['a', 'b']) });
    expect(ab.every(({ from, to }) => from < 2 && to < 2)).toBe(true);
  });
});

suite('the file', () => {
  const html = renderReport(run);

  test('holds the whole trace, and no title can end an element', () => {
    const start = html.indexOf('<script type="application/json" id="trace">');
    const text = html.slice(html.indexOf('>', start) + 1, html.indexOf('</script>', start));
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(run)));
    expect(html).toContain(
      '<title>a failover of &#60;b&#62;a&#60;/b&#62; &#38; &#34;others&#34; &#60;/script&#62;',
    );
  });

  test('ends exactly the three scripts that it begins', () => {
    expect(html.match(/<\/script>/g)).toHaveLength(3);
    expect(html.match(/<script/g)).toHaveLength(3);
  });

  test('loads nothing, and lets only its own script and style run', () => {
    const policy = /content-security-policy" content="([^"]+)"/.exec(html)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]+';/);
    expect(policy).toMatch(/style-src 'sha256-[A-Za-z0-9+/=]+';/);
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(html).not.toContain(' style="');
  });

  test('is the same each time', () => {
    expect(renderReport(run)).toBe(html);
  });
});

test('every colour that is drawn with stands in the style sheet, for the light and for the dark', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const style = read('../src/report/style.ts');
  const names = /const OWN = \[([^\]]*)\]/.exec(read('../src/report/client/palette.ts'))?.[1] ?? '';
  const own = [...names.matchAll(/'([a-z-]+)'/g)].map(([, name]) => name);
  expect(own.length).toBeGreaterThan(20);
  const colours = [...own, ...MESSAGE_KINDS];
  for (const name of colours) expect(style.split(` --${name}: `).length, name).toBe(3);
});
