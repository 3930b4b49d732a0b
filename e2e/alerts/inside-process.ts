import { openInspector } from '@shop/testing/inspector';

/** Runs JavaScript inside of a Node process: faults of a process that no request can cause. */
export async function runInside(pid: number, script: string): Promise<void> {
  const inspector = await openInspector(pid);
  try {
    await inspector.evaluate(`${script}; undefined`);
  } finally {
    await inspector.close();
  }
}
