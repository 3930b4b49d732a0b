import type { Operation } from '@shop/common/http';

/** What a route of a test says of itself where the test is about something else. */
export const testOperation: Operation = { id: 'test', summary: 'Something of a test', replies: {}, errors: [] };
