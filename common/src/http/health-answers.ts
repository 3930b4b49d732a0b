import { z } from 'zod';

/** `down` of something required stops traffic; of anything else it only degrades. */
const dependencyState = z.enum(['up', 'behind', 'blocked', 'down']);
export type DependencyState = z.infer<typeof dependencyState>;

/** What /health answers. */
export const healthAnswer = z.object({
  status: z.literal('healthy'),
  service: z.string(),
  version: z.string(),
  uptime: z.number().describe('In seconds.'),
});

/** What /ready answers. */
export const readinessAnswer = z.object({
  service: z.string(),
  status: z.enum(['ok', 'degraded', 'unavailable']),
  dependencies: z.record(z.string(), dependencyState),
});
export type Readiness = Omit<z.infer<typeof readinessAnswer>, 'service'>;
