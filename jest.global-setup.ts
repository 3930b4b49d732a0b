import { Output } from './stack/output.ts';
import { startTestInfrastructure, type TestInfrastructure } from './stack/test-infrastructure.ts';

declare global {
  var testInfrastructure: TestInfrastructure | undefined;
}

/** Gives the tests their PostgreSQL and RabbitMQ servers: those named in the environment, or new ones for this run. */
export default async function globalSetup(): Promise<void> {
  const { TEST_POSTGRES_URL, TEST_RABBITMQ_URL, TEST_RABBITMQ_MANAGEMENT_URL } = process.env;
  if (TEST_POSTGRES_URL && TEST_RABBITMQ_URL && TEST_RABBITMQ_MANAGEMENT_URL) return;
  const infrastructure = await startTestInfrastructure({ events: new Output().events });
  globalThis.testInfrastructure = infrastructure;
  process.env.TEST_POSTGRES_URL = infrastructure.postgresUrl;
  process.env.TEST_RABBITMQ_URL = infrastructure.rabbitmqUrl;
  process.env.TEST_RABBITMQ_MANAGEMENT_URL = infrastructure.rabbitmqManagementUrl;
}
