// The services behind the gateway, and what it makes of each: whoever adds one adds it here.
import { url } from '@shop/common/config';
import type { CallerService } from './caller-service.js';
import { OrderClient } from './order/order.client.js';
import { orderLoaders } from './order/order.loader.js';
import { orderResolvers } from './order/order.resolvers.js';
import { PaymentClient } from './payment/payment.client.js';
import { paymentLoaders } from './payment/payment.loader.js';
import { paymentResolvers } from './payment/payment.resolvers.js';
import { UserClient } from './user/user.client.js';
import { userLoaders } from './user/user.loader.js';
import { userResolvers } from './user/user.resolvers.js';
import type { Resolvers } from './generated/resolvers.js';

/** Each by what its client is called. */
export const services = {
  users: { name: 'user-service', urlVariable: 'USER_SERVICE_URL' },
  orders: { name: 'order-service', urlVariable: 'ORDER_SERVICE_URL' },
  payments: { name: 'payment-service', urlVariable: 'PAYMENT_SERVICE_URL' },
} as const;

/** On this machine, unless settings say otherwise. */
const serviceUrl = (port: number) => url({ schemes: ['http', 'https'], default: `http://127.0.0.1:${port}` });

export const serviceUrlSettings = {
  USER_SERVICE_URL: serviceUrl(8081),
  ORDER_SERVICE_URL: serviceUrl(8082),
  PAYMENT_SERVICE_URL: serviceUrl(8083),
};

export type ServiceKey = keyof typeof services;
export type PerService<T> = Record<ServiceKey, T>;

export const serviceKeys = Object.keys(services).filter((key): key is ServiceKey => Object.hasOwn(services, key));

/** The same for each of them. */
export const perService = <T>(make: (key: ServiceKey) => T): PerService<T> => ({
  users: make('users'),
  orders: make('orders'),
  payments: make('payments'),
});

/** What one request asks them. */
export const createClients = (of: PerService<CallerService>) => ({
  users: new UserClient(of.users),
  orders: new OrderClient(of.orders),
  payments: new PaymentClient(of.payments),
});
export type Clients = ReturnType<typeof createClients>;

/** They remember what they loaded. */
export const createLoaders = (clients: Clients) => ({
  ...userLoaders(clients.users),
  ...orderLoaders(clients.orders),
  ...paymentLoaders(clients.payments),
});
export type Loaders = ReturnType<typeof createLoaders>;

const resolversOf: PerService<Resolvers> = {
  users: userResolvers,
  orders: orderResolvers,
  payments: paymentResolvers,
};
export const resolvers = Object.values(resolversOf);
