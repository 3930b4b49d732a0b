import { InvalidInput } from '@shop/common/errors';
import { uuid } from '@shop/common/http';

/** The path of one resource. Throws InvalidInput on a malformed id, which would name another route. */
export function resourcePath(collection: string, id: string, field = 'id'): string {
  const parsed = uuid().check(id);
  if (!('value' in parsed)) throw new InvalidInput(parsed.faults.map(({ message }) => ({ field, message })));
  return `${collection}/${parsed.value}`;
}
