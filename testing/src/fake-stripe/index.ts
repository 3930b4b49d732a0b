export { startFakeStripe, type FakeDelivery, type FakeFault, type FakeStripe } from './fake-stripe.js';
export type { FakeIntent, FakeRefund } from './fake-account.js';
