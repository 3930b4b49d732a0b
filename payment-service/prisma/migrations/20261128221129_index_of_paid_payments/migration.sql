-- Paid payments by when they were paid: whether their orders are confirmed is looked up every hour.
DROP INDEX CONCURRENTLY IF EXISTS "payments_paid_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "payments_paid_idx" ON "payments"("paid_at") WHERE (status IN ('success', 'partially_refunded'));
