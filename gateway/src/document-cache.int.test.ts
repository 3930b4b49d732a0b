import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { heap } from '../test/heap.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

/** docs/retention.md: 32 MB, and what the test and the engine keep for themselves. */
const BOUND = 32_000_000 + 12_000_000;

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.stop());

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ');

const ITEM = '{ productId: "p", productName: "n", quantity: 1, unitPrice: 1 }';

/** An anonymous client may send these; each is another document, and as long as the limits let it be. */
const floods: [what: string, query: (index: number) => string, code: string][] = [
  [
    'valid, of 2,000 tokens',
    (index) => `mutation { createOrder(input: { shippingAddress: "${index}", items: [${ITEM.repeat(141)}] }) { id } }`,
    'UNAUTHORIZED',
  ],
  [
    'valid, of as many characters as a body has',
    (index) => `{ me { id } } #${'x'.repeat(99_000)}${index}`,
    'UNAUTHORIZED',
  ],
  ['of comments, but for a field', (index) => `${'#\n'.repeat(32_000)}{ me { id } } #${index}`, 'QUERY_TOO_COMPLEX'],
  ['with many errors', (index) => `{ ${list(1_900, (i) => `ordr${i}`)} } #${index}`, 'GRAPHQL_VALIDATION_FAILED'],
  ['that can’t be parsed', (index) => `{ ${list(1_900, (i) => `me${i}`)} ) #${index}`, 'GRAPHQL_PARSE_FAILED'],
];

describe('documents that are remembered', () => {
  it.each(floods)(
    'many different ones, %s -> the heap grows by no more than docs/retention.md says',
    async (_, query, code) => {
      const ask = (index: number) => gateway.ask(query(index));
      await ask(-1);
      const before = heap();

      for (let index = 0; index < 130; index++) {
        const { errors } = await ask(index);
        expect(errors?.[0]?.extensions.code).toBe(code);
      }

      expect(heap() - before).toBeLessThan(BOUND);
    },
  );
});
