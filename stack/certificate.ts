// The certificate that nginx shows its clients: where it is, and what may be wrong with it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { hasCode, StackError } from './errors.ts';
import { repository } from './paths.ts';

/** Paths of files in PEM. */
export interface CertificateFiles {
  /** The certificate, and behind it those between it and its root. */
  certificate: string;
  key: string;
}

const variableOf = { certificate: 'TLS_CERT_FILE', key: 'TLS_KEY_FILE' } as const;

/** The files that the settings name, if any; relative paths begin in the project's folder. Adds to `faults`. */
export function certificateFiles(
  variables: Readonly<Record<string, string>>,
  faults: string[],
): CertificateFiles | undefined {
  const { TLS_CERT_FILE: certificate = '', TLS_KEY_FILE: key = '' } = variables;
  if (certificate === '' && key === '') return undefined;
  if (certificate === '' || key === '') {
    const [set, missing] = certificate === '' ? ['TLS_KEY_FILE', 'TLS_CERT_FILE'] : ['TLS_CERT_FILE', 'TLS_KEY_FILE'];
    faults.push(`${missing} is missing: ${set} is set, and TLS needs both`);
  }
  const files = { certificate: path.resolve(repository, certificate), key: path.resolve(repository, key) };
  for (const [name, file] of Object.entries(files) as [keyof CertificateFiles, string][]) {
    if (/["$\\{}\p{Cc}]/u.test(file)) faults.push(`${variableOf[name]} has a character that nginx takes for its own`);
  }
  return files;
}

/** What keeps nginx or its clients from taking the certificate, one line a fault. */
export function certificateFaults(files: CertificateFiles, now = new Date()): string[] {
  const faults: string[] = [];
  const read = <T>(name: keyof CertificateFiles, what: string, parse: (pem: string) => T): T | undefined => {
    try {
      return parse(readFileSync(files[name], 'utf8'));
    } catch (error) {
      faults.push(`${variableOf[name]} ${reasonOf(error, what)}: ${files[name]}`);
      return undefined;
    }
  };
  const certificate = read('certificate', 'a certificate', (pem) => new X509Certificate(pem));
  const key = read('key', 'a private key', (pem) => createPrivateKey(pem));
  if (certificate && key && !certificate.checkPrivateKey(key)) {
    faults.push('TLS_KEY_FILE is the key of another certificate than the one in TLS_CERT_FILE');
  }
  if (certificate && certificate.validToDate <= now) {
    faults.push(`TLS_CERT_FILE names a certificate that has expired, on ${day(certificate.validToDate)}: renew it`);
  }
  if (certificate && certificate.validFromDate > now) {
    faults.push(`TLS_CERT_FILE names a certificate that is valid only from ${day(certificate.validFromDate)} on`);
  }
  return faults;
}

/** Throws a StackError with what `certificateFaults` finds. */
export function checkCertificate(files: CertificateFiles | undefined): void {
  const faults = files ? certificateFaults(files) : [];
  if (faults.length > 0) throw new StackError(faults.join('\n'));
}

/** What keeps a user, such as that of a container, from reading the files, one line a fault. */
export function readingFaults(files: CertificateFiles, id: number): string[] {
  return (Object.entries(files) as [keyof CertificateFiles, string][]).flatMap(([name, file]) => {
    const { mode, uid, gid } = statSync(file);
    const isReadable = (mode & 0o004) !== 0 || (uid === id && mode & 0o400) || (gid === id && mode & 0o040);
    return isReadable
      ? []
      : [`${variableOf[name]} can't be read by the user of nginx's container: chown ${id} ${file}`];
  });
}

export const day = (date: Date): string => date.toISOString().slice(0, 10);

function reasonOf(error: unknown, what: string): string {
  if (hasCode(error, 'ENOENT')) return 'names a file that is not there';
  if (hasCode(error, 'EACCES', 'EISDIR', 'ENOTDIR')) return "names something that can't be read";
  if (hasCode(error, 'ERR_MISSING_PASSPHRASE', 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED'))
    return 'is encrypted, and nobody is there to tell nginx its passphrase';
  return `is not ${what} in PEM`;
}
