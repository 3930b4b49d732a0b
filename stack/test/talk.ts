// A command that says twenty lines, and on standard error what becomes of it.
import { setTimeout as delay } from 'node:timers/promises';
import { Output } from '../output.ts';

const output = new Output();
void output.abandoned.then(() => output.progress('abandoned'));
for (let line = 0; line < 20; line++) {
  output.result(`line ${line}`);
  await delay(20);
}
output.progress('finished');
