import { z } from 'zod';

/** The names of the shapes that documents of the API share, with what they are and an example of each. */
export const resourceRegistry = z.registry<{ id: string; description: string; example: z.$output }>();

/** The example that a shape is registered with. Throws where it is not registered. */
export function exampleOf<Shape extends z.ZodType>(shape: Shape): z.output<Shape> {
  const registered = resourceRegistry.get(shape);
  if (registered === undefined) throw new Error('a shape without an example');
  return registered.example;
}
