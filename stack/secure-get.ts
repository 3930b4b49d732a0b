// Asking our own nginx by https, whoever has issued its certificate.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { CertificateFiles } from './certificate.ts';

export interface SecureAnswer {
  status: number;
  text: string;
}

export interface SecureQuestion {
  headers?: Record<string, string>;
  timeoutMs: number;
}

/**
 * Asks a server that has to show the certificate of these files, by whatever name it is reached. Rejects where it shows another
 * one, or does not answer in time.
 */
export function secureGet(
  url: string,
  { certificate }: Pick<CertificateFiles, 'certificate'>,
  { headers = {}, timeoutMs }: SecureQuestion,
): Promise<SecureAnswer> {
  return new Promise((resolve, reject) => {
    const ca = new X509Certificate(readFileSync(certificate)).toString(); // of all in the file the server's own
    const trust = { ca, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(url, { ...trust, headers, signal, agent: false }, (response) => {
      text(response).then((content) => resolve({ status: response.statusCode ?? 0, text: content }), reject);
    });
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    sent.end();
  });
}
