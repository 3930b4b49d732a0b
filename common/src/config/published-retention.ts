// Imports nothing, so that the stack's runner can use it before anything is built.

/** Days for which events can be published again, should the broker have lost them. */
export const PUBLISHED_RETENTION_DAYS = 7;
