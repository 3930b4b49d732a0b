import { InvalidInput } from '@shop/common/errors';
import type { ServiceAnswer, ServiceCall, ServiceClient } from '@shop/common/http';
import type { z } from 'zod';
import { toConnection, type Connection, type PageQuery } from './page.js';
import type { UpstreamWork } from './upstream-work.js';

/** The request that a service is called for. */
export interface CallingRequest {
  /** The caller's access token. Throws why there is none. */
  token: () => string;
  /** Milliseconds that are left for it; undefined where it may last. */
  timeLeft: () => number | undefined;
  /** Where it waits for its turn. */
  work: UpstreamWork;
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
    return (await this.#call(schema, call)).data;
  }

  /** A part of one of the service's lists, whose schema is that of all its rows. */
  async page<T>(schema: z.ZodType<T[]>, path: string, query: PageQuery & ServiceCall['query']): Promise<Connection<T>> {
    try {
      return toConnection(await this.#asCaller(schema, { method: 'GET', path, query }));
    } catch (error) {
      throw error instanceof InvalidInput ? inGraphQLNames(error) : error;
    }
  }

  async #asCaller<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<ServiceAnswer<T>> {
    return this.#call(schema, { ...call, token: this.#request.token() });
  }

  #call<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<ServiceAnswer<T>> {
    const { work, timeLeft } = this.#request;
    return work.run(() => this.#service.call(schema, { ...call, timeLeft: timeLeft() }));
  }
}
