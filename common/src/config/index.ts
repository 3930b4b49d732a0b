export { loadSettings, SettingsError, type Environment, type Setting, type Settings } from './load-settings.js';
export { isSecretGiven } from './secret-file.js';
export { duration, flag, integer, list, oneOf, optional, port, rate, readAs, text, type Rate } from './setting.js';
export { databaseUrl, databaseUrlOf, secret, url } from './url-setting.js';
export { corsOriginsOf, brokerUrl, httpSettings, type AllowedOrigins } from './http-settings.js';
export { PUBLISHED_RETENTION_DAYS } from './published-retention.js';
export { jwkThumbprint, parsePrivateKey, privateKey } from './keys.js';
export {
  hostConfig,
  hostSettings,
  serviceConfig,
  serviceSettings,
  type HostConfig,
  type ServiceConfig,
} from './service-settings.js';
