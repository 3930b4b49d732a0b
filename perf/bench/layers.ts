// What a request costs by layer: samples of the process that answers it, by the folder or package that each was taken in.
import { openInspector } from '@shop/testing/inspector';
import { z } from 'zod';
import { generateLoad } from '../generate-load.ts';
import { connections } from './measure.ts';
import type { BenchSystem, NodeProcess } from './system.ts';
import type { Workload } from './workload.ts';

const samplingMicroseconds = 200;

const profileResult = z.object({
  profile: z.object({
    nodes: z.array(z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string() }) })),
    samples: z.array(z.number()),
    timeDeltas: z.array(z.number()),
  }),
});
export type Profile = z.infer<typeof profileResult>['profile'];

/** Microseconds of a request by layer, the most expensive first. */
export type Layers = [layer: string, microseconds: number][];

/** A folder of ours, a package, or a part of Node.js; undefined: nothing was done. */
export function layerOf({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(program)') return 'kernel, and V8 itself';
  if (functionName === '(garbage collector)') return 'garbage collection';
  const [, ofPackage] = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (ofPackage !== undefined) return ofPackage;
  const [, node] = /^node:(?:internal\/)?([^/]+)/.exec(url) ?? [];
  if (node !== undefined) return `Node.js: ${node}`;
  const [, workspace, folder] = /\/([\w-]+)\/dist\/([\w-]+)/.exec(url) ?? [];
  return workspace === undefined ? 'V8: built-in functions' : `${workspace}/${folder}`;
}

/** The time of a profile by layer, for each of so many requests. */
export function layersOf({ nodes, samples, timeDeltas }: Profile, requests: number): Layers {
  const layers = new Map(nodes.map(({ id, callFrame }) => [id, layerOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    const layer = layers.get(sample);
    if (layer !== undefined) times.set(layer, (times.get(layer) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return [...times]
    .map(([layer, time]): [string, number] => [layer, time / requests])
    .toSorted(([, a], [, b]) => b - a);
}

/** Profiles one process while a lap runs; the first lap is to warm up. */
export async function profile(system: BenchSystem, workload: Workload, name: NodeProcess): Promise<Layers> {
  const lap = async (): Promise<void> => {
    await generateLoad({ ...workload.ours, connections, requests: workload.requests });
    await workload.settled?.(system);
  };
  await workload.prepare?.(system);
  await lap();
  await workload.prepare?.(system);
  const inspector = await openInspector(system.pidOf(name), system.inspectorPortOf(name));
  try {
    await inspector.call('Profiler.enable');
    await inspector.call('Profiler.setSamplingInterval', { interval: samplingMicroseconds });
    await inspector.call('Profiler.start');
    await lap();
    const { profile } = profileResult.parse(await inspector.call('Profiler.stop'));
    return layersOf(profile, workload.requests);
  } finally {
    await inspector.close();
  }
}
