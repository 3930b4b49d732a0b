// What `make new-service` has added to the contracts: one line of each service.

/** Their events. */
export const addedEvents = {
  // ...
};
