// `make certificate`: nginx serves https in development, by a certificate that nobody else vouches for.
import path from 'node:path';
import type { Context } from '../context.ts';
import { completeEnvironmentFile, readText } from '../environment-file.ts';
import { setVariable } from '../environment-text.ts';
import { StackError } from '../errors.ts';
import { makeCertificate } from '../make-certificate.ts';
import { repository } from '../paths.ts';
import { safeHosts } from '../programs/nginx.ts';
import { loadSettings } from '../settings.ts';
import { writeWholeFile } from '../whole-file.ts';

const folder = '.tls';
const thisMachine = ['localhost', '127.0.0.1', '::1'];

/** Makes a certificate, or one in place of the last, and has .env name it. */
export function certificate({ output }: Context): number {
  for (const line of completeEnvironmentFile(repository)) output.progress(line);
  const { certificate: given, variables } = loadSettings();
  const directory = path.join(repository, folder);
  if (given && path.dirname(given.certificate) !== directory) {
    throw new StackError(
      `TLS_CERT_FILE names another certificate, ${given.certificate}: empty it and TLS_KEY_FILE first`,
    );
  }
  const others = safeHosts(variables.ALLOWED_HOSTS ?? '').split(',');
  const hosts = [...thisMachine, ...others.filter((host) => host !== '').map((host) => host.replace(/^\[|\]$/g, ''))];
  const files = makeCertificate(directory, hosts);
  const env = path.join(repository, '.env');
  const names = { TLS_CERT_FILE: files.certificate, TLS_KEY_FILE: files.key };
  const text = Object.entries(names).reduce(
    (changed, [name, file]) => setVariable(changed, name, path.relative(repository, file)),
    readText(env),
  );
  writeWholeFile(env, text, { mode: 0o600 });
  output.result(`made a certificate for ${hosts.join(', ')}; .env names it in TLS_CERT_FILE and TLS_KEY_FILE`);
  output.result('Now `make up`, or `make restart` where it runs. Browsers warn of it until you have them trust');
  output.result(`${files.certificate}; curl takes it by --cacert, Node.js by NODE_EXTRA_CA_CERTS.`);
  return 0;
}
