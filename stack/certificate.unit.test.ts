import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  certificateFaults,
  certificateFiles,
  checkCertificate,
  readingFaults,
  type CertificateFiles,
} from './certificate.ts';
import { makeCertificate } from './make-certificate.ts';
import { repository } from './paths.ts';

let directory: string;
let files: CertificateFiles;
let other: CertificateFiles;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-certificate-'));
  files = makeCertificate(path.join(directory, 'one'), ['localhost', '127.0.0.1', '::1']);
  other = makeCertificate(path.join(directory, 'other'), ['localhost']);
});
afterAll(() => rmSync(directory, { recursive: true }));

const inDays = (days: number): Date => new Date(Date.now() + days * 24 * 3_600_000);

describe('a certificate of this machine’s own', () => {
  it('its names -> all that were asked for; it may sign no other', () => {
    const certificate = new X509Certificate(readFileSync(files.certificate));
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(certificate.ca).toBe(false);
  });

  it('its folder -> only for its owner; in there its key is for the user of a container, too', () => {
    expect(statSync(path.dirname(files.key)).mode & 0o777).toBe(0o700);
    expect(readingFaults(files, 101)).toEqual([]);
  });

  it('made again -> another one in its place', () => {
    const before = readFileSync(other.certificate, 'utf8');
    makeCertificate(path.dirname(other.certificate), ['localhost']);
    expect(readFileSync(other.certificate, 'utf8')).not.toBe(before);
    expect(certificateFaults(other)).toEqual([]);
  });
});

describe('TLS_CERT_FILE and TLS_KEY_FILE', () => {
  const read = (variables: Record<string, string>) => {
    const faults: string[] = [];
    return { files: certificateFiles(variables, faults), faults };
  };

  it('none -> no TLS', () => {
    expect(read({ TLS_CERT_FILE: '', TLS_KEY_FILE: '' })).toEqual({ files: undefined, faults: [] });
  });

  it('both -> found from the project’s folder', () => {
    expect(read({ TLS_CERT_FILE: '.tls/a.crt', TLS_KEY_FILE: '/etc/a.key' })).toEqual({
      files: { certificate: path.join(repository, '.tls/a.crt'), key: '/etc/a.key' },
      faults: [],
    });
  });

  it('one of them, or a path that ends what nginx has it in -> said', () => {
    expect(read({ TLS_KEY_FILE: '/a' }).faults).toEqual([
      'TLS_CERT_FILE is missing: TLS_KEY_FILE is set, and TLS needs both',
    ]);
    expect(read({ TLS_CERT_FILE: '/a"b', TLS_KEY_FILE: '/$c' }).faults).toEqual([
      'TLS_CERT_FILE has a character that nginx takes for its own',
      'TLS_KEY_FILE has a character that nginx takes for its own',
    ]);
  });
});

describe('what is wrong with a certificate', () => {
  const write = (name: string, text: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return file;
  };

  it('nothing -> no fault', () => {
    expect(() => checkCertificate(files)).not.toThrow();
    expect(() => checkCertificate(undefined)).not.toThrow();
  });

  it('files that are not there, or are folders -> both said, with their paths', () => {
    expect(certificateFaults({ certificate: '/nowhere/a.crt', key: directory })).toEqual([
      'TLS_CERT_FILE names a file that is not there: /nowhere/a.crt',
      `TLS_KEY_FILE names something that can't be read: ${directory}`,
    ]);
  });

  it('files of something else, or in each other’s place -> said', () => {
    const text = write('text', 'hello');
    expect(certificateFaults({ certificate: text, key: text })).toEqual([
      `TLS_CERT_FILE is not a certificate in PEM: ${text}`,
      `TLS_KEY_FILE is not a private key in PEM: ${text}`,
    ]);
    expect(certificateFaults({ certificate: files.key, key: files.certificate })).toHaveLength(2);
  });

  it('a key with a passphrase -> said, since nobody could enter it', () => {
    const key = path.join(directory, 'encrypted.key');
    execFileSync('openssl', ['pkcs8', '-topk8', '-in', files.key, '-out', key, '-passout', 'pass:secret']);
    expect(certificateFaults({ ...files, key })).toEqual([expect.stringMatching(/^TLS_KEY_FILE is encrypted, /)]);
  });

  it('the key of another certificate -> said', () => {
    expect(() => checkCertificate({ ...files, key: other.key })).toThrow(
      'TLS_KEY_FILE is the key of another certificate than the one in TLS_CERT_FILE',
    );
  });

  it('a time before or after it is valid -> said', () => {
    expect(certificateFaults(files, inDays(398))).toEqual([
      expect.stringMatching(/has expired, on \d{4}-\d\d-\d\d: renew it$/),
    ]);
    expect(certificateFaults(files, inDays(-1))).toEqual([
      expect.stringMatching(/is valid only from \d{4}-\d\d-\d\d on$/),
    ]);
  });

  it('a file that the user of a container may not read -> said, with the remedy', () => {
    const key = write('private.key', readFileSync(files.key, 'utf8'));
    chmodSync(key, 0o600);
    expect(readingFaults({ ...files, key }, statSync(key).uid)).toEqual([]);
    expect(readingFaults({ ...files, key }, statSync(key).uid + 101)).toEqual([
      expect.stringMatching(/^TLS_KEY_FILE can't be read by the user of nginx's container: chown \d+ \//),
    ]);
  });
});
