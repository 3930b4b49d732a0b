// Which events of a service have an effect in another one, so that they stand in its inbox once they are handled.

export const receivedEvents = {
  order: { by: 'payment', condition: `type IN ('order.created', 'order.status_changed')` },
  // A partial refund leaves the order as it is, and no trace there.
  payment: {
    by: 'order',
    condition: `(type IN ('payment.success', 'payment.expired') OR (type = 'payment.refunded' AND data ->> 'status' = 'refunded'))`,
  },
} as const;
