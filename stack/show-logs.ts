// What Compose shows of logs, each line behind the name of its container, as `make logs` shows them: read from standard input.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { logsOptions } from './arguments.ts';
import { belongsTo, lineShower, timeOf } from './log-lines.ts';
import { Output } from './output.ts';

const prefixed = /^(\S+?)(?:-\d+)? +\| ?(.*)$/s;

const output = new Output();
const { json, of, follow } = logsOptions(process.argv.slice(2));
const show = lineShower(output, { json, width: 16 });

const kept: { name: string; line: string }[] = [];
const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on('line', (text) => {
  const [, name = '', line = text] = prefixed.exec(text) ?? [];
  if (of === undefined) show({ name, line });
  else if (belongsTo(line, of)) {
    if (follow) show({ name, line });
    else kept.push({ name, line });
  }
});
await once(lines, 'close');
kept.sort((a, b) => timeOf(a.line) - timeOf(b.line)).forEach(show);
if (of !== undefined && !follow && kept.length === 0) {
  output.error(`no log has a line with the ${of.field} ${of.id}`);
  process.exitCode = 1;
}
