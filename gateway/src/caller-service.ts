import { InvalidInput } from '@shop/common/errors';
import type { ServiceAnswer, ServiceCall, ServiceClient } from '@shop/common/http';
import { z } from 'zod';
import { toConnection, type Connection, type PageQuery } from './page.js';

/** The request that a service is called for. */
export interface CallingRequest {
  /** The caller's access token. Throws why there is none. */
  token: () => string;
  /** Milliseconds that are left for it; undefined where it may last. */
  timeLeft: () => number | undefined;
}

/** GraphQL's clients know the services' `cursor` as `after`. */
const inGraphQLNames = ({ fields, cause }: InvalidInput): InvalidInput =>
  new InvalidInput(
    fields.map(({ field, message }) => ({ field: field === 'cursor' ? 'after' : field, message })),
    { cause },
  );

/** One service, called as the caller of one request. */
export class CallerService {
  readonly #service: ServiceClient;
  readonly #request: CallingRequest;

  constructor(service: ServiceClient, request: CallingRequest) {
    this.#service = service;
    this.#request = request;
  }

  /** What the service answers to the caller. */
  async ask<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<T> {
    return (await this.#asCaller(schema, call)).data;
  }

  /** What the service answers to anybody: no token is sent, since a bad one would be refused. */
  async askAnonymously<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<T> {
    return (await this.#service.call(schema, { ...call, timeLeft: this.#request.timeLeft() })).data;
  }

  /** A part of one of the service's lists. */
  async page<T>(schema: z.ZodType<T>, path: string, query: PageQuery & ServiceCall['query']): Promise<Connection<T>> {
    try {
      return toConnection(await this.#asCaller(z.array(schema), { method: 'GET', path, query }));
    } catch (error) {
      throw error instanceof InvalidInput ? inGraphQLNames(error) : error;
    }
  }

  #asCaller<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<ServiceAnswer<T>> {
    const { token, timeLeft } = this.#request;
    return this.#service.call(schema, { ...call, token: token(), timeLeft: timeLeft() });
  }
}
