import { startTestInfrastructure } from '../test-infrastructure.ts';
import type { Context } from '../context.ts';
import { untilAskedToStop } from '../signals.ts';

/** Keeps the tests' servers running between runs: `eval` or source what it prints, then run the tests. */
export async function testInfrastructure({ output }: Context): Promise<number> {
  const infrastructure = await startTestInfrastructure({ events: output.events });
  output.result(`export TEST_POSTGRES_URL=${infrastructure.postgresUrl}`);
  output.result(`export TEST_RABBITMQ_URL=${infrastructure.rabbitmqUrl}`);
  output.result(`export TEST_RABBITMQ_MANAGEMENT_URL=${infrastructure.rabbitmqManagementUrl}`);
  await untilAskedToStop();
  await infrastructure.stop();
  return 0;
}
