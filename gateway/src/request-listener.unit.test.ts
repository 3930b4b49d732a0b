import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { CapacityExceeded } from '@shop/common/errors';
import { describe, expect, it } from '@jest/globals';
import { refusalBody } from './request-listener.js';

const requestOf = (url: string): IncomingMessage => Object.assign(new IncomingMessage(new Socket()), { url });

describe('a request that is refused before it is looked at', () => {
  it.each(['/graphql', '/graphql/', '/query?query={me{id}}'])('%s -> in the form of GraphQL', (url) => {
    expect(JSON.parse(refusalBody(requestOf(url), new CapacityExceeded('Too busy')) ?? '')).toEqual({
      errors: [{ message: 'Too busy', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
  });

  it.each(['/', '/schema.graphql', '/graphqls'])('%s -> as REST does it', (url) => {
    expect(refusalBody(requestOf(url), new CapacityExceeded('Too busy'))).toBeUndefined();
  });
});
