import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

const cli = path.join(path.dirname(createRequire(import.meta.url).resolve('@redocly/cli/package.json')), 'bin/cli.js');
const config = path.join(import.meta.dirname, '../../redocly.yaml');
const report = z.object({ problems: z.array(z.object({ ruleId: z.string(), message: z.string() })) });

/** What `redocly lint` finds wrong with a document of OpenAPI. */
export async function lintDescription(document: object): Promise<string[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'openapi-'));
  try {
    const file = path.join(directory, 'openapi.json');
    await writeFile(file, JSON.stringify(document));
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        [cli, 'lint', file, '--format=json', `--config=${config}`],
        { env: { ...process.env, NODE_OPTIONS: '', REDOCLY_TELEMETRY: 'off' }, maxBuffer: 10_000_000 },
        // It ends with 1 where it finds something, which stands in the report.
        (error, stdout, stderr) => (stdout.trim() === '' ? reject(error ?? new Error(stderr)) : resolve(stdout)),
      );
    });
    return report.parse(JSON.parse(output)).problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}
