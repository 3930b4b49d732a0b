import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { AccessTokenVerifier } from '../auth/index.js';
import type { Admission } from './admission.js';
import { authorize, callerOf, identify } from './authenticate.js';
import { isNotModified } from './conditions.js';
import { tellDeprecation } from './deprecation.js';
import type { WithIdempotency } from './idempotency.js';
import { jsonBody, rawJsonBody } from './json-body.js';
import { markRoute, noteRoute } from './observe-request.js';
import { otherMethods } from './other-methods.js';
import { sendAnswer, sendFile, sendNotModified } from './reply.js';
import { takesBody, type Method, type Route } from './route.js';

export interface Gates {
  verifier: AccessTokenVerifier;
  admission: Admission;
  /** Missing where no route is idempotent. */
  once: WithIdempotency | undefined;
}

type Step = (request: Request, response: Response) => Promise<void> | undefined;

/** Notes the route, and finds out whether the caller may have an answer: at once where this process knows it. */
const letIn =
  (pattern: string, route: Route, { verifier, admission }: Gates): Step =>
  (request, response) => {
    noteRoute(request, pattern);
    if (route.deprecation !== undefined) tellDeprecation(response, route.deprecation);
    if (route.access !== 'public') identify(verifier, request);
    const counting = admission.countRequest(request, response, route.cost);
    const enter = () => {
      if (route.access !== 'public') authorize(route.access, request);
    };
    if (counting !== undefined) return counting.then(enter);
    enter();
    return undefined;
  };

/** `enter`: what comes first, where nothing comes in between. */
const respondWith =
  (route: Route, { once, admission }: Gates, enter?: Step): Step =>
  async (request, response) => {
    const entering = enter?.(request, response);
    if (entering !== undefined) await entering;
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
  const { once, admission } = gates;
  const router = Router({ caseSensitive: true });
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const pattern = `${base}${path === '/' ? '' : path}`;
    const entry = router.route(path);
    for (const route of ofPath) {
      if (route.isIdempotent && once === undefined) throw new Error(`${base}${path} needs an idempotency store`);
      const enter = letIn(pattern, route, gates);
      const register = entry[route.method.toLowerCase() as Lowercase<Method>].bind(entry);
      if (!takesBody(route.method)) {
        // One handler: each costs Express as much as what it does.
        register(respondWith(route, gates, enter));
        continue;
      }
      const body =
        route.rawBody === undefined
          ? jsonBody({ maxBytes: route.maxBodyBytes, admit: admission.admitBody })
          : rawJsonBody({ ...route.rawBody, admit: admission.admitBody });
      const enterFirst: RequestHandler = async (request, response, next) => {
        await enter(request, response);
        next();
      };
      register(enterFirst, ...body, respondWith(route, gates));
    }
    entry.all(markRoute(pattern), otherMethods(methodsOf(ofPath)));
  }
  return router;
}
