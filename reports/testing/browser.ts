/** A real browser for the report's tests: pages of HTML enter, a Chromium that knows no network shows them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../harness/testing/worlds.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Viewport {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

/** What the browser had to say against a page: refused loads, errors, dialogs, and anything asked of the network. */
export type Complaints = string[];

export class TestBrowser implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #folder: string;
  #pages = 0;

  private constructor(context: BrowserContext, folder: string) {
    this.#context = context;
    this.#folder = folder;
  }

  /** Starts it with a profile of its own. */
  static async start(): Promise<TestBrowser> {
    const folder = await mkdtemp(join(tmpdir(), 'browser-'));
    const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: chromiumPath(),
      headless: true,
      args: FLAGS,
    });
    return new TestBrowser(context, folder);
  }

  /** Opens a page as a person would: from a file. */
  async open(
    html: string,
    { width, height, scheme }: Viewport,
  ): Promise<{ page: Page; complaints: Complaints; url: string }> {
    this.#pages += 1;
    const file = join(this.#folder, `page-${this.#pages}.html`);
    await writeFile(file, html);
    const url = pathToFileURL(file).href;
    const page = await this.#context.newPage();
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    const complaints: Complaints = [];
    page.on('console', (message) => complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.url().split('#')[0] !== url) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(url);
    return { page, complaints, url };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
