import type { OpenApiDocument } from '@shop/common/http';
import { answerChecks } from './answer-check.js';

/** As `fetch`, and holds each answer against a description, whoever gave it: a service, the gateway or nginx. */
export class DescribedFetch {
  readonly #violations = new Set<string>();
  readonly #checking = new Set<Promise<void>>();
  readonly #checkOf: ReturnType<typeof answerChecks>;
  readonly #original: typeof fetch;

  constructor(document: OpenApiDocument, original: typeof fetch) {
    this.#checkOf = answerChecks(document);
    this.#original = original;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const response = await this.#original(input, init);
    const { method, url } = input instanceof Request ? input : { method: 'GET', url: String(input) };
    const check = this.#checkOf((init?.method ?? method).toUpperCase(), new URL(url).pathname);
    if (check === undefined) return response;
    const { status, headers } = response;
    const header = (name: string) => headers.get(name) ?? undefined;
    const checking = response
      .clone()
      .text()
      .then(
        (body) => {
          const violation = check({ status, header, body });
          if (violation !== undefined) this.#violations.add(violation);
        },
        () => undefined, // broken off, by either side: the test sees that itself
      )
      .finally(() => this.#checking.delete(checking));
    this.#checking.add(checking);
    return response;
  };

  /** What was answered otherwise than it is described, up to now. */
  async violations(): Promise<string[]> {
    await Promise.all(this.#checking);
    return [...this.#violations];
  }
}
