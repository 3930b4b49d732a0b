// What a backup says of itself: manifest.json, the last file that is written.
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { hasCode, messageOf, StackError } from '../errors.ts';

export const manifestFile = 'manifest.json';
/** Of the manifest and of the files: a restore refuses any other. */
export const format = 1;

/** Names become part of file names and are shown: nothing but what PostgreSQL takes without quotes. */
const identifier = z.string().regex(/^[A-Za-z_][\w$]*$/);

const table = z.object({
  schema: identifier,
  name: identifier,
  /** Those that are stored; generated ones are computed again. */
  columns: z.array(z.string()).min(1),
  rows: z.number().int().nonnegative(),
  /** In the backup's folder: COPY's text format, compressed by gzip. */
  file: z.string().regex(/^[a-z][a-z0-9-]*\/[\w$.]+\.copy\.gz$/),
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const database = z.object({
  /** Of its server: user, order or payment. */
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  postgresql: z.string(),
  /** What it holds is what was committed then, by its server's clock. */
  takenAt: z.iso.datetime(),
  /** Applied ones, oldest first. */
  migrations: z.array(z.string()).min(1),
  tables: z.array(table).min(1),
  sequences: z.array(z.object({ schema: identifier, name: identifier, value: z.string().regex(/^-?\d+$/) })),
  /** Statements that make what no migration makes: the tables of the simulated payment provider. */
  definitions: z.array(z.string()),
});

const manifest = z.object({
  format: z.literal(format),
  project: z.string(),
  version: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  bytes: z.number().int().nonnegative(),
  databases: z.array(database).min(1),
});

export type Manifest = z.infer<typeof manifest>;
export type DatabaseManifest = Manifest['databases'][number];
export type TableManifest = DatabaseManifest['tables'][number];

/** Reads it, and compares every file with it. Throws a StackError with one line for each fault. */
export async function readBackup(folder: string): Promise<Manifest> {
  const found = parseManifest(folder);
  const files = found.databases.flatMap(({ tables }) => tables);
  const faults = (await Promise.all(files.map((file) => faultOf(folder, file)))).filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new StackError(`${folder} is no whole backup:\n${faults.join('\n')}`);
  return found;
}

/** Whether the folder holds a manifest: it is there only once all else is. */
export function holdsBackup(folder: string): boolean {
  try {
    parseManifest(folder);
    return true;
  } catch (error) {
    if (error instanceof StackError) return false;
    throw error;
  }
}

function parseManifest(folder: string): Manifest {
  let text: string;
  try {
    text = readFileSync(path.join(folder, manifestFile), 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new StackError(`${folder} is no backup: it has no ${manifestFile}`);
  }
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new StackError(`${path.join(folder, manifestFile)} can't be used: ${reason}`);
  }
}

async function faultOf(folder: string, { file, bytes, sha256 }: TableManifest): Promise<string | undefined> {
  const name = path.join(folder, file);
  try {
    const { size } = await stat(name);
    if (size !== bytes) return `${file} has ${size} bytes instead of ${bytes}`;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(name)) hash.update(chunk as Buffer); // of a stream without an encoding
    return hash.digest('hex') === sha256 ? undefined : `${file} was changed: its SHA-256 is not that of the manifest`;
  } catch (error) {
    return hasCode(error, 'ENOENT') ? `${file} is missing` : `${file} can't be read: ${messageOf(error)}`;
  }
}
