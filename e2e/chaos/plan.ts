// What a round does to the system, as its seed says.
import { Choices } from './choices.ts';

export const services = ['user-service', 'order-service', 'payment-service', 'gateway'] as const;
export const databases = ['user', 'order', 'payment'] as const;
export type Service = (typeof services)[number];
export type DatabaseName = (typeof databases)[number];
export type Victim = Service | 'rabbitmq' | `postgres-${DatabaseName}`;

export const victims: readonly Victim[] = [
  ...services,
  'rabbitmq',
  ...databases.map((name) => `postgres-${name}` as const),
];

/** Where exactly a process is killed, and which ones can be killed there. docs/reliability.md says how it is done. */
export const crashPoints = {
  'before commit': ['user-service', 'order-service', 'payment-service'],
  'after commit': ['user-service', 'order-service', 'payment-service'],
  'after publish': ['order-service', 'payment-service'],
  'after confirm': ['user-service', 'order-service', 'payment-service'],
  'after handling': ['order-service', 'payment-service'],
  'after charge': ['payment-service'],
  'during shutdown': ['user-service', 'order-service', 'payment-service', 'gateway'],
  'database before commit': ['postgres-user', 'postgres-order', 'postgres-payment'],
  'broker before confirm': ['rabbitmq'],
  'away across the deadline': ['rabbitmq', 'order-service', 'payment-service', 'postgres-order', 'postgres-payment'],
  'provider switched': ['payment-service'],
  'database read-only': ['postgres-user', 'postgres-order', 'postgres-payment'],
} as const satisfies Record<string, readonly [Victim, ...Victim[]]>;
export type CrashPoint = keyof typeof crashPoints;
/** In alphabetical order, so that the choices don't depend on the order above. */
const pointNames = (Object.keys(crashPoints) as CrashPoint[]).toSorted();

export interface Kill {
  /** `random`: whatever it is doing. */
  point: CrashPoint | 'random';
  victim: Victim;
  /** Milliseconds after the kill before it. */
  pause: number;
  /** Milliseconds until it is started again. */
  downtime: number;
  /** For a shutdown: milliseconds that it gets before it is killed. */
  grace: number;
}

/** Two rows of kills, done side by side. */
export interface Plan {
  random: Kill[];
  named: Kill[];
}

/** At most this many kills in each of the two rows; without a limit every process, and every point, has its turn. */
export function planRound(seed: number, { killsPerRow = Infinity }: { killsPerRow?: number | undefined } = {}): Plan {
  const choices = new Choices(seed, 'plan');
  const kill = (point: Kill['point'], victim: Victim): Kill => ({
    point,
    victim,
    pause: choices.integer(100, point === 'random' ? 2_500 : 800),
    downtime: choices.integer(0, 2_500),
    grace: choices.integer(0, 200),
  });
  return {
    random: choices
      .shuffle(victims)
      .slice(0, killsPerRow)
      .map((victim) => kill('random', victim)),
    named: choices
      .shuffle(pointNames)
      .slice(0, killsPerRow)
      .map((point) => kill(point, choices.pick<Victim>(crashPoints[point]))),
  };
}
