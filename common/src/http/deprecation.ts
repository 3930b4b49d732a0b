import type { RequestHandler } from 'express';

/** A route that will go: since when it is deprecated, from when on it may be missing, and where it is said what to use instead. */
export interface Deprecation {
  readonly since: Date;
  readonly sunset: Date;
  readonly link: string;
}

/** Tells with each answer of a route that it will go: RFC 9745 (Deprecation) and RFC 8594 (Sunset). */
export function tellDeprecation({ since, sunset, link }: Deprecation): RequestHandler {
  const headers = new Map([
    ['Deprecation', `@${Math.floor(since.getTime() / 1_000)}`],
    ['Sunset', sunset.toUTCString()],
    ['Link', `<${link}>; rel="deprecation"`],
  ]);
  return (_request, response, next) => {
    response.setHeaders(headers);
    next();
  };
}
