// The lines that a new service has in files which stand already: what no tool can read from its package.json.

export interface Names {
  /** catalog */
  name: string;
  /** Catalog */
  title: string;
  /** CATALOG */
  capitals: string;
  port: number;
  databasePort: number;
  /** The last number of its container's address. */
  host: number;
}

/** `text` goes right before `before`, or right after `after`, which stands once in the file. */
export type Insertion = { file: string; text: string } & ({ before: string } | { after: string });

export const insertions = (names: Names): Insertion[] => [
  ...contracts(names),
  {
    file: 'common/src/messaging/topology.ts',
    after:
      "    paymentService: workQueue('payment-service', ['order.created', 'order.status_changed', 'user.anonymised']),\n",
    text: `    ${names.name}Service: workQueue('${names.name}-service', ['user.deleted', 'user.anonymised']),\n`,
  },
  ...gateway(names),
  ...environment(names),
  ...nginx(names),
  ...compose(names),
];

function contracts({ name }: Names): Insertion[] {
  const file = 'common/src/contracts/added.ts';
  const line = (kind: string) => ({
    file,
    after: `export const added${kind} = {`,
    text: `\n  ...${name}${kind},\n`,
  });
  return [
    {
      file,
      before: '\n/** Who publishes each of their events, and when. */',
      text: `import { ${name}EventData, ${name}EventDescriptions, ${name}EventReaders, ${name}EventSchemas, ${name}NeededData } from './${name}.js';
export * from './${name}.js';
`,
    },
    ...['EventDescriptions', 'EventData', 'EventSchemas', 'NeededData', 'EventReaders'].map(line),
  ];
}

function gateway({ name, title, capitals, port }: Names): Insertion[] {
  const file = 'gateway/src/features.ts';
  return [
    {
      file,
      before: "import type { Resolvers } from './generated/resolvers.js';",
      text: `import { ${title}Client } from './${name}/${name}.client.js';
import { ${name}Loaders } from './${name}/${name}.loader.js';
import { ${name}Resolvers } from './${name}/${name}.resolvers.js';
`,
    },
    {
      file,
      after: "  payments: { name: 'payment-service', urlVariable: 'PAYMENT_SERVICE_URL' },\n",
      text: `  ${name}s: { name: '${name}-service', urlVariable: '${capitals}_SERVICE_URL' },\n`,
    },
    {
      file,
      after: '  PAYMENT_SERVICE_URL: serviceUrl(8083),\n',
      text: `  ${capitals}_SERVICE_URL: serviceUrl(${port}),\n`,
    },
    { file, after: "  payments: make('payments'),\n", text: `  ${name}s: make('${name}s'),\n` },
    {
      file,
      after: '  payments: new PaymentClient(of.payments),\n',
      text: `  ${name}s: new ${title}Client(of.${name}s),\n`,
    },
    { file, after: '  ...paymentLoaders(clients.payments),\n', text: `  ...${name}Loaders(clients.${name}s),\n` },
    { file, after: '  payments: paymentResolvers,\n', text: `  ${name}s: ${name}Resolvers,\n` },
  ];
}

function environment({ name, capitals, port, databasePort }: Names): Insertion[] {
  const file = '.env.example';
  return [
    { file, after: '\nPAYMENT_SERVICE_PORT=8083\n', text: `${capitals}_SERVICE_PORT=${port}\n` },
    { file, after: '\nPAYMENT_DB_PORT=5434\n', text: `${capitals}_DB_PORT=${databasePort}\n` },
    {
      file,
      after: '\nPAYMENT_DB_NAME=payment\n',
      text: `${capitals}_DB_HOST=127.0.0.1
${capitals}_DB_USER=${name}_service
${capitals}_DB_PASSWORD=
${capitals}_DB_OWNER=${name}_owner
${capitals}_DB_OWNER_PASSWORD=
${capitals}_DB_NAME=${name}
`,
    },
    { file, after: '\nPAYMENT_DATABASE_URL=\n', text: `${capitals}_DATABASE_URL=\n` },
    {
      file,
      after: '\nPAYMENT_DB_OWNER_PASSWORD_FILE=\n',
      text: `${capitals}_DB_PASSWORD_FILE=\n${capitals}_DB_OWNER_PASSWORD_FILE=\n`,
    },
    { file, after: '\nPAYMENT_DATABASE_URL_FILE=\n', text: `${capitals}_DATABASE_URL_FILE=\n` },
    { file, after: '\nPAYMENT_SERVICE_URL=\n', text: `${capitals}_SERVICE_URL=\n` },
  ];
}

function nginx({ name, capitals }: Names): Insertion[] {
  const file = 'nginx/nginx.conf.template';
  return [
    {
      file,
      before: '\n    proxy_http_version 1.1;\n',
      text: `    upstream ${name}-service { server \${${capitals}_SERVICE_ADDRESS}; keepalive 32; keepalive_timeout 60s; keepalive_requests 100000; }\n`,
    },
    {
      file,
      after: '        location ~ ^/api/v1/payments(/|$) { proxy_pass http://payment-service; }\n',
      text: `        location ~ ^/api/v1/${name}s(/|$) { proxy_pass http://${name}-service; }\n`,
    },
  ];
}

function compose({ name, capitals, port, host }: Names): Insertion[] {
  const file = 'docker-compose.yml';
  return [
    {
      file,
      after: '      PAYMENT_SERVICE_ADDRESS: ${CONTAINER_NETWORK}.14:8083\n',
      text: `      ${capitals}_SERVICE_ADDRESS: \${CONTAINER_NETWORK}.${host}:${port}\n`,
    },
    {
      file,
      after: '      PAYMENT_SERVICE_URL: http://payment-service:8083\n',
      text: `      ${capitals}_SERVICE_URL: http://${name}-service:${port}\n`,
    },
    {
      file,
      after: '      payment-service: { condition: service_healthy }\n',
      text: `      ${name}-service: { condition: service_healthy }\n`,
    },
    {
      file,
      before: '  # --- Migrations: each runs before its service',
      text: `  ${name}-service:
    <<: *service
    image: shop-${name}-service
    build: { context: ., args: { WORKSPACE: ${name}-service, PORT: ${port} } }
    environment:
      <<: *database-user
      ${capitals}_SERVICE_PORT: ${port}
      ${capitals}_DATABASE_URL:
      ${capitals}_DATABASE_URL_FILE: \${${capitals}_DATABASE_URL_FILE:+/run/secrets/${capitals}_DATABASE_URL}
      ${capitals}_DB_HOST: postgres-${name}
      ${capitals}_DB_PORT: 5432
      ${capitals}_DB_USER:
      ${capitals}_DB_PASSWORD:
      ${capitals}_DB_PASSWORD_FILE: \${${capitals}_DB_PASSWORD_FILE:+/run/secrets/${capitals}_DB_PASSWORD}
      ${capitals}_DB_NAME:
    secrets: [RABBITMQ_URL, RABBITMQ_PASSWORD, ${capitals}_DATABASE_URL, ${capitals}_DB_PASSWORD]
    ports: ['\${HOST}:\${${capitals}_SERVICE_PORT}:${port}']
    networks: { default: { ipv4_address: '\${CONTAINER_NETWORK}.${host}' } }
    depends_on:
      migrate-${name}: { condition: service_completed_successfully }

`,
    },
    {
      file,
      before: '  # --- Databases and broker ---',
      text: `  migrate-${name}:
    <<: *migration
    image: shop-${name}-service
    environment:
      DATABASE_URL: \${${capitals}_DATABASE_URL}
      DATABASE_URL_FILE: \${${capitals}_DATABASE_URL_FILE:+/run/secrets/${capitals}_DATABASE_URL}
      DATABASE_HOST: postgres-${name}
      DATABASE_PORT: 5432
      <<: *migration-environment
      DATABASE_USER: \${${capitals}_DB_OWNER}
      DATABASE_PASSWORD: \${${capitals}_DB_OWNER_PASSWORD}
      DATABASE_PASSWORD_FILE: \${${capitals}_DB_OWNER_PASSWORD_FILE:+/run/secrets/${capitals}_DB_OWNER_PASSWORD}
      DATABASE_NAME: \${${capitals}_DB_NAME}
      SERVICE_USER: \${${capitals}_DB_USER}
      SERVICE_PASSWORD: \${${capitals}_DB_PASSWORD}
      SERVICE_PASSWORD_FILE: \${${capitals}_DB_PASSWORD_FILE:+/run/secrets/${capitals}_DB_PASSWORD}
      SETTING_NAMES: >-
        SUPERUSER=POSTGRES_USER SUPERUSER_PASSWORD=POSTGRES_PASSWORD
        DATABASE_URL=${capitals}_DATABASE_URL DATABASE_USER=${capitals}_DB_OWNER
        DATABASE_PASSWORD=${capitals}_DB_OWNER_PASSWORD DATABASE_NAME=${capitals}_DB_NAME
        SERVICE_USER=${capitals}_DB_USER SERVICE_PASSWORD=${capitals}_DB_PASSWORD
    secrets: [POSTGRES_PASSWORD, ${capitals}_DATABASE_URL, ${capitals}_DB_OWNER_PASSWORD, ${capitals}_DB_PASSWORD]
    depends_on:
      postgres-${name}: { condition: service_healthy }

`,
    },
    {
      file,
      before: '  rabbitmq:\n    <<: *container\n',
      text: `  postgres-${name}:
    <<: *postgres
    environment: { <<: *postgres-environment, POSTGRES_DB: '\${${capitals}_DB_NAME}' }
    secrets: [POSTGRES_PASSWORD]
    volumes: ['${name}-data:/var/lib/postgresql/data']
    ports: ['\${HOST}:\${${capitals}_DB_PORT}:5432']

`,
    },
    { file, before: '  rabbitmq-data:\n', text: `  ${name}-data:\n` },
    {
      file: 'docker-compose.logs.yml',
      before: '  rabbitmq: *logged\n',
      text: `  ${name}-service: *logged\n  migrate-${name}: *logged\n  postgres-${name}: *logged\n`,
    },
    ...['DB_PASSWORD', 'DB_OWNER_PASSWORD', 'DATABASE_URL'].map((secret) => ({
      file,
      before: "  RABBITMQ_PASSWORD: { file: '${RABBITMQ_PASSWORD_FILE:-/dev/null}' }\n",
      text: `  ${capitals}_${secret}: { file: '\${${capitals}_${secret}_FILE:-/dev/null}' }\n`,
    })),
  ];
}
