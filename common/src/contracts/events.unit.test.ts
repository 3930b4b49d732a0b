import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { schemaFaults } from '@shop/testing';
import { MalformedEvent, eventJsonSchema, eventTypes, parseEvent } from './index.js';

const revoked = () => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/user-service',
  type: 'user.access_revoked',
  subject: randomUUID(),
  time: new Date().toISOString(),
  sequence: 2,
  data: { userId: randomUUID(), minimumVersion: 2, reason: 'deactivated' },
});

describe('a message body', () => {
  it('that is an event -> the event, distinguished by its type', () => {
    const event = revoked();
    const parsed = parseEvent(JSON.stringify(event));
    const { userId, minimumVersion } = event.data;
    expect(parsed).toMatchObject({ type: 'user.access_revoked', data: { userId, minimumVersion } });
  });

  it('with fields from a later version -> accepted', () => {
    expect(parseEvent(JSON.stringify({ ...revoked(), dataschema: 'x' })).type).toBe('user.access_revoked');
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['no type', '{}'],
    ['an unknown type', JSON.stringify({ ...revoked(), type: 'toString' })],
    ['no sequence', JSON.stringify({ ...revoked(), sequence: undefined })],
    ['data of another type', JSON.stringify({ ...revoked(), data: { userId: 1 } })],
  ])('with %s -> malformed', (_case, body) => {
    expect(() => parseEvent(body)).toThrow(MalformedEvent);
  });
});

describe('the JSON Schema of an event', () => {
  it.each(eventTypes)('%s -> says what its envelope and data must have', (type) => {
    expect(eventJsonSchema(type)).toMatchObject({
      type: 'object',
      properties: { type: { const: type }, data: { type: 'object' } },
      required: expect.arrayContaining(['specversion', 'id', 'source', 'type', 'subject', 'time', 'sequence', 'data']),
    });
  });

  it('another schema refers to one by its $id -> it is checked by it', () => {
    const list = { type: 'array', items: { $ref: 'urn:shop:event:user.access_revoked:1' } };
    const schemas = eventTypes.map((type) => eventJsonSchema(type));
    expect(schemaFaults([revoked()], list, schemas)).toBe('');
    expect(schemaFaults([{ ...revoked(), time: 'noon' }], list, schemas)).toMatch(/time must match format "date-time"/);
  });
});
