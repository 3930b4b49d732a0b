import type { ServerResponse } from 'node:http';

export interface Unanswered {
  readonly response: ServerResponse;
  /** Since when it has been seen to have ended, without its client having taken all of it. */
  endedAt?: number;
  place: number;
}

/**
 * The requests that are not answered yet. In a list, since V8 lets go of what was in a Set only by full collections: each table
 * that a Set outgrows refers to the next, so one that has become old keeps all later ones, with what was in them.
 */
export class UnansweredRequests {
  readonly #list: Unanswered[] = [];

  /** Until it is answered, or its client has gone. */
  add(response: ServerResponse): void {
    const added: Unanswered = { response, place: this.#list.length };
    this.#list.push(added);
    response.on('close', () => this.#remove(added));
  }

  #remove(answered: Unanswered): void {
    const last = this.#list.pop();
    if (last === undefined || last === answered) return;
    this.#list[answered.place] = last;
    last.place = answered.place;
  }

  all(): readonly Unanswered[] {
    return this.#list;
  }
}
