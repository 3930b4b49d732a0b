import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Pool } from 'pg';
import { buildAsyncApi, createTopology, toCloudEvent, type OutboxEvent } from '@shop/common/messaging';
import { closed } from './closed-schema.js';

const BATCH = 1_000;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
let described: ReturnType<typeof describeMessages> | undefined;
/** Those that were needed: each takes its time to compile. */
const validators = new Map<string, ValidateFunction>();

const describeMessages = () =>
  buildAsyncApi({ version: '1.0.0', topology: createTopology({ accessTokenLifetime: 3_600_000 }) }).components.messages;

function validatorOf(type: string): ValidateFunction | undefined {
  const known = validators.get(type);
  if (known !== undefined) return known;
  described ??= describeMessages();
  const message = Object.entries(described).find(([name]) => name === type);
  if (message === undefined) return undefined;
  const validate = ajv.compile(closed(message[1].payload.schema) as object);
  validators.set(type, validate);
  return validate;
}

/** What is wrong with an event as it is sent, by the description of all events, in which no further field is allowed. */
export function eventFault(event: { readonly type: string }): string | undefined {
  const { type } = event;
  const validate = validatorOf(type);
  if (validate === undefined) return `${type}: no such event is described`;
  return validate(event) ? undefined : `${type}: ${ajv.errorsText(validate.errors, { dataVar: 'event' })}`;
}

/**
 * Throws where an event in a service's outbox, sent or waiting, is not as /asyncapi.json describes it once the relay
 * sends it; `source`: such as /order-service.
 */
export async function assertDescribedEvents(pool: Pool, source: string): Promise<void> {
  const faults = new Set<string>();
  let last = '0';
  for (;;) {
    const { rows } = await pool.query<OutboxEvent>(
      `SELECT position, id, type, subject, sequence, time, data, traceparent FROM outbox
       WHERE position > $1 ORDER BY position LIMIT $2`,
      [last, BATCH],
    );
    for (const row of rows) {
      const fault = eventFault(JSON.parse(JSON.stringify(toCloudEvent(row, source))) as { type: string });
      if (fault !== undefined) faults.add(fault);
    }
    last = rows.at(-1)?.position ?? last;
    if (rows.length < BATCH) break;
  }
  if (faults.size > 0) throw new Error(`events that /asyncapi.json does not describe:\n${[...faults].join('\n')}`);
}
