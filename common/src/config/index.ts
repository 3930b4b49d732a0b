export { loadSettings, SettingsError, type Environment, type Setting, type Settings } from './load-settings.js';
export { duration, flag, integer, list, optional, port, secret, text, oneOf, url } from './setting.js';
export { httpSettings, nodeEnvironments, type HttpSettings } from './http-settings.js';
