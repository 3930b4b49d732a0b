// Where the services' databases are, for commands of a developer's: as their owners, who may change their tables.
import { connectionUrl } from '../common/src/config/connection-url.ts';
import { databases } from './services.ts';
import { portOf, type Settings } from './settings.ts';

export interface DatabaseUrls {
  /** Given as a whole, or made of its parts. */
  owner: string;
  /** Of the superuser of that server, who may make databases. */
  superuser: string;
}

/** By the service's database: user, order and payment. */
export function databaseUrls({ variables, ports, postgres }: Settings): Map<string, DatabaseUrls> {
  const urls = databases.map(({ name, portVariable, variables: names }) => {
    const of = (part: keyof typeof names) => variables[names[part]] ?? '';
    const server = { host: of('DATABASE_HOST'), port: portOf(ports, portVariable), name: of('DATABASE_NAME') };
    const owner = { user: of('DATABASE_USER'), password: of('DATABASE_PASSWORD') };
    const given = of('DATABASE_URL');
    return [
      name,
      {
        owner: given || connectionUrl('postgresql', { ...server, ...owner }),
        superuser: given || connectionUrl('postgresql', { ...server, ...postgres }),
      },
    ] as const;
  });
  return new Map(urls);
}
