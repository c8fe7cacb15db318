/** Status pages in a real browser: what they complain of, what they ask for, how much they jump; pictures where they are wanted. */
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { findProgram } from '../../../scripts/requirements.mjs';
import { patienceMs } from './scenario.ts';

/** The folder for pictures of what a test sees; none is made where the environment names none. */
const pictures = process.env.FAILTOME_PICTURES;

/** A page with everything that it complains of and asks for. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
  readonly asked: string[];
  /** The article of an address, or of the only one. */
  address(ip?: string): Locator;
  /** Waits for the state of an address, or of the only one, as a person reads it. */
  reads(state: string, ip?: string): Promise<void>;
  /** A picture of it, where pictures are wanted. */
  picture(name: string): Promise<void>;
}

export interface PageOptions {
  readonly width?: number;
  readonly dark?: boolean;
  readonly javaScriptEnabled?: boolean;
}

/** A browser, for who closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram('chromium') ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** What a page complains of and asks for from now on. */
export function heardFrom(page: Page): Pick<WatchedPage, 'complaints' | 'asked'> {
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
  return { complaints, asked };
}

/** A browser, closed whatever happens. */
export async function withBrowser(run: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await launchBrowser();
  try {
    await run(browser);
  } finally {
    await browser.close();
  }
}

/** Opens a page, and listens to it from its first moment on. */
export async function openPage(
  browser: Browser,
  url: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const { width = 1_100, dark = false, javaScriptEnabled = true } = options;
  const context = await browser.newContext({
    viewport: { width, height: 1_000 },
    colorScheme: dark ? 'dark' : 'light',
    javaScriptEnabled,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const heard = heardFrom(page);
  await page.goto(url);
  const address = (ip?: string): Locator => {
    const all = page.locator('article.address');
    return ip === undefined ? all : all.filter({ hasText: ip });
  };
  return {
    page,
    ...heard,
    address,
    reads: (state, ip) => address(ip).getByRole('heading', { name: state }).waitFor(),
    async picture(name) {
      if (pictures !== undefined)
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    },
  };
}

/** From now on, how far what is shown jumps (https://web.dev/articles/cls): read by `jumped`. */
export async function watchJumps(page: Page): Promise<void> {
  await page.evaluate(`
    window.jumps = [];
    new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries())
        window.jumps.push(...sources.map(({ node }) => (node?.outerHTML ?? node?.data ?? 'gone').slice(0, 120)));
    }).observe({ type: 'layout-shift' });
  `);
}

/** What has jumped since. */
export function jumped(page: Page): Promise<unknown> {
  return page.evaluate('window.jumps');
}

/** The least contrast of any text with what is behind it (WCAG 2.2, 1.4.3), and which text that is. */
export async function leastContrast(page: Page): Promise<{ readonly ratio: number; readonly text: string }> {
  return page.evaluate(CONTRAST) as Promise<{ ratio: number; text: string }>; // as it is written below
}

const CONTRAST = `(() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const backOf = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = numbers(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let least = { ratio: 21, text: '' };
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || !element.checkVisibility() || element.closest('.hidden, script') !== null) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(backOf(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least.ratio) least = { ratio, text: element.textContent.trim() };
  }
  return least;
})()`;
