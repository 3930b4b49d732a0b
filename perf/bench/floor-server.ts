// The floor that the services are measured against: bare Express 5, or Yoga on node:http, with one prepared statement for each
// request, whose JSON the database makes. Nobody is asked who they are, nothing is limited, counted or logged.
// Started with IPC: node floor-server.ts USER_URL ORDER_URL PAYMENT_URL PRIVATE_KEY; sends its two ports.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { makeExecutableSchema } from '@graphql-tools/schema';
import bcrypt from 'bcrypt';
import express, { type Request, type Response } from 'express';
import { createYoga } from 'graphql-yoga';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { z } from 'zod';
import { parsePrivateKey } from '@shop/common/config';

const poolSize = 7;
const [userUrl = '', orderUrl = '', paymentUrl = '', privateKey = ''] = process.argv.slice(2);
const pool = (connectionString: string): pg.Pool => new pg.Pool({ connectionString, max: poolSize });
const [users, orders, payments] = [pool(userUrl), pool(orderUrl), pool(paymentUrl)];

const money = (column: string): string => `(${column} / 100.0)::numeric(20, 2)::float8`;

const user = `json_build_object('id', id, 'email', email, 'firstName', first_name, 'lastName', last_name,
  'fullName', first_name || ' ' || last_name, 'role', role, 'isActive', is_active, 'createdAt', created_at, 'updatedAt', updated_at)`;

const order = `'id', o.id, 'userId', o.user_id, 'status', o.status, 'statusReason', o.status_reason,
  'totalAmount', ${money('o.total_amount')}, 'currency', o.currency, 'shippingAddress', o.shipping_address, 'notes', o.notes,
  'items', (SELECT json_agg(json_build_object('id', i.id, 'productId', i.product_id, 'productName', i.product_name,
    'quantity', i.quantity, 'unitPrice', ${money('i.unit_price')}) ORDER BY i.position) FROM order_items i WHERE i.order_id = o.id),
  'payableUntil', o.payable_until, 'createdAt', o.created_at, 'updatedAt', o.updated_at`;

const history = `(SELECT json_agg(json_build_object('status', h.status, 'at', h.at, 'by', h.changed_by, 'reason', h.reason)
  ORDER BY h.version) FROM order_status_history h WHERE h.order_id = o.id)`;

const payment = `json_build_object('id', id, 'orderId', order_id, 'userId', user_id, 'amount', ${money('amount')},
  'refundedAmount', ${money('refunded_amount')}, 'currency', currency, 'status', status, 'method', method,
  'transactionId', transaction_id, 'provider', provider, 'description', description, 'failureReason', failure_reason,
  'paidAt', paid_at, 'createdAt', created_at, 'updatedAt', updated_at)`;

const placeOrder = `WITH input AS (SELECT $1::uuid AS id, $2::uuid AS user_id, $3::json AS body), placed AS (
  INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until, created_at, updated_at)
  SELECT id, user_id, 'pending', 100 * (body #>> '{items,0,unitPrice}')::numeric, 'USD', 2, body ->> 'shippingAddress',
         now() + interval '30 minutes', now(), now() FROM input RETURNING *), item AS (
  INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
  SELECT gen_random_uuid(), id, 0, body #>> '{items,0,productId}', body #>> '{items,0,productName}', 1,
         100 * (body #>> '{items,0,unitPrice}')::numeric FROM input), history AS (
  INSERT INTO order_status_history (order_id, version, status, at) SELECT id, 1, 'pending', now() FROM input), event AS (
  INSERT INTO outbox (id, type, subject, sequence, time, data, published_at)
  SELECT gen_random_uuid(), 'order.created', id::text, 1, now(), body, now() FROM input)
  SELECT json_build_object('success', true, 'data', row_to_json(placed))::text AS json FROM placed`;

const one = (object: string, from: string): string =>
  `SELECT json_build_object('success', true, 'message', '', 'data', ${object})::text AS json FROM ${from}`;
const list = (object: string, from: string): string =>
  `SELECT json_build_object('success', true, 'message', '', 'data', coalesce(json_agg(${object}), '[]'))::text AS json FROM ${from}`;
const newest = (table: string, where: string): string =>
  `(SELECT * FROM ${table} WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT 20) o`;

/** A request answered by one prepared statement. */
const answer =
  (
    database: pg.Pool,
    name: string,
    text: string,
    values: (request: Request) => unknown[] = ({ params }) => [params.id],
  ) =>
  async (request: Request, response: Response): Promise<void> => {
    const { rows } = await database.query<{ json: string }>({ name, text, values: values(request) });
    response.type('json').send(rows[0]?.json);
  };

const app = express();
app.disable('etag').disable('x-powered-by');
app.get('/health', (_request, response) => {
  response.json({ status: 'healthy', service: 'floor', version: '1', uptime: process.uptime() });
});
app.get('/users/:id', answer(users, 'user', one(user, 'users WHERE id = $1 AND deleted_at IS NULL')));
app.get(
  '/orders/:id',
  answer(
    orders,
    'order',
    one(
      `json_build_object(${order}, 'statusHistory', ${history})`,
      'orders o WHERE o.id = $1 AND o.deleted_at IS NULL',
    ),
  ),
);
app.get('/payments/:id', answer(payments, 'payment', one(payment, 'payments WHERE id = $1')));
app.get(
  '/user-list',
  answer(users, 'users', list(user, newest('users', 'deleted_at IS NULL')), () => []),
);
app.get(
  '/order-list/:id',
  answer(
    orders,
    'orders',
    list(`json_build_object(${order})`, newest('orders', 'user_id = $1 AND deleted_at IS NULL')),
  ),
);
app.get('/payment-list/:id', answer(payments, 'payments', list(payment, newest('payments', 'user_id = $1'))));
app.post(
  '/orders/:id',
  express.text({ type: 'application/json' }),
  answer(orders, 'place', placeOrder, ({ params, body }) => [randomUUID(), params.id, body]),
);

const key = parsePrivateKey(privateKey);
const account = z.object({ email: z.string(), password: z.string() });
/** A session with its first token, written by one statement, and an access token. */
async function startSession(userId: string): Promise<{ token: string; refreshToken: string }> {
  const refreshToken = randomBytes(32).toString('base64url');
  const sid = randomUUID();
  await users.query({
    name: 'session',
    text: `WITH session AS (
      INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES ($1, $2, now(), now() + interval '90 days') RETURNING id)
      INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
      SELECT $3, id, now(), now() + interval '30 days' FROM session`,
    values: [sid, userId, createHash('sha256').update(refreshToken).digest()],
  });
  return { token: jwt.sign({ sub: userId, sid }, key, { algorithm: 'ES256', expiresIn: '15m' }), refreshToken };
}
app.post('/login', express.json(), async (request, response) => {
  const { email, password } = account.parse(request.body);
  const { rows } = await users.query<{ id: string; hash: string }>({
    name: 'account',
    text: 'SELECT id, password_hash AS hash FROM users WHERE email = $1 AND deleted_at IS NULL',
    values: [email],
  });
  const [found] = rows;
  if (found === undefined || !(await bcrypt.compare(password, found.hash))) response.sendStatus(401);
  else response.json({ success: true, data: await startSession(found.id) });
});
app.post('/refresh/:id', express.json(), async ({ params }, response) => {
  response.json({ success: true, data: await startSession(params.id) });
});

const yoga = createYoga({
  schema: makeExecutableSchema({ typeDefs: 'type Query { hello: String }' }),
  logging: false,
});
const servers = [app.listen(0, '127.0.0.1'), createServer(yoga).listen(0, '127.0.0.1')];
await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
process.send?.(servers.map((server) => (server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
