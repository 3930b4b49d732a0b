import type { RequestHandler } from 'express';
import { MethodNotAllowed } from '../errors/index.js';

/** Behind the GET of a path: refuses every other method. */
export const readOnly: RequestHandler = (request, _response, next) => {
  // A GET that comes this far was not meant for the path after all.
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new MethodNotAllowed(['GET', 'HEAD']);
  next();
};
