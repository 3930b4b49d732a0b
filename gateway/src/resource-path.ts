import { InvalidInput } from '@shop/common/errors';
import { uuid } from '@shop/common/http';

/** An id in the form that the services write it in. Throws InvalidInput on a malformed one. */
export function resourceId(id: string, field = 'id'): string {
  const parsed = uuid().check(id);
  if (!('value' in parsed)) throw new InvalidInput(parsed.faults.map(({ message }) => ({ field, message })));
  return parsed.value;
}

/** The path of one resource. Throws InvalidInput on a malformed id, which would name another route. */
export const resourcePath = (collection: string, id: string, field = 'id'): string =>
  `${collection}/${resourceId(id, field)}`;
