import type { ServerResponse } from 'node:http';

/** A route that will go: since when it is deprecated, from when on it may be missing, and where it is said what to use instead. */
export interface Deprecation {
  readonly since: Date;
  readonly sunset: Date;
  readonly link: string;
}

/** Tells with each answer of a route that it will go: RFC 9745 (Deprecation) and RFC 8594 (Sunset). */
export function tellDeprecation(response: ServerResponse, { since, sunset, link }: Deprecation): void {
  response.setHeader('Deprecation', `@${Math.floor(since.getTime() / 1_000)}`);
  response.setHeader('Sunset', sunset.toUTCString());
  response.setHeader('Link', `<${link}>; rel="deprecation"`);
}
