import { describe, expect, it } from '@jest/globals';
import { requestsOf } from './half-the-peak.ts';
import { functionsOf, layerOf, layersOf } from './layers.ts';
import { between, failuresIn, report, type Run } from './report.ts';
import { aRun, memoryOf, offeredOf, probed, probes } from './sample-run.ts';

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
    expect(functionsOf(profile, 10)).toEqual([
      ['read: common/http', 30],
      ['send: express', 10],
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

describe('the report', () => {
  it.each([
    ['processor time beside the floor and the goal', '| GET an order | 200 | 400 (400-400) | 2.00 | <= 2 |'],
    ['what the hash of a login takes', 'login, beside its hash: 890 us'],
    ['what is full', '| GET an order | order-service, 100 % | 0.40 | 0.50 | pg 100 % | nothing is full'],
    ['what a second process brings', '| GET an order | 1000 | 1500 | 1.50 x | 400 | 420 | 0.15 |'],
    ['times at half the peak', '| GET an order, beside events | 1000 | 1000 | 0 | 10 ms | 30 ms | 3.0 | <= 10 |'],
    ['what overload leaves', '| three times the peak | 1000 | 1000 | 50 % | 10 ms | 30 ms | 0.80 | 0.20 | 1250 |'],
    ['what it leaves of the floor', '| three times as much, of the floor | 1000 | 3000 | 75 % |'],
    ['what a refusal costs', '45 us of the service'],
    ['each goal that is missed', '| GET an order, three times the peak: of the peak | 50 % | >= 80 % |'],
    ['what grows in minutes of load', 'order-service +3 %'],
    ['each half minute of it', '| 1 min | 1000 | 1000 | 0 | 10 ms | 30 ms | 2 | 103 | 103 | 103 | 103 |'],
    ['layers', '| pg | 40.0 | 100 % |'],
    ['functions', '| query: pg | 30.0 | 75 % |'],
    ['memory of a service beside its goal', '| order-service | 82 | <= 140 | 164 | 129 | 258 |'],
    ['memory of the gateway beside its own', '| gateway | 90 | <= 130 |'],
    ['a start beside its goal', '| gateway | 900 ms | <= 1000 ms | 700 ms |'],
  ])('shows %s', (_what, text) => {
    expect(report(aRun())).toContain(text);
  });
});

describe('failures of a run', () => {
  const failed = offeredOf({
    answers: new Map([
      ['200', 99],
      ['500', 1],
    ]),
  });

  it('overload refused -> none', () => {
    expect(failuresIn(aRun())).toEqual([]);
  });

  it.each<[string, Partial<Run>, string]>([
    [
      'half the peak',
      { halves: [{ name: 'a page', warmUp: offeredOf(), result: failed }] },
      'a page at half the peak: 1 x 500',
    ],
    [
      'before, to warm up',
      { halves: [{ name: 'a page', warmUp: failed, result: offeredOf() }] },
      'a page at half the peak: 1 x 500',
    ],
    [
      'minutes of load',
      { endurance: { peak: 1, slices: [{ result: failed, waiting: 0, memory: memoryOf(1) }] } },
      'minutes of load: 1 x 500',
    ],
    [
      '/health beside overload',
      {
        load: {
          ...aRun().load,
          overload: { ...aRun().load.overload, probes: { ...probes, '/health': { ...probed, failures: 2 } } },
        },
      },
      '/health beside overload: 2 x failed',
    ],
  ])('a failed request: %s -> named', (_where, changes, failure) => {
    expect(failuresIn(aRun(changes))).toEqual([failure]);
  });
});

describe('the requests of a load', () => {
  it('are those that its connections ask in turn', () => {
    const request = requestsOf({
      url: 'http://127.0.0.1:1',
      paths: (connection) => [`/${connection}/a`, `/${connection}/b`],
      headers: (connection) => ({ 'x-connection': String(connection) }),
    });
    const [first, second, thirtyThird] = [0, 1, 32].map(request);
    expect(first).toMatchObject({ path: '/0/a', headers: { 'x-connection': '0' } });
    expect(second).toMatchObject({ path: '/1/a', headers: { 'x-connection': '1' } });
    expect(thirtyThird).toMatchObject({ path: '/0/b', method: 'GET', origin: 'http://127.0.0.1:1' });
  });

  it('of one address -> that one, with its query, body and method', () => {
    const request = requestsOf({ url: 'http://127.0.0.1:1/a?b=c', method: 'POST', body: '{}' });
    expect(request(5)).toMatchObject({ path: '/a?b=c', method: 'POST', body: '{}' });
  });
});
