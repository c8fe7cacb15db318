/** The status page in a real browser: each state as a person reads it, that it follows what happens, and that it complains of nothing. */
import { describe, expect } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import {
  jumped,
  leastContrast,
  openPage,
  type WatchedPage,
  watchJumps,
  withBrowser,
} from './support/pages.ts';
import { scenario } from './support/scenario.ts';

const missing = has('chromium') ? '' : ' (skipped: there is no chromium; apt-get install -y chromium)';

/** WCAG 2.2, 1.4.3 (AA). */
const enough = 4.5;

/** The row of a question in the table of the nodes. */
function row({ page }: WatchedPage, question: string) {
  return page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: question }) });
}

/** Who serves an address, and who would: the same for the eye as what is read out. */
function serves({ address }: WatchedPage, ip?: string) {
  return address(ip).locator('.serves');
}

/** The state's colour. */
async function backgroundOf({ page }: WatchedPage): Promise<string> {
  return String(await page.evaluate("getComputedStyle(document.querySelector('.address')).backgroundColor"));
}

/** It asked nobody else, and nothing went wrong in it. */
function expectQuiet({ complaints, asked }: WatchedPage, url: string): void {
  expect(complaints).toEqual([]);
  expect(asked.filter((one) => !one.startsWith(url) && !one.startsWith('data:'))).toEqual([]);
}

describe.skipIf(!has('chromium'))(`the status page in Chromium${missing}`, () => {
  scenario(
    'protected, then a failover as it happens, then no standby; from the other node, too',
    {},
    (scene) =>
      withBrowser(async (browser) => {
        const { cluster } = scene;
        const { url } = cluster.node('neptune').agent.api;
        const seen = await openPage(browser, url);
        const { page, reads, address } = seen;
        await reads('Protected');
        await serves(seen).getByText('saturn serves. neptune would take over.').waitFor();
        await page.getByText('Live, as of').waitFor();
        expect(await page.title()).toBe('Protected · web · failtome');
        await row(seen, 'Last word').getByText('this node').waitFor();
        await row(seen, 'Could take over').getByText('yes').waitFor();
        await page.getByText('Nothing has happened yet.').waitFor();
        expect(await page.getByText('they differ').count()).toBe(0);

        // Nothing is wrong, so the ladders are folded. One gate is closed, as it should be, and no alarm.
        expect(await page.locator('details.ladder[open]').count()).toBe(0);
        await page.locator('summary').filter({ hasText: 'neptune on' }).click();
        const ladder = page.locator('details.ladder[open]');
        await ladder.getByRole('img', { name: 'closed, as it should be' }).waitFor();
        expect(await ladder.getByRole('img', { name: 'closed', exact: true }).count()).toBe(0);
        expect(await ladder.getByRole('img', { name: 'not asked' }).count()).toBeGreaterThan(0);
        expect(await ladder.getByRole('img', { name: 'passed' }).count()).toBeGreaterThan(0);
        await seen.picture('healthy');
        const dark = await openPage(browser, url, { dark: true });
        await dark.reads('Protected');
        for (const one of [seen, dark])
          expect(await leastContrast(one.page)).toSatisfy(({ ratio }) => ratio >= enough);
        await dark.picture('healthy-dark');

        // Nothing jumps while nothing happens.
        await watchJumps(page);
        const moment = await page.locator('.feed time').textContent();
        await scene.eventually(
          'the page to go on',
          async () => (await page.locator('.feed time').textContent()) !== moment,
        );
        await scene.probedMore('neptune', 10);
        expect(await jumped(page)).toEqual([]);

        // Nobody reloads it. The call takes its time, so that what runs can be seen.
        const other = await openPage(browser, cluster.node('saturn').agent.api.url);
        await other.reads('Protected');
        const slow = { kind: 'slow', applyAfterMs: 1_500, answerAfterMs: 0 } as const;
        cluster.cloud.fault.arm({ action: 'ec2:AssociateAddress', effect: slow });
        await cluster.node('saturn').web.kill();
        await Promise.all([reads('Failing over'), other.reads('Failing over')]);
        expect(await backgroundOf(seen)).toBe('rgb(11, 87, 176)');
        await serves(seen).getByText('neptune takes it over.').waitFor();
        await Promise.all(
          [seen, other].map((one) => one.page.locator('li.now').getByText('under way').waitFor()),
        );
        await page.locator('li.now').getByText('taking the address').first().waitFor();
        await seen.picture('failing-over');
        await scene.moved('neptune');
        const story = page
          .locator('.stories > li')
          .filter({ hasText: `Takeover of ${cluster.address}, saturn → neptune` });
        await story.getByText('served').waitFor();
        await story.getByText('noticed').first().waitFor();
        await Promise.all([reads('No standby'), other.reads('No standby')]);
        const reason = address().getByRole('link', { name: 'local-unfit' });
        await reason.waitFor();
        await seen.picture('no-standby');
        await other.page.locator('.stories').getByText('saturn → neptune').waitFor();
        expect(await leastContrast(page)).toSatisfy(({ ratio }) => ratio >= enough);
        for (const one of [seen, other]) expect(one.complaints).toEqual([]);
        expectQuiet(seen, url);

        // The link leads to what to do about it, on the same node.
        await reason.click();
        await page.waitForURL('**/operations#local-unfit');
        await page.getByRole('heading', { name: 'Operating failtome' }).waitFor();
        expectQuiet(seen, url);
      }),
  );

  scenario('paused, handed over, an outage that nobody may end, and an agent that is gone', {}, (scene) =>
    withBrowser(async (browser) => {
      const { cluster } = scene;
      const neptune = cluster.node('neptune');
      const { url } = neptune.agent.api;
      const seen = await openPage(browser, url);
      const { page, reads, address } = seen;
      await reads('Protected');
      await scene.command('saturn', 'pause', '--for', '1h', '--reason', 'kernel upgrade');
      await reads('Paused');
      await page.getByText('Automatic takeover is paused').waitFor();
      await page.getByText('kernel upgrade').first().waitFor();
      expect(await page.title()).toBe('Paused · web · failtome');
      await seen.picture('paused');

      await cluster.node('saturn').web.kill();
      await reads('Outage');
      await serves(seen).getByText('and nobody takes it over.').waitFor();
      await address().getByRole('link', { name: 'paused' }).waitFor();
      await address().getByText('failtome resume').waitFor();
      expect(await page.title()).toBe('Outage · web · failtome');
      expect(await backgroundOf(seen)).toBe('rgb(168, 32, 26)');
      expect(await page.locator('details.ladder[open]').filter({ hasText: 'neptune on' }).count()).toBe(1);
      await seen.picture('outage');
      expect(await leastContrast(page)).toSatisfy(({ ratio }) => ratio >= enough);
      await cluster.node('saturn').web.start();
      await reads('Paused');
      await scene.command('saturn', 'resume');
      await reads('Protected');
      expect(seen.complaints).toEqual([]);

      // A peer that is gone: what it said last is marked as old, and why.
      await cluster.node('saturn').agent.kill();
      await row(seen, 'Last word').getByText('no answer for').waitFor();
      await row(seen, 'Hears').getByText('saturn is dead').waitFor();
      await page.locator('th.old').getByText('saturn').waitFor();
      await seen.picture('peer-gone');
      cluster.node('saturn').agent.start();
      await reads('Protected');

      await neptune.agent.kill();
      await page.getByRole('alert').getByText('neptune gives no answer.').waitFor();
      await reads('Last known: Protected');
      await scene.eventually(
        'the title to tell it',
        async () => (await page.title()) === 'No answer of neptune · web · failtome',
      );
      await seen.picture('agent-gone');
      neptune.agent.start();
      await page.getByRole('alert').getByText('neptune gives no answer.').waitFor({ state: 'hidden' });
      await page.getByText('Live, as of').waitFor();
    }),
  );

  scenario(
    'a witness shows the whole cluster, on a phone, without a script, by the keyboard, and to who may read alone',
    {
      nodes: [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto', role: 'witness' }],
      settings: { agreement: { lease: '8s' } },
    },
    (scene) =>
      withBrowser(async (browser) => {
        const { url } = scene.cluster.node('pluto').agent.api;
        const phone = await openPage(browser, url, { width: 390 });
        await phone.reads('Protected');
        await row(phone, 'Could take over').getByText('never (witness)').waitFor();
        await row(phone, 'Config').waitFor();
        await phone.page.getByText('answers of nodes: 3 of 3').waitFor();
        expect(await phone.page.getByText('they differ').count()).toBe(0);
        // Only the table of the nodes is wider than the screen, and scrolls in itself.
        const wide = await phone.page.evaluate('document.documentElement.scrollWidth');
        expect(wide).toBeLessThanOrEqual(390);
        await phone.picture('phone');
        const desk = await openPage(browser, url);
        await desk.reads('Protected');
        await desk.picture('witness');

        const plain = await openPage(browser, url, { javaScriptEnabled: false });
        await plain.reads('Protected');
        await plain.page.getByText('As of').waitFor();

        // Everything that can be done by the mouse can be by the keyboard.
        const focused = new Set<string>();
        for (let i = 0; i < 12; i += 1) {
          await desk.page.keyboard.press('Tab');
          focused.add(
            String(
              await desk.page.evaluate('document.activeElement.tagName + document.activeElement.className'),
            ),
          );
        }
        expect([...focused]).toEqual(expect.arrayContaining(['SECTIONwide', 'SUMMARY', 'A']));
        for (const one of [phone, desk]) expectQuiet(one, url);
      }),
  );

  scenario(
    'two addresses have a state each, and the title tells of the worse one',
    {
      nodes: [
        { id: 'saturn', instance: { privateIps: [['10.0.1.11', '10.0.1.21']] } },
        { id: 'neptune', instance: { privateIps: [['10.0.1.12', '10.0.1.22']] } },
      ],
      addresses: [
        { holder: 'saturn', landing: { saturn: '10.0.1.11', neptune: '10.0.1.22' } },
        { holder: 'neptune', landing: { saturn: '10.0.1.21', neptune: '10.0.1.12' } },
      ],
    },
    (scene) =>
      withBrowser(async (browser) => {
        const { cluster } = scene;
        const [first = '', second = ''] = cluster.addresses;
        const { url } = cluster.node('saturn').agent.api;
        const seen = await openPage(browser, url);
        await seen.reads('Protected', first);
        await seen.reads('Protected', second);
        await serves(seen, second).getByText('saturn would take over.').waitFor();
        await seen.picture('two-addresses');
        await cluster.node('neptune').agent.kill();
        await seen.reads('No standby', first);
        await seen.address(first).getByRole('link', { name: 'dead' }).waitFor();
        expect(await seen.page.title()).toContain('No standby of ');
        await seen.picture('two-addresses-one-node');
        expect(await seen.page.locator('details.ladder[open]').count()).toBe(1);
        expectQuiet(seen, url);
      }),
  );
});
