// Which services there are: read from the workspaces themselves, each of which says in its package.json what tools must know.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './paths.ts';

/** `service` of a workspace's package.json. */
export interface ServiceManifest {
  /** Where it listens unless its port variable says otherwise. */
  port: number;
  /** What its REST paths begin with. */
  path?: string;
  /** Of its server; its variables begin with it in capitals. */
  database?: string;
  /** The variables that only this service gets to see, beside those of its database. */
  own?: string[];
}

export interface Workspace extends ServiceManifest {
  /** Of its folder, such as order-service. */
  name: string;
  /** Such as ORDER_SERVICE_PORT. */
  portVariable: string;
}

interface PackageManifest {
  service?: ServiceManifest;
}

const read = (file: string) => JSON.parse(readFileSync(path.join(repository, file), 'utf8')) as PackageManifest; // the project's own

/** The services by their ports, then the gateway: the order in which others show them. */
export const serviceWorkspaces: readonly Workspace[] = globSync('*/package.json', { cwd: repository })
  .flatMap((file) => {
    const { service } = read(file);
    const name = path.dirname(file);
    return service === undefined ? [] : [{ ...service, name, portVariable: `${variablePrefix(name)}_PORT` }];
  })
  .toSorted((one, other) => {
    const isLast = ({ database }: ServiceManifest) => (database === undefined ? 1 : 0);
    return isLast(one) - isLast(other) || one.port - other.port;
  });

/** The databases, by their services' short names. */
export const databaseNames: readonly string[] = serviceWorkspaces.flatMap(({ database }) => database ?? []);

/** As variables begin with it: ORDER_SERVICE of order-service. */
export function variablePrefix(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
