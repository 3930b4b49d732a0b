// A PostgreSQL and a RabbitMQ server for one run of the tests, beside any running stack and any other run.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { baseEnvironment } from './environment.ts';
import { ensureInstalled } from './packages.ts';
import { reservePorts } from './ports.ts';
import type { Task } from './program.ts';
import { postgres } from './programs/postgres.ts';
import { rabbitmq } from './programs/rabbitmq.ts';
import { Supervisor, type SupervisorEvents } from './supervisor.ts';
import { fastAndForgetful, newTestDirectory, removeLeftOvers } from './test-directories.ts';
import { startTestServers } from './test-servers.ts';

export interface TestInfrastructureOptions {
  /** Made for this run and removed with it. */
  directory?: string;
  /** Settings of PostgreSQL; those for data that nobody will miss unless set otherwise. */
  postgresSettings?: Record<string, string>;
  events?: Partial<SupervisorEvents>;
}

export interface TestInfrastructure {
  /** A role that may create databases: each test worker makes its own. */
  postgresUrl: string;
  rabbitmqUrl: string;
  /** Without credentials; they are those of rabbitmqUrl. */
  rabbitmqManagementUrl: string;
  /** Ends both servers and removes their data. */
  stop(): Promise<void>;
}

export async function startTestInfrastructure(options: TestInfrastructureOptions = {}): Promise<TestInfrastructure> {
  await removeLeftOvers();
  const directory = path.resolve(options.directory ?? newTestDirectory());
  const reserved = await reservePorts(6);
  const [postgresPort = 0, amqp = 0, management = 0, metrics = 0, distribution = 0, epmd = 0] = reserved.ports;
  const environment = baseEnvironment();
  const packages: Task = {
    kind: 'task',
    name: 'packages',
    needs: [],
    run: () => ensureInstalled(['rabbitmq'], directory),
  };
  const broker = rabbitmq({
    directory: path.join(directory, 'rabbitmq'),
    ports: { amqp, management, metrics, distribution, epmd },
    user: 'guest',
    password: 'guest',
    environment,
    stopSignal: 'SIGKILL',
  });
  const supervisor = new Supervisor({
    directory,
    scope: 'test',
    events: options.events,
    parts: [
      packages,
      postgres({
        name: 'postgres',
        dataDirectory: path.join(directory, 'postgres'),
        databases: [],
        environment,
        port: postgresPort,
        portVariable: 'a reserved port',
        user: 'postgres',
        password: 'password',
        settings: { ...(options.postgresSettings ?? fastAndForgetful), max_connections: '500' }, // many workers, each with pools of its own
      }),
      ...broker.map((program) => ({ ...program, needs: [packages.name, ...program.needs] })),
    ],
  });
  const cleanUp = async () => {
    rmSync(directory, { recursive: true, force: true });
    await reserved.release();
  };
  const stop = await startTestServers(supervisor, cleanUp);
  return {
    postgresUrl: `postgresql://postgres:password@127.0.0.1:${postgresPort}/postgres`,
    rabbitmqUrl: `amqp://guest:guest@127.0.0.1:${amqp}`,
    rabbitmqManagementUrl: `http://127.0.0.1:${management}`,
    stop,
  };
}
