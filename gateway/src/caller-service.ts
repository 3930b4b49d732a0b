import type { ServiceCall, ServiceClient } from '@shop/common/http';
import { z } from 'zod';
import { toConnection, type Connection, type PageQuery } from './page.js';

/** One service, called as the caller of one request. */
export class CallerService {
  readonly #service: ServiceClient;
  readonly #token: () => string;

  /** `token` answers the caller's access token, or throws why there is none. */
  constructor(service: ServiceClient, token: () => string) {
    this.#service = service;
    this.#token = token;
  }

  /** What the service answers to the caller. */
  async ask<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<T> {
    return (await this.#service.call(schema, { ...call, token: this.#token() })).data;
  }

  /** What the service answers to anybody: no token is sent, since a bad one would be refused. */
  async askAnonymously<T>(schema: z.ZodType<T>, call: ServiceCall): Promise<T> {
    return (await this.#service.call(schema, call)).data;
  }

  /** A part of one of the service's lists. */
  async page<T>(schema: z.ZodType<T>, path: string, query: PageQuery & ServiceCall['query']): Promise<Connection<T>> {
    return toConnection(
      await this.#service.call(z.array(schema), { method: 'GET', path, query, token: this.#token() }),
    );
  }
}
