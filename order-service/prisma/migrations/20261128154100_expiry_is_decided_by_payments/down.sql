DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_unpaid_idx" ON "orders"("payable_until") WHERE (status = 'pending' AND deleted_at IS NULL);
