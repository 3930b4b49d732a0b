/**
 * Who may import whom. A rule's comment is what the person who broke it reads.
 * common/test/architecture proves each rule by a file that breaks it on purpose.
 */
const { globSync } = require('node:fs');

const workspace = '([^/]+-service|gateway)';
const layer = (...suffixes) => `^${workspace}/src/.*\\.(${suffixes.join('|')})\\.ts$`;
/** `order.ts` beside `order.service.ts` or `order.resource.ts`: the folder is searched, so that a new one needs no entry here. */
const domain = globSync('*/src/**/*.{service,resource}.ts').map(
  (file) => `^${file.replace(/\.(service|resource)\.ts$/, '')}\\.ts$`,
);
const prisma = ['/src/generated/prisma/', '(^|/)node_modules/(@prisma|prisma)/'];
const npm = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;
const common = (...topics) => `^common/(src|dist)/(${topics.join('|')})/`;
const tests = '(\\.test\\.ts$|^[^/]+/test/)';

/** Each topic of common may import only those before it. */
const topics = [
  'errors',
  'money',
  'contracts',
  'config',
  'auth',
  'logger',
  'process',
  'tracing',
  'metrics',
  'idempotency',
  'paging',
  'database',
  'http',
  'rabbitmq',
  'messaging',
  'service',
];

const error = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    error(
      'no-service-to-service',
      'Services meet over HTTP and events. Put the shared shape into common/contracts.',
      { path: `^${workspace}/` },
      { path: `^${workspace}/`, pathNot: '^$1/' },
    ),
    error(
      'common-knows-no-service',
      'common is imported by services, never the other way round.',
      { path: '^common/' },
      { path: `^${workspace}/` },
    ),
    error(
      'testing-knows-no-service',
      'testing/ serves every workspace; what one service alone needs lies in its own test/.',
      { path: '^testing/' },
      { path: `^${workspace}/` },
    ),
    ...topics
      .slice(0, -1)
      .map((topic, index) =>
        error(
          `common-${topic}-imports-only-what-stands-above`,
          `common/${topic} may import only ${topics.slice(0, index).join(', ') || 'nothing of common'}.`,
          { path: `^common/src/${topic}/`, pathNot: tests },
          { path: common(...topics.slice(index + 1)) },
        ),
      ),
    error(
      'common-topics-meet-at-their-index',
      'Import another topic from an index.js of it: that is its public face, the rest is its own business.',
      { path: '^common/src/([^/]+)/', pathNot: tests },
      {
        path: '^common/src/',
        pathNot: ['^common/src/$1/', '^common/src/[^/]+/index\\.ts$', '^common/src/[^/]+/[^/]+/index\\.ts$'],
      },
    ),
    error(
      'only-rabbitmq-imports-amqplib',
      'common/rabbitmq is the only importer of amqplib; use common/messaging.',
      { pathNot: ['^common/src/rabbitmq/', tests] },
      { path: npm('amqplib') },
    ),
    error(
      'routes-through-handler',
      'An app and its routes name handlers and validators; they reach no service, repository or database.',
      { path: [`^${workspace}/src/app\\.ts$`, layer('routes')] },
      { path: [layer('service', 'repository', 'reads'), ...prisma] },
    ),
    error(
      'handler-through-service',
      'A handler or consumer calls a service; it reaches neither the database nor the broker.',
      { path: layer('handler', 'consumer') },
      { path: [layer('repository', 'reads'), ...prisma, npm('amqplib', 'pg'), common('database')] },
    ),
    error(
      'service-is-plain',
      'A use case runs without HTTP, SQL and messages. Take what it needs as a constructor argument.',
      { path: layer('service') },
      {
        path: [
          ...prisma,
          layer('handler', 'routes', 'consumer', 'validator'),
          npm('express', 'express-validator', 'amqplib', 'pg', 'undici'),
          common('http', 'rabbitmq', 'messaging', 'service'),
        ],
      },
    ),
    error(
      'service-is-given-its-repository',
      'A service knows its repository by type only; container.ts hands it in.',
      { path: layer('service') },
      { path: layer('repository', 'reads'), dependencyTypesNot: ['type-only'] },
    ),
    error(
      'domain-is-pure',
      'The domain holds rules and types; it imports errors, money and contracts, and what it is as a resource.',
      { path: [...domain, layer('errors')] },
      {
        path: '.',
        pathNot: [common('errors', 'money', 'contracts'), ...domain, layer('errors', 'resource')],
        dependencyTypesNot: ['type-only'],
      },
    ),
    error(
      'repository-knows-only-domain',
      'A repository turns rows into domain objects. It calls no service and no handler.',
      { path: layer('repository', 'reads') },
      { path: [layer('service', 'handler', 'routes', 'consumer'), npm('express'), common('http')] },
    ),
    error(
      'loader-below-resolver',
      'Resolver, loader, client: each knows the next one only.',
      { path: layer('loader', 'client') },
      { path: layer('resolvers') },
    ),
    error(
      'client-below-loader',
      'Resolver, loader, client: each knows the next one only.',
      { path: layer('client') },
      { path: layer('loader') },
    ),
    error(
      'gateway-has-no-database',
      'The gateway reads services over REST.',
      { path: '^gateway/' },
      { path: [...prisma, npm('pg'), common('database')] },
    ),
    error(
      'only-main-takes-the-container',
      'container.ts knows every class; if others import it, wiring is no longer in one place.',
      { path: `^${workspace}/src/`, pathNot: ['/src/main\\.ts$', tests] },
      { path: '/src/container\\.ts$' },
    ),
    error(
      'settings-load-no-service',
      'main.ts and config.ts say what is wrong with the settings before anything else is loaded; tools read them, too.',
      { path: `^${workspace}/src/(main|config)\\.ts$` },
      {
        path: '^common/(src|dist)/',
        pathNot: [common('errors', 'money', 'contracts', 'config', 'process'), '/http/validation/'],
        dependencyTypesNot: ['type-only'],
      },
    ),
    error(
      'tests-stay-out-of-production',
      'Production code imports no builders, fakes or tests.',
      { path: '^[^/]+/src/', pathNot: [tests, '^testing/'] },
      { path: [tests, '^testing/'] },
    ),
    error(
      'no-circles',
      'Two files that need each other are one file, or need a third.',
      { pathNot: '/generated/' },
      { circular: true, pathNot: '/generated/' },
    ),
    error('nothing-unresolvable', 'This import leads nowhere.', { pathNot: '/generated/' }, { couldNotResolve: true }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: ['node_modules/(?!@shop)', '/generated/'] },
    exclude: { path: ['(^|/)dist/', '(^|/)coverage/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'types', 'default'],
      mainFields: ['main', 'types'],
    },
  },
};
