import winston from 'winston';
import Transport from 'winston-transport';
import { LineOutput } from './line-output.js';
import { redactFacts } from './redact.js';
import { currentScope } from './request-scope.js';

type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFacts = Readonly<Record<string, unknown>>;

/** Messages are constants, what varies goes into facts. `error` means that somebody must act. */
export interface Logger {
  error(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
}

const MESSAGE = Symbol.for('message'); // where winston's formats leave the line

/** Standard output, which all loggers of a process share. */
const standardOutput = new LineOutput(process.stdout, (lost) =>
  JSON.stringify({
    time: new Date().toISOString(),
    level: 'warn',
    message: 'log lines lost: they could not be written',
    lost,
  }),
);

process.on('exit', () => standardOutput.flush());

/** How many lines of this process's log could not be written. */
export const lostLogLines = (): number => standardOutput.lost;

const writeLine = (info: Record<symbol, unknown>, next: () => void): void => {
  standardOutput.write(String(info[MESSAGE]));
  next();
};

/** One JSON line an entry on standard output, secrets redacted, with the ids of the request that is being handled. */
export function createLogger({ service, level }: { service: string; level: LogLevel }): Logger {
  const logger = winston.createLogger({
    level,
    format: winston.format.printf(({ message }) => String(message)),
    transports: [new Transport({ log: writeLine })],
  });
  const write = (entryLevel: LogLevel) => {
    const isEnabled = logger.isLevelEnabled(entryLevel);
    return (message: string, facts: LogFacts = {}): void => {
      if (!isEnabled) return;
      const scope = currentScope();
      const entry = {
        time: new Date().toISOString(),
        level: entryLevel,
        service,
        message,
        requestId: scope?.requestId,
        traceId: scope?.traceparent.split('-')[1],
        actorId: scope?.actorId,
        ...redactFacts(facts),
      };
      logger.log(entryLevel, JSON.stringify(entry));
    };
  };
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}
