import { Router, type RequestHandler } from 'express';
import type { AccessTokenVerifier } from '../auth/index.js';
import type { Admission } from './admission.js';
import { authorize, callerOf, identify } from './authenticate.js';
import { isNotModified } from './conditions.js';
import { tellDeprecation } from './deprecation.js';
import type { WithIdempotency } from './idempotency.js';
import { jsonBody, rawJsonBody } from './json-body.js';
import { markRoute } from './observe-request.js';
import { otherMethods } from './other-methods.js';
import { sendAnswer, sendFile, sendNotModified } from './reply.js';
import { takesBody, type Method, type Route } from './route.js';

export interface Gates {
  verifier: AccessTokenVerifier;
  admission: Admission;
  /** Missing where no route is idempotent. */
  once: WithIdempotency | undefined;
}

const respondWith =
  (route: Route, { once, admission }: Pick<Gates, 'once' | 'admission'>): RequestHandler =>
  async (request, response) => {
    const { admit, answered } = admission.open(request, response);
    const isGone = () => response.closed;
    const answer = await route.respond(request, { caller: callerOf(request), once, admit, isGone });
    if (answer === undefined) return;
    if ('chunks' in answer) sendFile(response, answer);
    else if (isNotModified(request, answer)) sendNotModified(response, answer);
    else sendAnswer(response, answer);
    answered();
  };

/** A path's methods; what answers GET answers HEAD. */
const methodsOf = (routes: readonly Route[]): string[] =>
  routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));

/**
 * Routes as one router, to be mounted at `base`. The order in which a request is checked, for every service: path, method, caller, rate, role,
 * content type, size, input, idempotency key; all else is the handler's.
 */
export function buildRouter(base: string, routes: readonly Route[], gates: Gates): Router {
  const { verifier, once, admission } = gates;
  const router = Router({ caseSensitive: true });
  const whoCalls = identify(verifier);
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const entry = router.route(path).all(markRoute(`${base}${path === '/' ? '' : path}`));
    for (const route of ofPath) {
      if (route.isIdempotent && once === undefined) throw new Error(`${base}${path} needs an idempotency store`);
      const count = admission.countRequest(route.cost);
      const callers = route.access === 'public' ? [count] : [whoCalls, count, authorize(route.access)];
      const notices = route.deprecation === undefined ? [] : [tellDeprecation(route.deprecation)];
      const register = entry[route.method.toLowerCase() as Lowercase<Method>].bind(entry);
      const body =
        route.rawBody === undefined
          ? jsonBody({ maxBytes: route.maxBodyBytes, admit: admission.admitBody })
          : rawJsonBody({ ...route.rawBody, admit: admission.admitBody });
      register(...notices, ...callers, ...(takesBody(route.method) ? body : []), respondWith(route, gates));
    }
    entry.all(otherMethods(methodsOf(ofPath)));
  }
  return router;
}
