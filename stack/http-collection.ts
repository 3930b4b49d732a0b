// Requests to try the REST API with, as a file that editors send from: the format of the REST Client of VS Code, which IntelliJ's
// HTTP client and httpyac read as well.
import { z } from 'zod';

const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  tags: z.array(z.string()),
  security: z.array(z.unknown()),
  parameters: z.array(z.object({ name: z.string(), in: z.string() }).partial()).default([]),
  requestBody: z.object({ content: z.record(z.string(), z.object({ example: z.unknown().optional() })) }).optional(),
});
export const descriptionSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});
type Description = z.infer<typeof descriptionSchema>;
type Operation = z.infer<typeof operationSchema> & { method: string; path: string };

/** What somebody new does first, in this order; each uses what those before were answered. */
const scenario = [
  'register',
  'login',
  'placeOrder',
  'getOrder',
  'getPaymentOfOrder',
  'processPayment',
  'refundPayment',
];

/** What stands for a path's parameter, by the path up to it. */
const pathVariables: Readonly<Record<string, string>> = {
  '/api/v1/users/{id}': 'userId',
  '/api/v1/orders/{id}': 'orderId',
  '/api/v1/payments/{id}': 'paymentId',
  '/api/v1/payments/order/{orderId}': 'orderId',
};

const variables = (host: string) => `@host = ${host}
@email = {{$guid}}@example.com
@password = password123
@adminEmail = admin@example.com
@adminPassword = admin-password

# What the requests of the scenario were answered.
@token = {{register.response.body.data.token}}
@refreshToken = {{register.response.body.data.refreshToken}}
@userId = {{register.response.body.data.user.id}}
@orderId = {{placeOrder.response.body.data.id}}
@paymentId = {{getPaymentOfOrder.response.body.data.id}}
@adminToken = {{loginAsAdmin.response.body.data.token}}
`;

/** The example of a body, with the variables in the place of whose it is. */
function bodyOf({ operationId, requestBody }: Operation): string | undefined {
  const example = z.record(z.string(), z.unknown()).safeParse(requestBody?.content['application/json']?.example);
  if (!example.success) return undefined;
  const own: Record<string, string> = {
    email: '{{email}}',
    password: '{{password}}',
    refreshToken: '{{refreshToken}}',
  };
  const given: Record<string, string> = ['register', 'login', 'refreshTokens'].includes(operationId)
    ? own
    : { orderId: '{{orderId}}' };
  const replaced = Object.entries(example.data).map(([name, value]) => [name, given[name] ?? value]);
  return JSON.stringify(Object.fromEntries(replaced), undefined, 2);
}

const pathOf = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string, at: number) => {
    return `{{${pathVariables[path.slice(0, at + name.length + 2)] ?? name}}}`;
  });

function requestOf(operation: Operation): string {
  const { operationId, summary, method, path, security, description, parameters } = operation;
  const isAdmins = operationId === 'refundPayment' || description?.startsWith('For admins only.') === true;
  const body = bodyOf(operation);
  const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  return [
    `### ${summary}`,
    ...(query.length > 0 ? [`# Parameters: ${query.join(', ')}`] : []),
    `# @name ${operationId}`,
    `${method.toUpperCase()} {{host}}${pathOf(path)}`,
    ...(security.length > 0 ? [`Authorization: Bearer {{${isAdmins ? 'adminToken' : 'token'}}}`] : []),
    ...(body === undefined ? [] : ['Content-Type: application/json', '', body]),
    '',
  ].join('\n');
}

const loginAsAdmin = `### Log in as an admin
# @name loginAsAdmin
POST {{host}}/api/v1/users/login
Content-Type: application/json

{ "email": "{{adminEmail}}", "password": "{{adminPassword}}" }
`;

/** The collection of a whole description of OpenAPI: the scenario first, then the rest by what it is about. */
export function httpCollection(description: Description, host: string): string {
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => ({ ...operation, method, path })),
  );
  const first = scenario.flatMap((id) => operations.find(({ operationId }) => operationId === id) ?? []);
  const rest = operations
    .filter((operation) => !first.includes(operation))
    .toSorted((a, b) => (a.tags[0] ?? '').localeCompare(b.tags[0] ?? ''));
  const requests = [...first.map(requestOf), ...rest.map(requestOf)];
  requests.splice(first.length - 1, 0, loginAsAdmin);
  return `# Made by \`make api-collection\`.\n${variables(host)}\n${requests.join('\n')}`;
}
