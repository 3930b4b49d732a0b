// Stands in for a service: answers on a port, and writes down when it starts and stops.
//   node stand-in.ts NAME PORT JOURNAL [BEHAVIOUR]
import { appendFileSync } from 'node:fs';
import http from 'node:http';

const [name = '', port = '', journal = '', behaviour = ''] = process.argv.slice(2);

if (behaviour === 'fails') {
  console.error('settings: SOMETHING is missing');
  process.exit(1);
}
process.on('SIGTERM', () => {
  if (behaviour === 'deaf') return;
  appendFileSync(journal, `${name} stops\n`);
  process.exit(0);
});
http
  .createServer((_request, response) => response.end(String(process.pid)))
  .listen(Number(port), '127.0.0.1', () => {
    appendFileSync(journal, `${name} starts\n`);
    if (behaviour === 'dies') setTimeout(() => process.exit(7), 200);
  });
