export { loadSettings, SettingsError, type Environment, type Setting, type Settings } from './load-settings.js';
export {
  duration,
  flag,
  fraction,
  integer,
  list,
  networks,
  oneOf,
  optional,
  port,
  rate,
  secret,
  text,
  url,
  type Rate,
} from './setting.js';
export { httpSettings, nodeEnvironments, stopDelayOf, tracingOf, type HttpSettings } from './http-settings.js';
