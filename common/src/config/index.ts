export { loadSettings, SettingsError, type Environment, type Setting, type Settings } from './load-settings.js';
export { isSecretGiven } from './secret-file.js';
export { connectionUrl, type ConnectionParts } from './connection-url.js';
export {
  duration,
  flag,
  fraction,
  hosts,
  issuer,
  integer,
  list,
  networks,
  oneOf,
  optional,
  origins,
  port,
  rate,
  text,
  type Rate,
} from './setting.js';
export { databaseUrl, databaseUrlOf, secret, url } from './url-setting.js';
export {
  corsOriginsOf,
  brokerUrl,
  httpSettings,
  nodeEnvironments,
  stopDelayOf,
  tracingOf,
  type AllowedOrigins,
  type HttpSettings,
} from './http-settings.js';
export { PUBLISHED_RETENTION_DAYS } from './published-retention.js';
export { jwkThumbprint, parsePrivateKey, parsePublicKey } from './keys.js';
export { privateKey, publicKeys } from './key-setting.js';
export {
  hostConfig,
  hostSettings,
  serviceConfig,
  serviceSettings,
  type HostConfig,
  type ServiceConfig,
} from './service-settings.js';
