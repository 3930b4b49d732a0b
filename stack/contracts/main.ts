// `check`: whether today's contracts break whoever uses the released ones; `release`: today's are released.
import { breakingChanges, currentContracts, release, releasedContracts } from './contracts.ts';

const current = currentContracts();
const changes = await breakingChanges(releasedContracts(), current, new Date().toISOString().slice(0, 10));
for (const { whom, what } of changes) console.error(`breaks ${whom}: ${what}`);
if (process.argv[2] === 'release') {
  release(current);
  console.log('stack/contracts/released is as the contracts are now');
} else if (changes.length > 0) {
  console.error('How to change a contract: docs/versioning.md');
  process.exitCode = 1;
} else {
  console.log('nobody who uses the released contracts breaks');
}
