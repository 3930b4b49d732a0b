// What a request costs by layer: samples of the process that answers it, by the folder or package that each was taken in.
import { openInspector } from '@shop/testing/inspector';
import { z } from 'zod';
import { sendLap } from './measure.ts';
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

/** Microseconds of a request, the most expensive first. */
export type Layers = [what: string, microseconds: number][];

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

type Frame = Profile['nodes'][number]['callFrame'];

/** The time of a profile by what `keyOf` makes of each frame, for each of so many requests. */
function timesBy(keyOf: (frame: Frame) => string | undefined, profile: Profile, requests: number): Layers {
  const { nodes, samples, timeDeltas } = profile;
  const keys = new Map(nodes.map(({ id, callFrame }) => [id, keyOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    const key = keys.get(sample);
    if (key !== undefined) times.set(key, (times.get(key) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return [...times].map(([key, time]): [string, number] => [key, time / requests]).toSorted(([, a], [, b]) => b - a);
}

export const layersOf = (profile: Profile, requests: number): Layers => timesBy(layerOf, profile, requests);

/** Microseconds of a request by function, each with its layer; what is no function is left out. */
export const functionsOf = (profile: Profile, requests: number): Layers =>
  timesBy(
    (frame) => {
      const isFunction = !/^\((?:idle|program|garbage collector|root)\)$/.test(frame.functionName);
      return isFunction ? `${frame.functionName || '(anonymous)'}: ${layerOf(frame)}` : undefined;
    },
    profile,
    requests,
  );

export interface Profiled {
  /** Of the workload. */
  name: string;
  process: NodeProcess;
  layers: Layers;
  functions: Layers;
}

/** Profiles one process while a lap runs; the first lap is to warm up. */
export async function profile(system: BenchSystem, workload: Workload, name: NodeProcess): Promise<Profiled> {
  const lap = async (): Promise<void> => {
    await sendLap(workload, workload.ours);
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
    const { requests } = workload;
    const [layers, functions] = [layersOf(profile, requests), functionsOf(profile, requests)];
    return { name: workload.name, process: name, layers, functions };
  } finally {
    await inspector.close();
  }
}
