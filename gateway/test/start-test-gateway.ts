import { testHostConfig, type TestTokens } from '@shop/testing';
import type { Config } from '../src/config.js';
import { startGateway, type RunningGateway } from '../src/container.js';
import { perService } from '../src/features.js';
import { noDocumentLimits } from './test-gateway.js';

/** Where each service is that is down. */
export const nobodyListens = perService(() => 'http://127.0.0.1:1');

/** The whole gateway on a port of its own; services that aren't given are down. */
export const startTestGateway = ({
  tokens,
  brokerUrl,
  ...settings
}: Partial<Config> & { tokens: TestTokens; brokerUrl: string }): Promise<RunningGateway> =>
  startGateway({
    ...testHostConfig({ tokens, brokerUrl }),
    serviceUrls: nobodyListens,
    upstreamTimeout: 2_000,
    requestTimeout: 10_000,
    subscriptionLimits: { perAccount: 100, perAddress: 1_000, inAll: 1_000 },
    documentLimits: noDocumentLimits,
    upstreamLimits: { perRequest: 4, perClient: 16 },
    graphiqlEnabled: false,
    introspectionEnabled: true,
    ...settings,
  });
