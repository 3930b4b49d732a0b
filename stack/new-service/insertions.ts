// The lines that a new service has in files which stand already: what no tool can read from its package.json.
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Names {
  /** catalog */
  name: string;
  port: number;
  databasePort: number;
  /** The last number of its container's address. */
  host: number;
}

export const templateFolder = path.join(import.meta.dirname, 'template');

const titleOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** A text of the template, in which the service is called `sample`. */
export const fill = (text: string, { name, port, databasePort, host }: Names): string =>
  text
    .replaceAll(/sample(?!_limit)/g, name) // Prometheus' own word
    .replaceAll('Sample', titleOf(name))
    .replaceAll('SAMPLE', name.toUpperCase())
    .replaceAll('{{PORT}}', String(port))
    .replaceAll('{{DATABASE_PORT}}', String(databasePort))
    .replaceAll('{{HOST}}', String(host));

/** Whole lines: what stands in the file once, and what comes in its place. */
export interface Insertion {
  file: string;
  place: string;
  text: string;
}

/**
 * Those of template/existing-files.patch.template: below the name of each file the lines that are added, behind a +, next to
 * lines that stand there.
 */
export function insertions(names: Names): Insertion[] {
  const patch = fill(readFileSync(path.join(templateFolder, 'existing-files.patch.template'), 'utf8'), names);
  return patch
    .trimEnd()
    .split(/^=== /m)
    .slice(1)
    .flatMap((part) => {
      const [file = '', ...lines] = part.trimEnd().split('\n');
      const hunks = lines.join('\n').split('\n@@\n');
      return hunks.map((hunk) => {
        const marked = hunk.split('\n');
        const text = (these: string[]) => `\n${these.map((line) => line.slice(1)).join('\n')}\n`;
        return { file, place: text(marked.filter((line) => !line.startsWith('+'))), text: text(marked) };
      });
    });
}
