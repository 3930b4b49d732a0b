import { TIMEOUT } from '@shop/testing';
import { chromium, type Browser, type Page } from 'playwright-core';
import { urls } from './system.js';

/** Keeps Chromium from calling home. */
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];

/** Whether a URL leads to nginx, or nowhere. */
export const isOwn = (url: string): boolean => url.startsWith(urls.nginx) || url.startsWith('data:');

export interface WatchedPage {
  readonly browser: Browser;
  readonly page: Page;
  /** What the page asked of others than those it may ask. */
  readonly foreignRequests: readonly string[];
  /** Errors of its scripts, and of its console. */
  readonly complaints: readonly string[];
}

/** An empty page of a browser of its own. */
export async function openPage({
  height,
  mayAsk = isOwn,
}: {
  height: number;
  mayAsk?: typeof isOwn;
}): Promise<WatchedPage> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...QUIET],
  });
  const page = await browser.newPage({ viewport: { width: 1400, height } });
  page.setDefaultTimeout(TIMEOUT);
  const foreignRequests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!mayAsk(request.url())) foreignRequests.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { browser, page, foreignRequests, complaints };
}
