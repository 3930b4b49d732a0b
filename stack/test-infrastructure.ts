// A PostgreSQL and a RabbitMQ server for one run of the tests, beside any running stack and any other run.
import path from 'node:path';
import { baseEnvironment } from './environment.ts';
import { postgres } from './programs/postgres.ts';
import type { SupervisorEvents } from './supervisor.ts';
import { fastAndForgetful, removeLeftOvers } from './test-directories.ts';
import { portsOfBroker, reserveTestPlace, testBroker } from './test-servers.ts';

export interface TestInfrastructure {
  /** A role that may create databases: each test worker makes its own. */
  postgresUrl: string;
  rabbitmqUrl: string;
  /** Without credentials; they are those of rabbitmqUrl. */
  rabbitmqManagementUrl: string;
  /** Ends both servers and removes their data. */
  stop(): Promise<void>;
}

/** `postgresSettings`: those for data that nobody will miss unless set otherwise. */
export async function startTestInfrastructure({
  postgresSettings = fastAndForgetful,
  events,
}: { postgresSettings?: Record<string, string>; events?: SupervisorEvents } = {}): Promise<TestInfrastructure> {
  await removeLeftOvers();
  const { directory, ports, start } = await reserveTestPlace(1 + portsOfBroker);
  const [port = 0, ...others] = ports;
  const server = postgres({
    name: 'postgres',
    dataDirectory: path.join(directory, 'postgres'),
    databases: [],
    environment: baseEnvironment(),
    port,
    portVariable: 'a reserved port',
    user: 'postgres',
    password: 'password',
    settings: { ...postgresSettings, max_connections: '500' }, // many workers, each with pools of its own
  });
  const { stop } = await start([server, ...testBroker(directory, others)], events);
  const [amqp, management] = others;
  return {
    postgresUrl: `postgresql://postgres:password@127.0.0.1:${port}/postgres`,
    rabbitmqUrl: `amqp://guest:guest@127.0.0.1:${amqp}`,
    rabbitmqManagementUrl: `http://127.0.0.1:${management}`,
    stop,
  };
}
