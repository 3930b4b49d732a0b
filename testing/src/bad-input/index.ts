export { attack } from './attack.js';
export {
  attackedRoutes,
  requestBytes,
  type AttackedRoute,
  type BadRequest,
  type JsonValue,
  type RouteTable,
} from './bad-request.js';
export { fieldsOf, withField } from './bodies.js';
export { badRequests, spread } from './corpus.js';
