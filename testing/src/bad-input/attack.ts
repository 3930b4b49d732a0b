import { sendRaw, type RawAnswer } from '../raw-http.js';
import { faultsOf } from './answers.js';
import type { BadRequest } from './bad-request.js';

/** Sends requests, some at once, and answers those that went wrong: what was asked, and how it was answered. */
export async function attack(
  url: string,
  requests: readonly BadRequest[],
  { atOnce = 8, onAnswer }: { atOnce?: number; onAnswer?: (request: BadRequest, answer: RawAnswer) => void } = {},
): Promise<string[]> {
  const failures: string[] = [];
  const queue = requests.values();
  const work = async () => {
    for (const request of queue) {
      try {
        const answer = await sendRaw(url, request.bytes, { isIncomplete: request.isIncomplete });
        if (answer) onAnswer?.(request, answer);
        const faults = faultsOf(request, answer);
        if (faults.length > 0)
          failures.push(`${request.name} -> ${faults.join('; ')}: ${answer?.body.slice(0, 300) ?? ''}`);
      } catch (error) {
        failures.push(`${request.name} -> ${error instanceof Error ? error.message : 'failed'}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failures;
}
