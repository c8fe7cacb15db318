/** The report of a simulated run in a real browser: opened from disk, looked at, filtered, scrubbed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Plan, runPlan } from '../../packages/sim/src/plan/index.ts';
import { recordTo } from '../../packages/sim/src/report/index.ts';
import { createCluster, type World } from '../../packages/sim/src/world/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { heardFrom, launchBrowser, type WatchedPage } from './support/pages.ts';
import { toItsEnd } from './support/programs.ts';

const missing = has('chromium') ? '' : ' (skipped: there is no chromium; apt-get install -y chromium)';
const command = fileURLToPath(new URL('../../packages/sim/dist/failtome-sim.js', import.meta.url));
const PATIENCE_MS = 30_000;

const FAILOVER: Plan = {
  // Whoever can name a run can't run anything in the reader's browser.
  title: 'a failover </script><img src="x" alt="" onerror="document.title=1"> & more',
  world: createCluster({ nodes: [{ id: 'saturn' }, { id: 'neptune' }, { id: 'juno', role: 'witness' }] })
    .spec,
  timeline: [
    { atMs: 15_000, action: 'cut', with: { from: 'saturn', to: 'juno' }, forMs: 3_000 },
    { atMs: 20_000, action: 'haproxy', with: { node: 'saturn', state: 'dead' }, forMs: 10_000 },
    { atMs: 32_000, action: 'crash', with: { node: 'saturn' }, forMs: 4_000 },
  ],
  ending: { kind: 'stop', atMs: 45_000 },
};

type Opened = Pick<WatchedPage, 'page' | 'complaints' | 'asked'>;

describe.skipIf(!has('chromium'))(`the report in Chromium${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-report-'));
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    record('failover', FAILOVER);
    record('cut', { ...FAILOVER, title: 'a long run' }, () => undefined, 300_000);
    record('violated', { ...FAILOVER, title: 'a violation' }, (world) =>
      world.watch((event) => {
        if (event.kind === 'drive' && event.effect.operation.op === 'take')
          world.violate(
            'I1',
            `${event.by.run} calls take of ${event.effect.address} without its own verdict`,
          );
      }),
    );
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  function record(
    name: string,
    plan: Plan,
    meddle: (world: World) => void = () => undefined,
    maxChars?: number,
  ): void {
    const [traceFile, htmlFile] = [join(folder, `${name}.jsonl`), join(folder, `${name}.html`)];
    const recording = recordTo({ traceFile, htmlFile, maxChars }, plan, plan.title);
    runPlan(plan, {
      onWorld(world) {
        recording.onWorld(world);
        meddle(world);
      },
    });
    recording.finish();
  }

  async function open(name: string, colorScheme: 'light' | 'dark' = 'light', width = 1_400): Promise<Opened> {
    const page = await browser.newPage({ viewport: { width, height: 950 }, colorScheme });
    page.setDefaultTimeout(PATIENCE_MS);
    const heard = heardFrom(page);
    await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
    await page.locator('#list .row').first().waitFor();
    return { page, ...heard };
  }

  test('opens from disk, loads nothing, and complains of nothing', async () => {
    const { page, complaints, asked } = await open('failover');
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([
      pathToFileURL(join(folder, 'failover.html')).href,
    ]);
    expect(complaints).toEqual([]);
    expect(await page.locator('h1').textContent()).toBe(FAILOVER.title);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#violation').isVisible()).toBe(false);
    await page.close();
  });

  test('shows a lane for each node, arrows with their losses, faults, and whose the address is', async () => {
    const { page } = await open('failover');
    expect(await page.locator('#labels button b').allInnerTexts()).toEqual(['saturn', 'neptune', 'juno']);
    await page.keyboard.press('0');
    const losses = await drawnIn(page, (drawn) => drawn.lost > 0);
    expect(losses.nodes).toBe(3);
    expect(losses.messages).toBeGreaterThan(50);
    expect(await coloursOf(page, '#timeline')).toBeGreaterThan(8);
    expect(await coloursOf(page, '#head')).toBeGreaterThan(6);
    expect(await hover(page, '#head', /198\.51\.100\.200 belongs to neptune/)).toBe(true);
    expect(await hover(page, '#head', /fault: haproxy/)).toBe(true);
    await page.close();
  });

  test('the mouse on an arrow shows what it carries, and a click chooses it', async () => {
    const { page } = await open('failover');
    expect(await hover(page, '#timeline', /takeover ballot of neptune, epoch 1/)).toBe(true);
    expect(await page.locator('#tip pre').textContent()).toContain('"ballots"');
    await page.mouse.down();
    await page.mouse.up();
    const chosen = page.locator('#list .row[aria-selected=true]');
    await chosen.getByText('takeover ballot of neptune').waitFor();
    expect(await page.locator('#detail pre').textContent()).toContain('"candidate": "neptune"');
    await page.locator('#detail .causes').getByText('asking the voters about').waitFor();
    await page.close();
  });

  test('the scrubber changes the ladder of the chosen node', async () => {
    const { page } = await open('failover');
    const closed = page.locator('#node ol.ladder li.closed');
    await page.locator('#scrub').fill('12000');
    await page.locator('#moment').getByText('At 12.000').waitFor();
    await page.getByRole('tab', { name: 'saturn' }).click();
    await closed.getByText('is-holder: this node holds it').waitFor();
    await page.keyboard.press('2');
    await closed.getByText('address-up: the address answers').waitFor();
    await page.locator('#scrub').fill('31000');
    await closed.getByText('is-holder: this node holds it').waitFor();
    await page.keyboard.press('1');
    await page.locator('#scrub').fill('33000');
    await page.locator('#node').getByText('nothing: no process looks at it').waitFor();
    await page.close();
  });

  test('the list follows the scrubber, and keys go from record to record', async () => {
    const { page } = await open('failover');
    await page.locator('#scrub').fill('20000');
    const chosen = page.locator('#list .row[aria-selected=true]');
    await chosen.getByText('20.000').waitFor();
    const before = await chosen.getAttribute('id');
    await page.keyboard.press('ArrowRight');
    await page.locator(`#${before}[aria-selected=false]`).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.locator(`#${before}[aria-selected=true]`).waitFor();
    await page.keyboard.press('Shift+ArrowRight');
    await page.locator('#list .row.story[aria-selected=true]').waitFor();
    await page.keyboard.press('End');
    await page.locator('#moment').getByText('At 45.000').waitFor();
    expect(Number(await page.locator('#scrub').inputValue())).toBeCloseTo(45_000);
    await page.close();
  });

  test('filters leave out arrows and records', async () => {
    const { page } = await open('failover');
    await page.keyboard.press('0');
    const all = await drawnIn(page, ({ messages }) => messages > 0);
    const count = async (): Promise<number> =>
      Number((await page.locator('#count').textContent())?.split(' ')[0]);
    const records = await count();
    await page.getByLabel('heartbeat').uncheck();
    await page.getByLabel('refused').uncheck();
    const fewer = await drawnIn(page, ({ messages }) => messages !== all.messages);
    expect(fewer.messages).toBeGreaterThan(0);
    expect(await count()).toBeLessThan(records);
    await page.locator('#controls').getByLabel('messages').uncheck();
    await drawnIn(page, ({ messages }) => messages === 0);
    await page.locator('#controls').getByLabel('messages').check();
    await page.locator('#nodes').getByLabel('juno').uncheck();
    const withoutJuno = await drawnIn(page, ({ messages }) => messages > 0 && messages < fewer.messages);
    expect(withoutJuno.messages).toBeGreaterThan(0);
    await page.locator('#search').fill('Asking the VOTERS about');
    await page
      .locator('#count')
      .getByText(/^1 of /)
      .waitFor();
    expect(await page.locator('#list .row').allInnerTexts()).toHaveLength(1);
    await page.close();
  });

  test('a violation is the first thing that is seen, in red, with what led to it', async () => {
    const { page, complaints } = await open('violated', 'dark');
    const box = page.getByRole('alert');
    await box.getByText('without its own verdict').waitFor();
    const red = await page.evaluate<string>(
      "getComputedStyle(document.querySelector('[role=alert] strong')).color",
    );
    const [r = 0, g = 0, b = 0] = (red.match(/\d+/g) ?? []).map(Number);
    expect(r).toBeGreaterThan(Math.max(g, b) + 60);
    await page.locator('#list .row.violation[aria-selected=true]').waitFor();
    await page.getByRole('tab', { name: 'neptune', selected: true }).waitFor();
    await box.locator('summary').click();
    await box.getByText('asking the voters about').click();
    await page.locator('#list .row[aria-selected=true]').getByText('asking the voters about').waitFor();
    await box.getByRole('button', { name: 'show it' }).click();
    await page.locator('#list .row.violation[aria-selected=true]').waitFor();
    await page.locator('#detail .causes').getByText('fault: haproxy').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('of a long run that was cut it says so, and shows what still held', async () => {
    const { page, complaints } = await open('cut');
    await page.locator('#cut').getByText('This recording was cut').waitFor();
    await page.keyboard.press('Home');
    await page.locator('#node').getByText('alive').waitFor();
    expect(await page.locator('#node ol.ladder li').count()).toBe(19);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('fits a narrow window without scrolling sideways', async () => {
    const { page } = await open('failover', 'light', 700);
    const overhang = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overhang).toBeLessThanOrEqual(0);
    // However high the page: the list never makes a row for each record.
    expect(await page.locator('#list .row').count()).toBeLessThanOrEqual(150);
    await page.close();
  });

  test('a report of why shows the chance over time, with its jumps as sentences that lead there', async () => {
    const dead = (node: string, atMs: number) => ({
      atMs,
      action: 'haproxy',
      with: { node, state: 'dead' },
      forMs: null,
    });
    const plan: Plan = {
      ...FAILOVER,
      title: 'nobody is left',
      timeline: [dead('neptune', 4_000), dead('saturn', 6_000)],
      ending: { kind: 'stop', atMs: 12_000 },
    };
    record('outage', plan);
    const [trace, html] = [join(folder, 'outage.jsonl'), join(folder, 'why.html')];
    const asked = ['--outage', '2s', '--branches', '8', '--set', 'without=haproxy@4s', '--jobs', '1'];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [command, 'why', trace, ...asked, '--html', html],
      toItsEnd,
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^(\d+ s: \d+ runs?\n)+$/),
    });
    expect(stdout).toMatch(
      /1\. at 6\.000 s the chance rose from 0 % to 100 %\n +6\.000 s {2}world: fault: haproxy/,
    );
    const { page, complaints } = await open('why');
    const box = page.getByRole('region', { name: 'why there was an outage' });
    await box.getByText('was not answered for longer than 2 s').waitFor();
    expect(await box.locator('thead th').allInnerTexts()).toEqual(['', 'as it was', 'without=haproxy@4s']);
    expect(await page.locator('#likelihood').getAttribute('aria-label')).toContain(
      'at 6.000 s the chance rose',
    );
    expect(await coloursOf(page, '#likelihood')).toBeGreaterThan(3);
    await page.keyboard.press('End');
    await page.locator('#moment').getByText('At 12.000').waitFor();
    await box.getByRole('button', { name: 'the chance rose from 0 % to 100 %' }).click();
    await page.locator('#moment').getByText('At 6.000').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
    const { page: other } = await open('failover');
    expect(await other.locator('#why:visible, #likelihood:visible').count()).toBe(0);
    await other.close();
  });

  test('the built command writes the same report of the same trace', async () => {
    const html = join(folder, 'again.html');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [command, 'replay', join(folder, 'failover.jsonl'), '--html', html],
      toItsEnd,
    );
    expect(stdout).toMatch(/same trace: hash [0-9a-f]{16}, /);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { page, complaints } = await open('again');
    expect(await page.locator('#labels button b').allInnerTexts()).toEqual(['saturn', 'neptune', 'juno']);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

interface Drawn {
  readonly nodes: number;
  readonly messages: number;
  readonly lost: number;
}

/** What the picture says that it shows, once that is so. */
async function drawnIn(page: Page, isSo: (drawn: Drawn) => boolean): Promise<Drawn> {
  const timeline = page.locator('#timeline');
  let drawn: Drawn = { nodes: 0, messages: 0, lost: 0 };
  await expect
    .poll(
      async () => {
        const [nodes = 0, messages = 0, lost = 0] = (
          (await timeline.getAttribute('aria-label'))?.match(/\d+/g) ?? []
        ).map(Number);
        drawn = { nodes, messages, lost };
        return isSo(drawn);
      },
      { timeout: PATIENCE_MS },
    )
    .toBe(true);
  return drawn;
}

/** How many colours a canvas really shows. */
function coloursOf(page: Page, canvas: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('${canvas}');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}

/** Find the place of a canvas where the mouse is told that, and move it there; false when there is none. */
async function hover(page: Page, canvas: string, says: RegExp): Promise<boolean> {
  const place = await page.evaluate<{ readonly x: number; readonly y: number } | null>(`(() => {
    const canvas = document.querySelector('${canvas}');
    const tip = document.querySelector('#tip');
    const { left, top, right, bottom } = canvas.getBoundingClientRect();
    for (let y = top + 4; y < bottom; y += 5)
      for (let x = left + 2; x < right; x += 3) {
        canvas.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: y, bubbles: true }));
        if (!tip.hidden && ${says}.test(tip.textContent)) return { x, y };
      }
    return null;
  })()`);
  if (place === null) return false;
  await page.mouse.move(0, 0);
  await page.mouse.move(place.x, place.y);
  return says.test((await page.locator('#tip:visible').textContent()) ?? '');
}
