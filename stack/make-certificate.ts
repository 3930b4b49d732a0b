// A certificate that nobody else vouches for, made by openssl.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { CertificateFiles } from './certificate.ts';
import { baseEnvironment } from './environment.ts';
import { StackError } from './errors.ts';
import { findExecutable } from './packages.ts';

/** Browsers take no certificate that lasts longer than 398 days. */
const days = 397;

/**
 * Makes a key and a certificate for these names and addresses, `localhost.key` and `localhost.crt` in a folder that only its
 * owner gets to. In there all may read the key, since a container, which gets the file alone, has a user of its own.
 */
export function makeCertificate(directory: string, hosts: readonly string[]): CertificateFiles {
  if (findExecutable('openssl') === undefined) {
    throw new StackError('openssl is missing: in Debian, as root, `apt-get install openssl`');
  }
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o700);
  const files = { certificate: path.join(directory, 'localhost.crt'), key: path.join(directory, 'localhost.key') };
  const [certificate, key, configuration] = [
    `${files.certificate}.new`,
    `${files.key}.new`,
    path.join(directory, 'new.cnf'),
  ];
  try {
    writeFileSync(configuration, request(hosts));
    const argv = ['req', '-x509', '-config', configuration, '-days', String(days), '-nodes'];
    const key256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    execFileSync('openssl', [...argv, ...key256, '-keyout', key, '-out', certificate], {
      env: baseEnvironment(),
      stdio: 'pipe',
    });
    chmodSync(key, 0o644);
    renameSync(key, files.key);
    renameSync(certificate, files.certificate);
  } finally {
    for (const file of [certificate, key, configuration]) rmSync(file, { force: true });
  }
  return files;
}

/** See req(1) and x509v3_config(5). It may sign nothing itself, so that whoever trusts it trusts this machine alone. */
const request = (hosts: readonly string[]): string => `[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = ${hosts[0]}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${hosts.map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`).join(', ')}
`;
