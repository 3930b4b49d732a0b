// Stands in for a service: answers on a port, and writes down when it starts and stops.
//   node stand-in.ts NAME PORT JOURNAL [BEHAVIOUR]
import { appendFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import http from 'node:http';

const [name = '', port = '', journal = '', behaviour = ''] = process.argv.slice(2);

if (behaviour === 'fails') {
  console.error('settings: SOMETHING is missing');
  process.exit(1);
}
if (behaviour === 'parent') {
  // As nginx does: a child has the port, and would outlive its parent.
  spawn(process.execPath, [import.meta.filename, name, port, journal], { stdio: 'inherit' }).on('exit', () =>
    process.exit(1),
  );
  process.once('SIGTERM', () => process.kill(0, 'SIGKILL'));
} else {
  serve();
}

function serve(): void {
  process.on('SIGTERM', () => {
    if (behaviour === 'deaf') return;
    appendFileSync(journal, `${name} stops\n`);
    process.exit(0);
  });
  http
    .createServer((_request, response) => response.end(String(process.pid)))
    .listen(Number(port), '127.0.0.1', () => appendFileSync(journal, `${name} starts\n`));
}
