// What the running system does in how much time: `node perf/performance/main.ts [--quick]`. Failing requests fail it.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { addressOf, Shop } from '../../stack/demo/shop.ts';
import { StackError } from '../../stack/errors.ts';
import type { Output } from '../../stack/output.ts';
import { runMain } from '../../stack/run-main.ts';
import { loadSettings } from '../../stack/settings.ts';
import { customers } from './customers.ts';
import { loads } from './loads.ts';
import type { Section } from './section.ts';
import { findShoppers } from './shoppers.ts';
import { cache, responseTimes, serviceStatus } from './single-requests.ts';

async function run(quick: boolean, output: Output): Promise<number> {
  const settings = loadSettings();
  const shop = new Shop(addressOf(settings));
  const scene = { settings, shop, output };
  const [processor] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  output.result(
    `${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}, ${memory}; the load comes from here, too`,
  );
  let failures = 0;
  const play = async (section: Section): Promise<void> => {
    output.result(`\n${section.title.toUpperCase()}\n${'-'.repeat(section.title.length)}`);
    failures += await section.run(scene);
  };
  await play(serviceStatus);
  if (failures > 0) throw new StackError('The system does not run: start it with `make up-d`');
  await play(responseTimes);
  await play(cache);
  if (!quick) {
    const shoppers = await findShoppers(shop, output);
    await play(loads(shoppers));
    await play(customers(shoppers));
  }
  output.result(`\n${failures === 0 ? 'no request failed' : `${failures} requests FAILED`}`);
  return failures === 0 ? 0 : 1;
}

await runMain((output) => {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  return run(values.quick, output);
});
