/** The report in a real browser: nothing is loaded or run, it can be read and used, whatever the screen and the input. */
import { h } from 'preact';
import { render } from 'preact-render-to-string';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repetitions } from './html/repetition-table.tsx';
import { renderHtml } from './html.tsx';
import { RunResultBuilder } from './results.ts';
import { TestBrowser, type Viewport } from './testing/browser.ts';
import { lowContrast } from './testing/contrast.ts';
import { loadedOf, syntheticHistory, syntheticRun } from './testing/synthetic.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await TestBrowser.start();
});
afterAll(async () => await browser[Symbol.asyncDispose]());

const run = syntheticRun();
const html = renderHtml(run.result, loadedOf(run.scenarios));

const desktop: Viewport = { width: 1_280, height: 900, scheme: 'light' };
const viewports: readonly (readonly [string, Viewport])[] = [
  ['a desktop in light', desktop],
  ['a desktop in dark', { ...desktop, scheme: 'dark' }],
  ['a phone in light', { width: 390, height: 844, scheme: 'light' }],
  ['a phone in dark', { width: 390, height: 844, scheme: 'dark' }],
];

describe.each(viewports)('on %s', (_name, viewport) => {
  test('it loads nothing, runs nothing, fits, and can be read', async () => {
    const { page, complaints } = await browser.open(html, viewport);
    // With everything unfolded, so that everything is looked at.
    await page.evaluate(() => {
      for (const one of document.querySelectorAll('details')) one.open = true;
    });
    const widths = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    expect(widths[0]).toBe(widths[1]);
    expect(await page.evaluate(lowContrast)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

test('a module with a long path fits on a phone', async () => {
  const application = ['--application', `services/${'x'.repeat(40)}/consumer.ts`];
  const { page } = await browser.open(
    renderHtml({ ...run.result, options: { ...run.result.options, application } }, loadedOf(run.scenarios)),
    { width: 390, height: 844, scheme: 'light' },
  );
  const heading = page.getByRole('heading', { level: 1 });
  expect(await heading.textContent()).toContain(application[1]);
  expect(await heading.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
  await page.close();
});

describe('a person who never saw the project', () => {
  test('finds which member delivered what twice and why', async () => {
    const { page } = await browser.open(html, desktop);
    const table = page.getByRole('region', { name: 'records processed again' }).first();
    expect(await table.isVisible()).toBe(true);
    const rows = await table.getByRole('row').allInnerTexts();
    const row = rows.find((text) => text.includes('orders-1') && text.includes('m2.1'));
    // What, by whom and when first, by whom and when again, and why.
    expect(row).toMatch(/orders-1 offsets? \d+/);
    expect(row).toMatch(/m2\.1\s+[\d.]+ s( to [\d.]+ s)?, (\d+ of \d+ )?finished/);
    expect(row).toMatch(/m3\.1\s+/);
    expect(row).toContain('after the crash of m2.1, m3.1 went on with orders-1 at offset 12');
    await page.close();
  });
});

test('of much that came again, what was too much and what came first is in sight, and the rest can be unfolded', async () => {
  const rows = Array.from({ length: 40 }, (_, offset) => {
    const turn = { process: 'm1.1', timeMs: 1_000 + offset };
    return {
      ...{ group: 'billing', topic: 'orders', partition: 0, firstOffset: offset, lastOffset: offset },
      ...{ firstRecord: `p-${offset}`, lastRecord: `p-${offset}`, finishedBefore: 0, why: 'it had failed' },
      ...{
        before: [turn, turn] as const,
        again: [turn, turn] as const,
        judgement: offset === 30 ? ('too many' as const) : ('allowed' as const),
      },
    };
  });
  const { page } = await browser.open(
    `<!doctype html><title>t</title>${render(h(Repetitions, { rows, index: 0 }))}`,
    desktop,
  );
  const open = page.getByRole('region', { name: 'records processed again', exact: true });
  expect(await open.getByRole('row').count()).toBe(1 + 12);
  expect(await open.getByText('✗ more than was allowed').isVisible()).toBe(true);
  expect(await page.getByText('orders-0 offset 0', { exact: true }).isVisible()).toBe(true);
  expect(await page.getByText('orders-0 offset 39', { exact: true }).isVisible()).toBe(false);
  await page.getByText('28 more stretches').click();
  expect(await page.getByText('orders-0 offset 39', { exact: true }).isVisible()).toBe(true);
  await page.close();
});

describe('by keyboard', () => {
  test('the first stop skips to the scenarios, and a finding leads to its anomaly, unfolded and marked', async () => {
    const { page } = await browser.open(html, desktop);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to the scenarios');
    // The finding's own link, reached by pressing Tab and nothing else.
    const label = 'crash, takeover and a zombie';
    for (let stops = 0; stops < 40; stops += 1) {
      if ((await page.evaluate(() => document.activeElement?.textContent)) === label) break;
      await page.keyboard.press('Tab');
    }
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(label);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector(':target') !== null);
    const target = page.locator(':target');
    expect(await target.isVisible()).toBe(true);
    expect(await target.textContent()).toContain('duplicate-bound');
    await page.close();
  });

  test('a link to what is folded unfolds it', async () => {
    const { page, url } = await browser.open(html, desktop);
    await page.evaluate(() => {
      for (const one of document.querySelectorAll('details')) one.open = false;
    });
    await page.goto(`${url}#s0-a1`);
    expect(await page.locator('#s0-a1').isVisible()).toBe(true);
    await page.close();
  });

  test('every picture that is wider than the screen can be reached and scrolled', async () => {
    const { page } = await browser.open(html, { ...desktop, width: 390 });
    const picture = page.locator('section.scroll').first();
    await picture.focus();
    expect(await picture.evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => (document.querySelector('section.scroll')?.scrollLeft ?? 0) > 0);
    await page.close();
  });
});

describe('to a screen reader', () => {
  test('there is one main heading, no level is left out, and every picture and region has a name', async () => {
    const { page } = await browser.open(html, desktop);
    await page.evaluate(() => {
      for (const one of document.querySelectorAll('details')) one.open = true;
    });
    const levels = await page.evaluate(() =>
      [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((one) => Number(one.tagName.slice(1))),
    );
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    const jumps = levels.filter((level, index) => index > 0 && level > (levels[index - 1] ?? 0) + 1);
    expect(jumps).toEqual([]);
    const charts = page.getByRole('img');
    expect(await charts.count()).toBeGreaterThan(0);
    for (const chart of await charts.all())
      expect(await chart.getAttribute('aria-label')).toMatch(/Offsets of .* over time: the log ended at/);
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('svg:not([aria-hidden]),section[tabindex]')]
        .filter((one) => (one.getAttribute('aria-label') ?? '') === '')
        .map((one) => one.outerHTML.slice(0, 100)),
    );
    expect(nameless).toEqual([]);
    // The names of lanes are drawn apart and hidden, so the picture refers to the table that says the same.
    expect(await page.getByRole('region', { name: 'owners of the partitions' }).count()).toBeGreaterThan(0);
    await page.close();
  });
});

test('hostile names, errors and records run nothing, load nothing and open no element', async () => {
  const hostile = `"'><script>alert(1)</script></style></svg><img src=http://127.0.0.1:9/x onerror=alert(2)><a href="javascript:alert(3)">\u0000\u001b[31m\u202e`;
  const attacked = syntheticRun({
    hostileTopic: hostile,
    hostileError: hostile,
    name: `n ${hostile}`.slice(0, 200),
  });
  const page = renderHtml(
    { ...attacked.result, client: { name: hostile, version: hostile }, mutant: hostile },
    loadedOf(attacked.scenarios),
  );
  const opened = await browser.open(page, desktop);
  const elements = await opened.page.evaluate(
    () =>
      document.querySelectorAll('script,img,iframe,object,embed,form,[onerror],a:not([href^="#"])').length,
  );
  expect(elements).toBe(0);
  expect(opened.complaints).toEqual([]);
  await opened.page.close();
});

test('the policy itself stops a script, should one ever get in', async () => {
  const broken = html.replace('<main>', '<main><script>document.title = "ran"</script>');
  const { page, complaints } = await browser.open(broken, desktop);
  expect(await page.title()).not.toBe('ran');
  expect(complaints.join()).toContain('Content Security Policy');
  await page.close();
});

test('a hundred anomalies in runs of ten thousand events open, and links still lead to the last one', async () => {
  const one = syntheticHistory({ recordIntervalMs: 90 });
  expect(one.history.events.length).toBeGreaterThan(10_000);
  const builder = new RunResultBuilder({ ...run.result }, []);
  const scenarios = Array.from({ length: 34 }, (_, index) => ({
    index,
    ...one,
    wallSeconds: 1,
    kept: null,
  }));
  for (const scenario of scenarios) builder.add(scenario);
  const { page, complaints, url } = await browser.open(
    renderHtml(builder.build({ ...run.result }), loadedOf(scenarios)),
    desktop,
  );
  await page.goto(`${url}#s33-a2`);
  expect(await page.locator('#s33-a2').isVisible()).toBe(true);
  expect(complaints).toEqual([]);
  await page.close();
});
