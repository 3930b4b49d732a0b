import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { OpenApiDocument } from '@shop/common/http';

/**
 * What a service keeps of its description in `file`, from which the types of its clients are made. Where there is none yet, and
 * where WRITE_DESCRIPTIONS is set, `served` is written there first.
 */
export async function keptDescription(file: string, served: OpenApiDocument): Promise<unknown> {
  if (process.env.WRITE_DESCRIPTIONS || !existsSync(file)) {
    await writeFile(file, `${JSON.stringify(served, undefined, 2)}\n`);
  }
  return JSON.parse(await readFile(file, 'utf8'));
}
