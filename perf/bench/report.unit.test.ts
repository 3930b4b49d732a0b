import { describe, expect, it } from '@jest/globals';
import { layerOf, layersOf } from './layers.ts';
import { between } from './report.ts';

describe('the layer of a sample', () => {
  it.each([
    ['code of ours', 'file:///shop/common/dist/http/route.js', 'common/http'],
    ['code of a service', 'file:///shop/order-service/dist/orders/order.reads.js', 'order-service/orders'],
    ['a package', 'file:///shop/node_modules/express/lib/router.js', 'express'],
    ['a package with a scope', 'file:///shop/node_modules/@prisma/client/runtime.js', '@prisma/client'],
    ['a package in a package', 'file:///shop/node_modules/a/node_modules/b/index.js', 'b'],
    ['a part of Node.js', 'node:internal/streams/readable', 'Node.js: streams'],
    ['a built-in function', '', 'V8: built-in functions'],
  ])('%s -> %s is %s', (_case, url, layer) => {
    expect(layerOf({ functionName: 'f', url })).toBe(layer);
  });

  it('idleness -> none', () => {
    expect(layerOf({ functionName: '(idle)', url: '' })).toBeUndefined();
  });

  it('a profile -> microseconds of a request, the most expensive layer first', () => {
    const frame = (functionName: string, url: string) => ({ functionName, url });
    const nodes = [
      { id: 1, callFrame: frame('(idle)', '') },
      { id: 2, callFrame: frame('send', 'file:///shop/node_modules/express/lib/send.js') },
      { id: 3, callFrame: frame('read', 'file:///shop/common/dist/http/route.js') },
    ];
    const profile = { nodes, samples: [1, 2, 3, 3], timeDeltas: [500, 100, 150, 150] };
    expect(layersOf(profile, 10)).toEqual([
      ['common/http', 30],
      ['express', 10],
    ]);
  });
});

describe('a table between the marks of a text', () => {
  const empty = '# A\n\n<!-- performance: written by make test-performance-report -->\n<!-- /performance -->\n\nB\n';

  it('written twice -> the second alone', () => {
    const once = between(empty, 'first');
    expect(once).toContain('report -->\n\nfirst\n\n<!-- /performance -->\n\nB');
    expect(between(once, 'second')).toBe(once.replace('first', 'second'));
  });

  it('without marks -> refused', () => {
    expect(() => between('# A', 'first')).toThrow('marks');
  });
});
