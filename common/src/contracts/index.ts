export {
  auditActions,
  auditResource,
  type AuditAction,
  type AuditActor,
  type AuditDetails,
  type AuditEntry,
  type AuditResource,
} from './audit.js';
export {
  discrepancyKinds,
  discrepancyResource,
  discrepancyStatuses,
  type DiscrepancyKind,
  type DiscrepancyResource,
  type DiscrepancyStatus,
} from './discrepancy.js';
export {
  MAX_ORDER_BYTES,
  orderResource,
  orderStatuses,
  TOO_LARGE_TOGETHER,
  type OrderResource,
  type OrderStatus,
} from './order.js';
export {
  paymentMethods,
  paymentResource,
  paymentStatuses,
  refundResource,
  refundStatuses,
  type NextAction,
  type PaymentMethod,
  type PaymentResource,
  type PaymentStatus,
  type RefundResource,
  type RefundStatus,
} from './payment.js';
export { accountDataResource, personalDataResource, type AccountDataResource } from './personal-data.js';
export { exampleOf, resourceRegistry } from './resource-registry.js';
export { roles, sessionResource, userResource, type Role, type SessionResource, type UserResource } from './user.js';
export {
  eventJsonSchema,
  events,
  eventSchemas,
  eventTypes,
  type DomainEvent,
  type EventData,
  type EventDraft,
  type EventOf,
  type EventType,
} from './events.js';
export { MalformedEvent, parseEvent, type IncomingEvent, type IncomingEventOf } from './incoming-events.js';
export {
  known,
  orderReader,
  paymentReader,
  refundReader,
  userReader,
  type ReadOrder,
  type ReadOrderStatusChange,
  type ReadPayment,
  type ReadRefund,
  type ReadUser,
} from './readers.js';
export * from './added.js';
export { isMoment } from './moment.js';
export { JsonText, type ResourceView } from './json-text.js';
