export { createHost, packageVersion, type Component, type Host, type RunningHost } from './host.js';
export { stopInOrder } from './stop-in-order.js';
