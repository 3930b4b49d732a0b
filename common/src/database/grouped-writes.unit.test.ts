import { expect, it } from '@jest/globals';
import { currentScope, runInScope } from '../logger/index.js';
import { GroupedWrites } from './grouped-writes.js';

const refusal = Object.assign(new Error('violates check constraint'), { code: '23514', severity: 'ERROR' });
const outage = Object.assign(new Error('terminating connection'), { code: '57P01', severity: 'FATAL' });

/** Notes each group; `fault` says what one fails with. */
function createWrites(fault: (group: readonly string[]) => Error | undefined = () => undefined) {
  const groups: string[][] = [];
  const writes = new GroupedWrites<string, string>({
    write: async (group) => {
      groups.push([...group]);
      await new Promise(setImmediate);
      const error = fault(group);
      if (error) throw error;
      return group.map((one) => `${one} is written`);
    },
    keyOf: (item) => item.slice(0, 1),
  });
  return { groups, add: (...items: string[]) => Promise.allSettled(items.map((item) => writes.add(item))) };
}
const written = (item: string) => ({ status: 'fulfilled', value: `${item} is written` });
const failed = (reason: Error) => ({ status: 'rejected', reason });

it('those that come together, and those that come meanwhile -> a group each, and each gets its own result', async () => {
  const { groups, add } = createWrites();
  const first = add('a', 'b', 'c');
  await new Promise(setImmediate);
  const later = add('d', 'e');
  expect(await first).toEqual(['a', 'b', 'c'].map(written));
  expect(await later).toEqual(['d', 'e'].map(written));
  expect(await add('f')).toEqual([written('f')]);
  expect(groups).toEqual([['a', 'b', 'c'], ['d', 'e'], ['f']]);
});

it('those with the same key -> one after the other, in their order', async () => {
  const { groups, add } = createWrites();
  expect(await add('a1', 'b1', 'a2', 'a3', 'b2')).toEqual(['a1', 'b1', 'a2', 'a3', 'b2'].map(written));
  expect(groups).toEqual([['a1', 'b1'], ['a2', 'b2'], ['a3']]);
});

it('very many at once -> groups of 32 at most', async () => {
  const { groups, add } = createWrites();
  await add(...Array.from({ length: 80 }, (_, index) => String.fromCodePoint(0x4e00 + index)));
  expect(groups.map(({ length }) => length)).toEqual([32, 32, 16]);
});

it('a group that the database refuses -> each by itself, and the one at fault alone fails', async () => {
  const { groups, add } = createWrites((group) => (group.includes('b') ? refusal : undefined));
  expect(await add('a', 'b', 'c')).toEqual([written('a'), failed(refusal), written('c')]);
  expect(groups).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']]);
  expect(await add('d')).toEqual([written('d')]);
});

it.each([outage, new Error('Connection terminated unexpectedly')])(
  'nobody knows whether a group was written (%s) -> all fail, and none is written again',
  async (error) => {
    const { groups, add } = createWrites((group) => (group.includes('a') ? error : undefined));
    expect(await add('a', 'b')).toEqual([failed(error), failed(error)]);
    expect(await add('c')).toEqual([written('c')]);
    expect(groups).toEqual([['a', 'b'], ['c']]);
  },
);

it('a group is written in the scope of its first, whatever was written before', async () => {
  const scopes: (string | undefined)[] = [];
  const writes = new GroupedWrites<string, void>({
    write: async (group) => {
      scopes.push(currentScope()?.requestId);
      await new Promise(setImmediate);
      return group.map(() => undefined);
    },
    keyOf: () => 'one at a time',
  });
  const add = (requestId: string) => runInScope({ requestId, traceparent: '' }, () => writes.add(requestId));
  await Promise.all(['first', 'second', 'third'].map(add));
  expect(scopes).toEqual(['first', 'second', 'third']);
});
