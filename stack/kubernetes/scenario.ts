// `make k3s-test`: the whole scenario through one URL, then the ways of the ingress. ADMIN_PASSWORD is the first admin's.
//   node stack/kubernetes/scenario.ts [--reachable] URL      with --reachable: only whether it answers there, by the exit code
import { request } from 'node:http';
import { parseArgs } from 'node:util';
import { playScenario } from '../demo/demo.ts';
import { Shop } from '../demo/shop.ts';
import { StackError } from '../errors.ts';
import type { Output } from '../output.ts';
import { runMain } from '../run-main.ts';

const timeout = 5_000;
/** Where an ingress controller of this machine listens. */
const ingress = process.env.INGRESS_URL || 'http://localhost';
const ingressHosts = ['localhost', 'microservices.local'];

/** The shop behind one URL, which nginx or an ingress answers. */
export function shopAt(url: string, adminPassword = ''): Shop {
  const origins = { gateway: url, userService: url, orderService: url, paymentService: url };
  return new Shop({ origins, admin: { email: 'admin@example.com', password: adminPassword } });
}

interface Answer {
  status: number;
  body: string;
}

/** What a server says when it is asked by a name of our choice, which `fetch` can't do; undefined where nobody answers. */
function ask(url: string, host: string, path: string, body?: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const headers = { host, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const asked = request(new URL(path, url), { method: body === undefined ? 'GET' : 'POST', headers, timeout });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', () => resolve(undefined));
    });
    asked.end(body);
  });
}

/** Health and GraphQL, by one name. Throws a StackError where either is missing. */
async function checkIngress(host: string): Promise<void> {
  const health = await ask(ingress, host, '/health');
  if (health?.status !== 200) throw new StackError(`${host}/health: ${health?.status ?? 'no answer'}`);
  const graphql = await ask(ingress, host, '/query', JSON.stringify({ query: '{ __typename }' }));
  if (!graphql?.body.includes('"Query"')) throw new StackError(`${host}/query: ${graphql?.status ?? 'no answer'}`);
}

/** Whether the shop answers there, rather than nobody or somebody else. */
async function isReachable(url: string): Promise<boolean> {
  const answer = await ask(url, new URL(url).host, '/health');
  return answer?.status === 200 && answer.body.includes('"gateway"');
}

async function main(output: Output): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { reachable: { type: 'boolean', default: false } },
  });
  const [url = ''] = positionals;
  if (values.reachable) return (await isReachable(url)) ? 0 : 1;
  await playScenario(shopAt(url, process.env.ADMIN_PASSWORD), output);
  output.result(`the whole scenario went through ${url}`);
  if ((await ask(ingress, 'localhost', '/')) === undefined) {
    output.result(`ingress: skipped, nothing answers at ${ingress}; INGRESS_URL says where it does`);
    return 0;
  }
  for (const host of ingressHosts) {
    await checkIngress(host);
    output.result(`ingress: ${ingress} answers as ${host}`);
  }
  return 0;
}

if (import.meta.main) await runMain(main);
