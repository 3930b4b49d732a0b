import { collectSubFields } from '@graphql-tools/utils';
import { InvalidInput, ServiceUnavailable } from '@shop/common/errors';
import { pageRules, type ServiceAnswer } from '@shop/common/http';
import type { PageMeta } from '@shop/common/paging';
import { getNamedType, isObjectType, type FieldNode, type GraphQLObjectType, type GraphQLResolveInfo } from 'graphql';

/** Which part of a list a client asks for. */
export interface PageArguments {
  limit?: number | null;
  offset?: number | null;
  after?: string | null;
}

/** One part of a list. */
export interface Connection<Row> {
  data: Row[];
  pageInfo: PageMeta;
}

/** Throws InvalidInput: what is too long for the services' addresses must not be sent there. */
function cursorOf(after: PageArguments['after']): string | undefined {
  const result = pageRules.cursor.check(after);
  if ('value' in result) return result.value;
  throw new InvalidInput(result.faults.map(({ message }) => ({ field: 'after', message })));
}

/** What to ask a service's list for. Counting costs as much as the list itself, so it is done only where it is wanted. */
export const pageQuery = ({ limit, offset, after }: PageArguments, info: GraphQLResolveInfo) => ({
  limit,
  offset,
  cursor: cursorOf(after),
  total: isTotalSelected(info),
});
export type PageQuery = ReturnType<typeof pageQuery>;

export function toConnection<Row>({ data, meta }: ServiceAnswer<Row[]>): Connection<Row> {
  if (meta === undefined) throw new ServiceUnavailable('A service answered a list without saying which part it is');
  return { data, pageInfo: meta };
}

function isTotalSelected(info: GraphQLResolveInfo): boolean {
  const connection = getNamedType(info.returnType);
  if (!isObjectType(connection)) return false;
  return fieldsOf(info, connection, info.fieldNodes).some((field) => {
    if (field.name.value !== 'pageInfo') return false;
    const pageInfo = getNamedType(connection.getFields().pageInfo?.type);
    return isObjectType(pageInfo) && fieldsOf(info, pageInfo, [field]).some(({ name }) => name.value === 'total');
  });
}

/** The fields below `nodes`, through fragments, @skip and @include. */
export function fieldsOf(info: GraphQLResolveInfo, type: GraphQLObjectType, nodes: readonly FieldNode[]): FieldNode[] {
  const variables = { coerced: info.variableValues, sources: {} };
  const { fields } = collectSubFields(info.schema, info.fragments, variables, type, [...nodes]);
  return [...fields.values()].flat();
}
