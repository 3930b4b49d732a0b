import type { Request } from 'express';
import type { AccessTokenVerifier } from '../auth/index.js';
import { Forbidden, InvalidToken, Unauthorized, findAppError, type AppError } from '../errors/index.js';
import { currentScope } from '../logger/index.js';
import type { Access, Caller } from './route.js';

declare module 'node:http' {
  interface IncomingMessage {
    /** Who calls, or why nobody is known to; absent where nobody looked. */
    caller?: Caller | AppError;
  }
}

/** The known caller of a request; undefined on public routes. */
export function callerOf(request: Request): Caller | undefined {
  const { caller } = request;
  return caller instanceof Error ? undefined : caller;
}

/** The token of an Authorization header (RFC 6750, 2.1; RFC 9110, 11.4: one or more spaces). Throws Unauthorized. */
export function bearerToken(header: string | undefined): string {
  if (header === undefined) throw new Unauthorized();
  const token = /^bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1];
  if (token !== undefined) return token;
  const message = 'Malformed Authorization header';
  throw /^bearer\b/i.test(header) ? new InvalidToken(message) : new Unauthorized(message);
}

/** Finds out who calls, without refusing anybody yet: rate limits count by account where there is one. */
export function identify(verifier: AccessTokenVerifier, request: Request): void {
  try {
    const token = bearerToken(request.headers.authorization);
    const actor = verifier.verify(token);
    request.caller = { actor, token };
    const scope = currentScope();
    if (scope !== undefined) scope.actorId = actor.id;
  } catch (error) {
    const refusal = findAppError(error);
    if (refusal === undefined) throw error;
    request.caller = refusal;
  }
}

/** Lets in whom a route is for. Throws Unauthorized and Forbidden. */
export function authorize(access: Exclude<Access, 'public'>, request: Request): void {
  const { caller } = request;
  if (caller === undefined || caller instanceof Error) throw caller ?? new Unauthorized();
  if (access === 'admin' && caller.actor.role !== 'admin') throw new Forbidden('Only an admin may do this');
}
