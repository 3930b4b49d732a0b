import { describe, expect, it } from '@jest/globals';

describe('graphql in the gateway', () => {
  it('loaded before all else -> takes no time to look for copies of itself, and leaves NODE_ENV as it is', async () => {
    const before = process.env.NODE_ENV;
    await import('./load-graphql.js');
    const { isObjectType } = await import('graphql');
    const ofAnotherCopy = { [Symbol.toStringTag]: 'GraphQLObjectType' };
    expect(isObjectType(ofAnotherCopy)).toBe(false); // it throws where it looks
    expect(process.env.NODE_ENV).toBe(before);
  });
});
