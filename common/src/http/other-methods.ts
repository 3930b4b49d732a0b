import type { RequestHandler } from 'express';
import { MethodNotAllowed } from '../errors/index.js';

/** Behind the handlers of a path: tells which methods it has to whoever asks (OPTIONS), and refuses all others. */
export function otherMethods(methods: readonly string[]): RequestHandler {
  const allowed = [...methods, 'OPTIONS'];
  const allow = allowed.join(', ');
  return ({ method }, response) => {
    if (method !== 'OPTIONS') throw new MethodNotAllowed(allowed);
    response.setHeader('Allow', allow);
    response.setHeader('Cache-Control', 'no-store');
    response.statusCode = 204;
    response.end();
  };
}

const readersOnly = otherMethods(['GET', 'HEAD']);

/** The same behind the GET of a path that has no other method. */
export const readOnly: RequestHandler = (request, response, next) => {
  // A GET that comes this far was not meant for the path after all.
  if (request.method === 'GET' || request.method === 'HEAD') next();
  else void readersOnly(request, response, next);
};
