import { describe, expect, it } from '@jest/globals';
import { HeldSubjects, MAX_HELD_SUBJECTS } from './held-subjects.js';

describe('held subjects', () => {
  it('a subject is refused again and again -> it is left out for longer each time, up to 5 s', () => {
    const held = new HeldSubjects();
    held.hold('order', 0);
    expect(held.at(249)).toEqual(['order']);
    expect(held.at(501)).toEqual([]);
    for (let refusals = 0; refusals < 20; refusals++) held.hold('order', 0);
    expect(held.at(2_499)).toEqual(['order']);
    expect(held.at(5_001)).toEqual([]);
  });

  it('its event is published -> it is not left out any more', () => {
    const held = new HeldSubjects();
    held.hold('order', 0);
    held.release('order');
    expect(held.at(0)).toEqual([]);
  });

  it('as many are held as there is room for -> no other is, and those that are can be refused again', () => {
    const held = new HeldSubjects();
    for (let index = 0; index < MAX_HELD_SUBJECTS; index++) expect(held.hold(`order ${index}`, 0)).toBe(true);
    expect(held.hold('one more', 0)).toBe(false);
    expect(held.hold('order 0', 0)).toBe(true);
    expect(held.at(0)).toHaveLength(MAX_HELD_SUBJECTS);
    held.release('order 0');
    expect(held.hold('one more', 0)).toBe(true);
  });
});
