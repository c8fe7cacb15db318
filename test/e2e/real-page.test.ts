/** The status page in a real browser: what it shows, that it follows a failover, and that it complains of nothing. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { scenario } from './support/scenario.ts';

const missing = has('chromium') ? '' : ' (skipped: there is no chromium; apt-get install -y chromium)';
const patienceMs = 60_000;

/** A page with everything that it complains of and asks for. */
async function open(
  browser: Browser,
  url: string,
): Promise<{ readonly page: Page; readonly complaints: string[]; readonly asked: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1_000, height: 1_400 } });
  page.setDefaultTimeout(patienceMs);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, complaints, asked };
}

describe.skipIf(!has('chromium'))(`the status page in Chromium${missing}`, () => {
  scenario(
    'shows nodes, holder and ladder, follows a failover, and says when the agent is gone',
    {},
    async (scene) => {
      const { cluster } = scene;
      const neptune = cluster.node('neptune').agent;
      const browser = await chromium.launch({
        executablePath: findProgram('chromium') ?? '',
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      });
      try {
        const { page, complaints, asked } = await open(browser, neptune.api.url);
        await page.getByRole('heading', { name: 'Cluster web' }).waitFor();
        const row = (id: string) =>
          page.locator('#nodes tr', { has: page.getByRole('rowheader', { name: id }) });
        await row('saturn').getByText('alive').waitFor();
        await row('neptune').getByText('this node').waitFor();
        const card = page.locator('article', { hasText: cluster.address });
        const holder = card.locator('dd').first();
        await holder.getByText('saturn').waitFor();
        await card.getByText('address-up').first().waitFor();
        const gates = await card.locator('ol.ladder li').allInnerTexts();
        for (const gate of ['role', 'not-holder', 'verdict', 'agreement', 'guard', 'lease'])
          expect(
            gates.some((text) => text.includes(gate)),
            gate,
          ).toBe(true);
        // A healthy standby: one gate is closed, as it should be, and no alarm is shown.
        await card.getByRole('img', { name: 'closed, as it should be' }).waitFor();
        expect(await card.getByRole('img', { name: 'closed', exact: true }).count()).toBe(0);
        expect(await card.getByRole('img', { name: 'not asked' }).count()).toBeGreaterThan(0);
        await row('saturn').getByText('holder').waitFor();
        await row('neptune').getByText('yes').waitFor();
        await page.locator('#history').getByText('Nothing has happened yet.').waitFor();

        // Nobody reloads it.
        await cluster.node('saturn').web.kill();
        await scene.moved('neptune');
        await holder.getByText('neptune').waitFor();
        await card.getByText('is-holder').first().waitFor();
        const entry = page.locator('#history li').first();
        await entry.getByText(`takeover of ${cluster.address}: saturn → neptune`).waitFor();
        await entry.getByText('served').waitFor();
        expect(complaints).toEqual([]);
        // It loads nothing from anywhere else.
        expect(asked.filter((url) => !url.startsWith(neptune.api.url) && !url.startsWith('data:'))).toEqual(
          [],
        );

        await neptune.kill();
        await page.getByRole('alert').getByText('The agent can’t be reached.').waitFor();
        neptune.start();
        await page.getByRole('alert').getByText('The agent can’t be reached.').waitFor({ state: 'hidden' });
      } finally {
        await browser.close();
      }
    },
  );
});
