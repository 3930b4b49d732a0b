import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import amqp from 'amqplib';
import { eventually } from '@shop/testing';
import { markedProcesses, processName } from '../processes.ts';
import { startPrivateBroker, type PrivateBroker } from '../test-broker.ts';
import { until } from '../test/stand-ins.ts';

describe('RabbitMQ', () => {
  let broker: PrivateBroker;
  beforeAll(async () => {
    broker = await startPrivateBroker();
  });
  afterAll(() => broker.stop());

  it('Erlang crashes -> leaves no dump of its memory, which grows with it and holds messages and passwords', async () => {
    const { identity, program } = broker.process;
    const directory = path.dirname(program.command().directory); // it runs in a folder of this one
    const erlang = markedProcesses(path.dirname(directory)).find(({ pid }) => processName(pid) === 'beam.smp');
    process.kill(erlang!.pid, 'SIGUSR1'); // https://www.erlang.org/doc/apps/erts/erl_cmd.html#signals: it ends with a dump
    await until(() => broker.process.isReady && broker.process.identity?.pid !== identity?.pid);
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /dump$|^core/.test(file))).toEqual([]);
  });

  it('the project is moved or copied with its data -> queues and streams are found where they are now', async () => {
    const queues = { work: 'quorum', revocations: 'stream' };
    const connection = await amqp.connect(broker.url);
    const channel = await connection.createConfirmChannel();
    for (const [name, type] of Object.entries(queues)) {
      await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': type } });
      channel.sendToQueue(name, Buffer.from('kept'));
    }
    await channel.waitForConfirms();
    await connection.close();
    await broker.control('stop_app');

    const copy = await startPrivateBroker({ copyOf: path.dirname(broker.process.program.command().directory) });
    try {
      const other = await amqp.connect(copy.url);
      // A stream has a leader a moment after the server takes connections.
      await eventually(async () => {
        const reader = await other.createChannel();
        reader.on('error', () => undefined); // the answer says the same
        for (const name of Object.keys(queues)) await reader.checkQueue(name);
      });
      const reader = await other.createChannel();
      expect((await reader.get('work', { noAck: true })) || undefined).toMatchObject({ content: Buffer.from('kept') });
      await other.close();
    } finally {
      await copy.stop();
    }
  });
});
