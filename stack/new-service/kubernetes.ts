// The place of a new service on Kubernetes: what order-service has there, copied under another name.
import type { Names } from './insertions.ts';

/** The objects of a file of manifests that have one of these names. */
function objectsIn(text: string, names: readonly string[]): string[] {
  const named = new RegExp(`^metadata:\\s*\\{\\s*name: (${names.join('|')})[\\s,}]`, 'm');
  return text.split(/^---\n/m).filter((one) => named.test(one));
}

/** New files in k8s/, by where they go. */
export function kubernetesFiles({ name, port }: Names, read: (file: string) => string): Map<string, string> {
  const copied = (file: string, ...names: string[]) =>
    objectsIn(read(`k8s/${file}`), names).map((one) =>
      one
        .replace(/^(#.*\n)+/, '')
        .replaceAll('order', name)
        .replaceAll('ORDER', name.toUpperCase())
        .replaceAll('8082', String(port)),
    );
  const onlyFrom = (policy: string) => policy.replace(/^.*name: payment-service \} \} \},\n/m, ''); // which asks for orders
  const file = (about: string, objects: readonly string[]) => `# ${about}\n${objects.join('---\n')}`;
  const service = `${name}-service`;
  return new Map([
    [
      `k8s/base/${service}.yaml`,
      file(`${service}, and its migrations. How many replicas: the overlay, or components/autoscaling.`, [
        ...copied('base/order-service.yaml', 'order-service'),
        ...copied('base/migrations.yaml', 'migrate-order'),
        ...copied('components/observability/prometheus.yaml', 'order-service-pods'),
      ]),
    ],
    [
      `k8s/components/in-cluster-data/postgres-${name}.yaml`,
      file(`The database of ${service}.`, copied('components/in-cluster-data/postgres.yaml', 'postgres-order')),
    ],
    [
      `k8s/components/network-policies/${service}.yaml`,
      file(`Who reaches ${service}, and whom it reaches; beside policies.yaml, since policies add up.`, [
        ...copied('components/network-policies/policies.yaml', 'order-service', 'migrate-order', 'postgres-order').map(
          onlyFrom,
        ),
        ...['nginx', 'gateway', 'prometheus'].map((part) => policy(part, { egress: service, port })),
        policy('rabbitmq', { ingress: service, port: 5672 }),
        policy('jaeger', { ingress: service, port: 4318 }),
      ]),
    ],
    [
      `k8s/components/autoscaling/${service}.yaml`,
      file(`As those of autoscalers.yaml.`, copied('components/autoscaling/autoscalers.yaml', 'order-service')),
    ],
    [
      `k8s/overlays/production/${service}.yaml`,
      file(`The database of ${service}, and its Secrets.`, [
        ...copied('overlays/production/postgres.yaml', 'postgres-order'),
        ...copied('overlays/production/external-secrets.yaml', 'order-db-owner', 'order-db-service'),
      ]),
    ],
  ]);
}

/** What a part that stands already may do beside what policies.yaml says: reach a service, or be reached by it. */
function policy(part: string, { port, ...way }: { port: number } & ({ egress: string } | { ingress: string })): string {
  const [direction, other] = 'egress' in way ? (['egress', way.egress] as const) : (['ingress', way.ingress] as const);
  const peer = `podSelector: { matchLabels: { app.kubernetes.io/name: ${other} } }`;
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${part}-${other} }
spec:
  podSelector: { matchLabels: { app.kubernetes.io/name: ${part} } }
  policyTypes: [${direction === 'egress' ? 'Egress' : 'Ingress'}]
  ${direction}: [{ ${direction === 'egress' ? 'to' : 'from'}: [{ ${peer} }], ports: [{ port: ${port} }] }]
`;
}
