import { describe, expect, it } from '@jest/globals';
import { PassedOver } from './passed-over.js';

const start = Date.UTC(2026, 0, 1);
const after = (seconds: number) => new Date(start + seconds * 1_000);

describe('what has failed', () => {
  it('again and again -> is passed over for twice as long each time, up to ten minutes', () => {
    const passedOver = new PassedOver();
    const pauses: number[] = [];
    let now = 0;
    for (let times = 0; times < 50; times++) {
      passedOver.failed('order', after(now));
      const since = now;
      while (passedOver.ids(after(now)).length > 0) now += 5;
      pauses.push(now - since);
    }
    expect(pauses.slice(0, 9)).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600]);
    expect(pauses.at(-1)).toBe(600);
  });

  it('and succeeds, or is not tried any more -> is forgotten', () => {
    const passedOver = new PassedOver();
    for (const id of ['one', 'two', 'three']) passedOver.failed(id, after(0));
    passedOver.succeeded('one');
    expect(passedOver.ids(after(1))).toEqual(['two', 'three']);
    passedOver.failed('two', after(5));
    expect(passedOver.ids(after(700))).toEqual([]);
    passedOver.failed('two', after(700));
    passedOver.failed('three', after(700));
    expect(passedOver.ids(after(706))).toEqual([]); // as if each had failed for the first time
  });
});
