import type { AnonymisingRepository } from './anonymising.repository.js';

const BATCH = 100;

/** Makes users nobody, a time after they were deleted. */
export class AnonymisingService {
  readonly #repository: AnonymisingRepository;
  readonly #retention: number;
  readonly #clock: () => Date;

  /** `retention`: milliseconds that a deleted user is kept as it was. */
  constructor({
    repository,
    retention,
    clock,
  }: {
    repository: AnonymisingRepository;
    retention: number;
    clock: () => Date;
  }) {
    this.#repository = repository;
    this.#retention = retention;
    this.#clock = clock;
  }

  /** Anonymises a bounded number of users. True: there may be more of them. */
  async anonymiseDue(): Promise<boolean> {
    const deletedBy = new Date(this.#clock().getTime() - this.#retention);
    return (await this.#repository.anonymise({ deletedBy, limit: BATCH })) === BATCH;
  }
}
