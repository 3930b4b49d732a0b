// The place of a new service on Kubernetes: what order-service has there, copied under another name, and a line in each file
// of k8s/ that lists the services.
import type { Insertion, Names } from './insertions.ts';

interface Source {
  read: (file: string) => string;
}

/** The objects of a file of manifests that have one of these names. */
function objectsIn(text: string, names: readonly string[]): string[] {
  const named = new RegExp(`^metadata:\\s*\\{\\s*name: (${names.join('|')})[\\s,}]`, 'm');
  return text.split(/^---\n/m).filter((one) => named.test(one));
}

/** New files in k8s/, by where they go. */
export function kubernetesFiles({ name, capitals, port }: Names, { read }: Source): Map<string, string> {
  const copied = (file: string, ...names: string[]) =>
    objectsIn(read(`k8s/${file}`), names).map((one) =>
      one
        .replace(/^(#.*\n)+/, '')
        .replaceAll('order', name)
        .replaceAll('ORDER', capitals)
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
      `k8s/base/config/${service}.env`,
      `# What ${service} reads.
${capitals}_SERVICE_PORT=${port}
${capitals}_DB_HOST=postgres-${name}
${capitals}_DB_PORT=5432
${capitals}_DB_NAME=${name}
`,
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

/** Lines in the files of k8s/ that stand. */
export function kubernetesInsertions({ name, capitals, port }: Names, { read }: Source): Insertion[] {
  const service = `${name}-service`;
  const after = (file: string, anchor: string, text: string): Insertion => ({
    file: `k8s/${file}`,
    after: anchor,
    text,
  });
  /** As the line of payment-service that begins so, which may say more than a service of its own has. */
  const likePayment = (file: string, beginning: string): Insertion => {
    const line =
      read(`k8s/${file}`)
        .split('\n')
        .find((one) => one.startsWith(beginning)) ?? beginning;
    return after(file, `${line}\n`, `${line.replaceAll('payment', name).replaceAll('PAYMENT', capitals)}\n`);
  };
  return [
    likePayment('base/kustomization.yaml', '  - payment-service.yaml'),
    likePayment('base/kustomization.yaml', '  - { name: payment-service, envs'),
    after(
      'base/config/gateway.env',
      'PAYMENT_SERVICE_URL=http://payment-service:8083\n',
      `${capitals}_SERVICE_URL=http://${service}:${port}\n`,
    ),
    after(
      'base/config/nginx.env',
      'PAYMENT_SERVICE_ADDRESS=payment-service:8083\n',
      `${capitals}_SERVICE_ADDRESS=${service}:${port}\n`,
    ),
    after('components/in-cluster-data/kustomization.yaml', ' postgres.yaml,', ` postgres-${name}.yaml,`),
    after('components/network-policies/kustomization.yaml', '[policies.yaml', `, ${service}.yaml`),
    after('components/autoscaling/kustomization.yaml', '[autoscalers.yaml', `, ${service}.yaml`),
    {
      file: 'k8s/components/observability/prometheus.yml',
      before: '  - job_name: rabbitmq\n',
      text: `  - job_name: ${service}
    sample_limit: 5000
    dns_sd_configs: [{ names: [${service}-pods], type: A, port: ${port}, refresh_interval: 15s }]
    metric_relabel_configs: [{ source_labels: [queue], regex: 'gateway[.]subscriptions[.].*', action: drop }]
`,
    },
    likePayment('overlays/k3s/kustomization.yaml', '  - { name: payment-service, count'),
    after('overlays/production/kustomization.yaml', '  - external-secrets.yaml\n', `  - ${service}.yaml\n`),
    likePayment('overlays/production/kustomization.yaml', '  - { name: payment-service, behavior'),
    ...['production', 'managed'].map((overlay) => {
      const file = `overlays/${overlay}/kustomization.yaml`;
      const [beginning = ''] = /^ {2}- \{ name: \w+-payment-service/m.exec(read(`k8s/${file}`)) ?? [];
      return likePayment(file, beginning);
    }),
  ];
}
