import { z } from 'zod';

/** The names of the shapes that documents of the API share, with what they are and an example of each. */
export const resourceRegistry = z.registry<{ id: string; description: string; example: z.$output }>();
