// Every answer that an end-to-end test gets by fetch, from whichever server, is held against the description of the whole system.
import { readFileSync } from 'node:fs';
import { afterAll, expect } from '@jest/globals';
import type { OpenApiDocument } from '@shop/common/http';
import { DescribedFetch } from '@shop/testing';

const description = JSON.parse(readFileSync(process.env.E2E_DESCRIPTION ?? '', 'utf8')) as OpenApiDocument;
const described = new DescribedFetch(description, globalThis.fetch);
globalThis.fetch = described.fetch;

afterAll(async () => {
  expect(await described.violations()).toEqual([]);
});
