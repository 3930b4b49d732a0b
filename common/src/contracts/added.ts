// What `make new-service` has added to the contracts: one line of each service in each of these.

/** Who publishes each of their events, and when. */
export const addedEventDescriptions = {
  // ...
};

/** What their events carry. */
export const addedEventData = {
  // ...
};

/** Each of their events as a whole. */
export const addedEventSchemas = {
  // ...
};

/** What consumers need of them. */
export const addedNeededData = {
  // ...
};

/** Each of their events as consumers read it. */
export const addedEventReaders = {
  // ...
};
