import { Conflict } from '@shop/common/errors';

/** Bytes of an export. With MAX_EXPORTS at a time they are all that exports take of the process's memory. */
export const MAX_EXPORT_BYTES = 16_000_000;

export class ExportTooLarge extends Conflict {
  constructor() {
    super('The data are too much for one export: read the lists page by page');
  }
}

/** An object of JSON that is written piece by piece, so that only its text is kept. */
export class ExportDocument {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** Throws ExportTooLarge. */
  append(text: string): void {
    const chunk = Buffer.from(text);
    this.#bytes += chunk.byteLength;
    if (this.#bytes > MAX_EXPORT_BYTES) throw new ExportTooLarge();
    this.#chunks.push(chunk);
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }
}
