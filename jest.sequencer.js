import Sequencer from '@jest/test-sequencer';

const kinds = ['.alerts.test.ts', '.e2e.test.ts', '.int.test.ts'];
const rankOf = ({ path }) => {
  const rank = kinds.findIndex((kind) => path.endsWith(kind));
  return rank === -1 ? kinds.length : rank;
};

/**
 * Files that use whole systems first, units last, so that no long file ends the run alone. Within a kind as Jest has it,
 * which knows how long files took only where they have run before.
 */
export default class SystemsFirstSequencer extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
