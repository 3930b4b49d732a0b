import { describe, expect, it } from '@jest/globals';
import { asyncApiFaults } from '@shop/testing';
import { eventJsonSchema, events, eventTypes } from '../contracts/index.js';
import { buildAsyncApi } from './asyncapi.js';
import { createTopology } from './topology.js';

const topology = createTopology({ accessTokenLifetime: 3_600_000 });
const document = buildAsyncApi({ version: '1.2.3', topology });

/** What a reference of the document leads to. */
const resolve = (ref: string): unknown =>
  ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((part, step) => Object.entries(part ?? {}).find(([name]) => name === step)?.[1], document);

describe('the AsyncAPI document', () => {
  it('by the schema of AsyncAPI 3.0 -> valid; without what it has to have -> not', () => {
    expect(asyncApiFaults(document)).toBe('');
    expect(asyncApiFaults({ ...document, info: {} })).toMatch(/info must have required property/);
  });

  it('every event type -> a message with its schema, its publisher and its consumers', () => {
    expect(Object.keys(document.components.messages)).toEqual([...eventTypes]);
    for (const type of eventTypes) {
      expect(document.components.messages[type]).toMatchObject({
        payload: { schema: eventJsonSchema(type) },
        'x-publisher': events[type].publisher,
      });
    }
    expect(document.components.messages['order.created']).toMatchObject({
      'x-consumers': [topology.paymentService.name],
    });
    expect(document.components.messages['user.access_revoked']).toMatchObject({
      'x-consumers': [topology.revocations.name],
    });
    expect(document.components.messages['user.created']).toMatchObject({ 'x-consumers': [] });
  });

  it('every reference -> leads somewhere', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
    expect(refs.length).toBeGreaterThan(eventTypes.length);
    expect(refs.filter((ref) => resolve(ref) === undefined)).toEqual([]);
  });

  it('what is published -> said once for each event; what each work queue is bound to -> what it consumes', () => {
    const messages = (suffix: string) =>
      Object.entries(document.operations)
        .filter(([name]) => name.endsWith(suffix))
        .flatMap(([, operation]) =>
          [...JSON.stringify(operation).matchAll(/messages\/([\w.]+)/g)].map(([, type]) => type),
        );
    expect(messages('.publishes').toSorted()).toEqual([...eventTypes].toSorted());
    expect(messages('.consumes')).toEqual(topology.workQueues.flatMap(({ routingKeys }) => routingKeys));
  });
});
