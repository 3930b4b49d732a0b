import { badPaths, badQueries } from './addresses.js';
import type { AttackedRoute, BadRequest } from './bad-request.js';
import { badBodies } from './bodies.js';
import { badHeaders, badMethods } from './headers.js';
import { badWire } from './wire.js';

/** The corpus for a server with these routes; the first of them that takes a body is attacked on the wire as well. */
export function badRequests(routes: readonly AttackedRoute[]): BadRequest[] {
  const wire = routes.find(({ body }) => body !== undefined) ?? routes[0];
  return [
    ...(wire ? badWire(wire) : []),
    ...routes.flatMap((route) => [
      ...badBodies(route),
      ...badPaths(route),
      ...badQueries(route),
      ...badMethods(route),
      ...badHeaders(route),
    ]),
  ];
}

/** Every n-th of a list, so that about `count` are left, from all its parts. */
export const spread = <T>(list: readonly T[], count: number): T[] => {
  const step = Math.max(1, list.length / count);
  return Array.from({ length: Math.min(count, list.length) }, (_, i) => list[Math.floor(i * step)]).filter(
    (item) => item !== undefined,
  );
};
