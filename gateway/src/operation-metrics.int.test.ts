import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceUnavailable } from '@shop/common/errors';
import { aPage, anOrder, aPayment } from '../test/resources.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => {
  gateway.reset();
  gateway.metrics.registry.resetMetrics();
});
afterAll(() => gateway.stop());

/** The series of a metric that are not zero: labels and value. */
async function seriesOf(name: string): Promise<[labels: object, value: number][]> {
  const { values } = (await gateway.metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
  // prom-client's types don't know the names of a histogram's parts.
  const nameOf = (value: object) => ('metricName' in value ? value.metricName : name);
  return values
    .filter((found) => [name, `${name}_count`].includes(String(nameOf(found))) && found.value > 0)
    .map(({ labels, value }) => [labels, value]);
}

const operations = () => seriesOf('graphql_server_operation_duration_seconds');
const fields = () => seriesOf('graphql_server_root_fields_total');

describe('metrics of operations', () => {
  it('a query of two fields, one of them by alias and fragment -> one operation, each field by its name in the schema', async () => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [anOrder()], meta: aPage() }));
    const query = `query Mine { __typename first: orders { ...ids } ...more } fragment ids on OrderConnection { data { id } }
                   fragment more on Query { somebody: user(id: "${anOrder().userId}") { id } }`;

    await gateway.ask(query, { token });

    expect(await operations()).toEqual([[{ graphql_operation_type: 'query', outcome: 'refused', waits_for: '' }, 1]]);
    expect(await fields()).toEqual([
      [{ graphql_operation_type: 'query', graphql_field_name: 'orders', error_type: '' }, 1],
      [{ graphql_operation_type: 'query', graphql_field_name: 'user', error_type: 'NOT_FOUND' }, 1],
    ]);
  });

  it('a service is down -> the operation has failed, although HTTP says 200', async () => {
    gateway.orders.on('GET /api/v1/orders', () => {
      throw new ServiceUnavailable('down');
    });

    const { status } = await gateway.ask('{ orders { data { id } } }', { token });

    expect(status).toBe(200);
    expect(await operations()).toEqual([[{ graphql_operation_type: 'query', outcome: 'failed', waits_for: '' }, 1]]);
    expect(await fields()).toEqual([
      [{ graphql_operation_type: 'query', graphql_field_name: 'orders', error_type: 'SERVICE_UNAVAILABLE' }, 1],
    ]);
  });

  it('nobody is logged in -> a mutation that was refused', async () => {
    await gateway.ask('mutation { logout }');

    expect(await operations()).toEqual([
      [{ graphql_operation_type: 'mutation', outcome: 'refused', waits_for: '' }, 1],
    ]);
    expect(await fields()).toEqual([
      [{ graphql_operation_type: 'mutation', graphql_field_name: 'logout', error_type: 'UNAUTHORIZED' }, 1],
    ]);
  });

  it('mutations -> those that wait for the provider are kept apart from all others', async () => {
    const payment = aPayment();
    gateway.payments.on(`POST /api/v1/payments/${payment.id}/process`, () => ({ data: payment }));
    gateway.users.on('POST /api/v1/users/logout', () => ({ data: null }));

    await gateway.ask(`mutation { processPayment(id: "${payment.id}") { id } }`, { token });
    await gateway.ask('mutation { logout }', { token });

    expect(await operations()).toEqual([
      [{ graphql_operation_type: 'mutation', outcome: 'ok', waits_for: 'provider' }, 1],
      [{ graphql_operation_type: 'mutation', outcome: 'ok', waits_for: '' }, 1],
    ]);
  });

  it('names that clients make up -> never a label', async () => {
    await gateway.ask('{ orders { data { id } }', { token });
    await gateway.ask('query MadeUp { madeUp another: madeUp }', { token });
    await gateway.ask('query MadeUp { __typename }', { token });

    expect(await operations()).toEqual([
      [{ graphql_operation_type: 'unknown', outcome: 'refused', waits_for: '' }, 1],
      [{ graphql_operation_type: 'query', outcome: 'refused', waits_for: '' }, 1],
      [{ graphql_operation_type: 'query', outcome: 'ok', waits_for: '' }, 1],
    ]);
    expect(await fields()).toEqual([]);
  });

  it('calls of services -> by service, and by how they failed', async () => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [], meta: aPage() }));

    gateway.payments.on('GET /api/v1/payments', () => {
      throw new ServiceUnavailable('down');
    });

    const user = `user(id: "${anOrder().userId}") { id }`;
    await gateway.ask(`{ orders { data { id } } ${user} }`, { token });
    await gateway.ask('{ payments { data { id } } }', { token });

    const calls = new Map(
      (await seriesOf('http_client_request_duration_seconds')).map(([labels, value]) => [
        JSON.stringify(labels),
        value,
      ]),
    );
    expect(calls).toEqual(
      new Map([
        ['{"server_address":"order-service","error_type":""}', 1],
        ['{"server_address":"user-service","error_type":""}', 1], // 404 is an answer
        ['{"server_address":"payment-service","error_type":"503"}', 1],
      ]),
    );
  });
});
