import { discrepancyKinds, discrepancyStatuses } from '@shop/common/contracts';
import { bodyOf, described, oneOf, optional, pageRules, paramsOf, queryOf, text, uuid } from '@shop/common/http';

export const discrepanciesQuery = queryOf({
  ...pageRules,
  status: optional(oneOf(discrepancyStatuses)),
  kind: optional(oneOf(discrepancyKinds)),
  orderId: optional(uuid()),
  paymentId: optional(uuid()),
});
export type DiscrepanciesQuery = Awaited<ReturnType<typeof discrepanciesQuery>>;

export const closeDiscrepancyBody = bodyOf({
  note: described(text({ max: 1_000 }), 'What was found out and done.', 'Charged back by hand'),
});
export type CloseDiscrepancyBody = Awaited<ReturnType<typeof closeDiscrepancyBody>>;

export const discrepancyParams = paramsOf({ id: uuid() });
export type DiscrepancyParams = Awaited<ReturnType<typeof discrepancyParams>>;
