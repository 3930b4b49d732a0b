/** A failure that the user can mend: its message says what is wrong and what to do, so it is shown without a stack trace. */
export class StackError extends Error {
  override name = 'StackError';
}

/** Whether an error carries one of these codes, such as ENOENT. Errors of Jest's other realm are no instances of Error. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && codes.includes(code);
}

/** Whether the machine lacks something at present: room on the disk, descriptors, processes, memory. */
export function isShortage(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM');
}

export function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}
