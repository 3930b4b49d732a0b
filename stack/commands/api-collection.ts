// `make api-collection`: requests for an editor to send, made from what the running system says of itself.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Context } from '../context.ts';
import { entryUrl } from '../entry-point.ts';
import { messageOf, StackError } from '../errors.ts';
import { descriptionSchema, httpCollection } from '../http-collection.ts';
import { repository } from '../paths.ts';
import { loadSettings, reachableHost } from '../settings.ts';

const TIMEOUT_MS = 10_000;
const file = 'api.http';

/** Throws a StackError where the system does not answer. */
export async function apiCollection({ output }: Context): Promise<number> {
  const settings = loadSettings();
  const gateway = `http://${reachableHost(settings.host)}:${settings.ports.GATEWAY_PORT}`;
  let description;
  try {
    const answer = await fetch(`${gateway}/openapi.json`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    description = descriptionSchema.parse(await answer.json());
  } catch (error) {
    throw new StackError(
      `${gateway}/openapi.json can't be read (${messageOf(error)}): is the system running? \`make up-d\``,
    );
  }
  writeFileSync(path.join(repository, file), httpCollection(description, entryUrl(settings)));
  output.result(`${file}: open it in VS Code with the extension REST Client, in IntelliJ, or send it with httpyac`);
  return 0;
}
