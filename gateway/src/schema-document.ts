import { Router } from 'express';
import { markRoute, readOnly } from '@shop/common/http';
import { printSchema, type GraphQLSchema } from 'graphql';
import { PUBLIC } from './cache-control.js';

const AT = '/schema.graphql';

/** The schema as people and code generators read it: what introspection tells, with its descriptions, as one document. */
export function schemaRouter(schema: GraphQLSchema): Router {
  const document = `${printSchema(schema)}\n`;
  return Router({ caseSensitive: true })
    .get(AT, markRoute(AT), (_request, response) => {
      response.set('Cache-Control', PUBLIC).type('text/plain').send(document);
    })
    .all(AT, readOnly);
}
