import type { OpenApiDocument } from '@shop/common/http';
import { z } from 'zod';
import { ask } from './ask.js';

const served = z.custom<OpenApiDocument>((body) => z.object({ openapi: z.literal('3.1.1') }).safeParse(body).success);

/** What a server says of itself at /openapi.json. */
export async function readDescription(url: string): Promise<OpenApiDocument> {
  const received = await ask(`${url}/openapi.json`);
  return served.parse(received.body);
}
