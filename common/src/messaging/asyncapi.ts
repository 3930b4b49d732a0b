import { eventJsonSchema, events, eventTypes, type EventType } from '../contracts/index.js';
import { deadLetterQueueOf } from '../rabbitmq/index.js';
import type { EventTopology } from './topology.js';

const CHANNEL = 'events';
const refTo = (...steps: readonly string[]) => ({ $ref: `#/${steps.join('/')}` });

const description = `All events go to one durable topic exchange, with their type as routing key, in the structured mode of
CloudEvents 1.0. Each comes at least once: remember \`id\`, and per \`subject\` ignore what is not above the last \`sequence\`.
Ignore fields, values and types that you do not know: they are only ever added.`;

/** The queues that an event goes to, as the topology binds them. */
function consumersOf(type: EventType, { workQueues, streams, broadcasts }: EventTopology) {
  return [...workQueues, ...streams, ...broadcasts]
    .filter(({ routingKeys }) => routingKeys.includes(type))
    .map(({ name }) => name);
}

function messageOf(type: EventType, topology: EventTopology) {
  const { summary, publisher } = events[type];
  const consumers = consumersOf(type, topology);
  return {
    name: type,
    title: type,
    summary,
    description: `Published by ${publisher}. ${consumers.length > 0 ? `Goes to ${consumers.join(', ')}.` : 'Nobody here consumes it.'}`,
    contentType: 'application/cloudevents+json',
    payload: { schemaFormat: 'application/schema+json;version=draft-2020-12', schema: eventJsonSchema(type) },
    bindings: { amqp: { messageType: type, bindingVersion: '0.3.0' } },
    'x-publisher': publisher,
    'x-consumers': consumers,
  };
}

/** The document of AsyncAPI 3.0 of all events: made of the schemas that they are written by, and of the queues in force. */
export function buildAsyncApi({ version, topology }: { version: string; topology: EventTopology }) {
  const publishers = [...new Set(eventTypes.map((type) => events[type].publisher))];
  const messageRefs = (types: readonly string[]) => types.map((type) => refTo('channels', CHANNEL, 'messages', type));
  const publishedBy = (publisher: string) => eventTypes.filter((type) => events[type].publisher === publisher);
  const sends = publishers.map((publisher) => [
    `${publisher}.publishes`,
    {
      action: 'send',
      title: `What ${publisher} publishes`,
      channel: refTo('channels', CHANNEL),
      messages: messageRefs(publishedBy(publisher)),
      bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: '0.3.0' } },
    },
  ]);
  const receives = topology.workQueues.map((queue) => [
    `${queue.name}.consumes`,
    {
      action: 'receive',
      title: `What the queue ${queue.name} is for`,
      description: `Each is tried ${queue.retryPauses.length + 1} times, and goes to ${deadLetterQueueOf(queue)} then.`,
      channel: refTo('channels', CHANNEL),
      messages: messageRefs(queue.routingKeys),
      bindings: { amqp: { ack: true, bindingVersion: '0.3.0' } },
    },
  ]);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Events', version, description, license: { name: 'MIT' } },
    defaultContentType: 'application/cloudevents+json',
    channels: {
      [CHANNEL]: {
        address: '{type}',
        title: 'All events',
        parameters: { type: { description: 'The type of the event, which is its routing key.', enum: eventTypes } },
        messages: Object.fromEntries(eventTypes.map((type) => [type, refTo('components', 'messages', type)])),
        bindings: {
          amqp: {
            is: 'routingKey',
            exchange: { name: topology.exchange, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
            bindingVersion: '0.3.0',
          },
        },
      },
    },
    operations: Object.fromEntries([...sends, ...receives]) as Record<string, object>,
    components: { messages: Object.fromEntries(eventTypes.map((type) => [type, messageOf(type, topology)])) },
  };
}
