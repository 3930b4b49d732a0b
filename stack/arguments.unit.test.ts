import { describe, expect, it } from '@jest/globals';
import { parseArguments } from './arguments.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('parseArguments', () => {
  it.each([
    [['up'], { command: 'up', mode: 'foreground' }],
    [['up', '-d'], { command: 'up', mode: 'detached' }],
    [['infra', '--detach'], { command: 'infra', mode: 'detached' }],
    [['infra', '--background'], { command: 'infra', mode: 'background' }],
    [['down'], { command: 'down' }],
    [['logs'], { command: 'logs', names: [], follow: false, json: false }],
    [
      ['logs', '-f', '--json', 'gateway', 'rabbitmq'],
      { command: 'logs', names: ['gateway', 'rabbitmq'], follow: true, json: true },
    ],
    [
      ['logs', '--request', 'r-1'],
      { command: 'logs', names: [], follow: false, json: false, of: { field: 'requestId', id: 'r-1' } },
    ],
    ...[TRACE, `00-${TRACE}-b7ad6b7169203331-01`].map((trace): [string[], object] => [
      ['logs', '--trace', trace, 'gateway'],
      { command: 'logs', names: ['gateway'], follow: false, json: false, of: { field: 'traceId', id: TRACE } },
    ]),
    [['run', 'user-service'], { command: 'run', service: 'user-service' }],
    [
      ['script', 'payment', 'reconcile', '--', '--since', '2026-01-31'],
      { command: 'script', service: 'payment', script: 'reconcile', parameters: ['--since', '2026-01-31'] },
    ],
    [
      ['dead-letters', 'replay', '--', '--type', 'order.created'],
      { command: 'dead-letters', parameters: ['replay', '--type', 'order.created'] },
    ],
    [['republish', '2026-01-31'], { command: 'republish', since: '2026-01-31', services: [] }],
    [['republish', '2026-01-31', 'order'], { command: 'republish', since: '2026-01-31', services: ['order'] }],
    [['backup'], { command: 'backup' }],
    [['backup', '--keep', '7'], { command: 'backup', keep: 7 }],
    [['backup', '--to', 'a folder'], { command: 'backup', to: 'a folder' }],
    [['restore', 'backups/a'], { command: 'restore', from: 'backups/a', replace: false }],
    [['restore', 'backups/a', '--replace'], { command: 'restore', from: 'backups/a', replace: true }],
    [['demo'], { command: 'demo' }],
    [['migrate', 'down', 'order'], { command: 'migrate', direction: 'down', services: ['order'] }],
  ])('%j -> understood', (args, command) => {
    expect(parseArguments(args)).toEqual(command);
  });

  it.each([
    [[], 'a command is missing'],
    [['start'], 'there is no command start'],
    [['down', 'gateway'], 'down takes no further words'],
    [['down', '-d'], '-d is for up and infra'],
    [['up', '-f'], '-f is for logs'],
    [['down', '--trace', TRACE], '--trace is for logs'],
    [['logs', '--trace', TRACE, '--request', 'r-1'], '--request and --trace can not be combined'],
    [['logs', '--request', ''], 'an id is missing'],
    [['up', '--quick'], "Unknown option '--quick'"],
    [['run'], 'run takes the name of one service'],
    [['script', 'payment'], 'script takes the names of a service and of its script'],
    [['dead-letters'], 'dead-letters takes list, replay or drop'],
    [['republish', ''], 'republish takes a time'],
    [['backup', 'here'], 'backup takes no further words'],
    [['backup', '--keep', '0'], '--keep takes a whole number above 0'],
    [['backup', '--keep', '7', '--to', 'here'], '--to and --keep can not be combined'],
    [['restore', ''], 'restore takes the folder of a backup'],
    [['down', '--keep', '7'], '--to and --keep are for backup'],
    [['up', '--replace'], '--replace is for restore'],
    [['migrate', 'sideways'], 'migrate takes up, down or status'],
  ])('%j -> refused with the reason and the usage', (args, reason) => {
    expect(() => parseArguments(args)).toThrow(reason);
    expect(() => parseArguments(args)).toThrow('Usage: node stack/main.ts COMMAND');
  });
});
