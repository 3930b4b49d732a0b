// How each program of the project's own ends.
import { StackError } from './errors.ts';
import { Output } from './output.ts';

/**
 * Ends this process with the code that `main` answers, or with 1 and what went wrong: in one line where the user can mend it,
 * else with where it happened.
 */
export async function runMain(main: (output: Output) => Promise<number> | number): Promise<void> {
  const output = new Output();
  try {
    process.exitCode = await main(output);
  } catch (error) {
    output.activity(undefined);
    output.error(error instanceof StackError ? error.message : String(error instanceof Error ? error.stack : error));
    process.exitCode = 1;
  }
}
