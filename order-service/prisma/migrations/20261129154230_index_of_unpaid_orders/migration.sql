-- Each new order counts those of its user that nobody has paid. Where few had been unpaid when statistics were taken, the count
-- went through everybody's.
DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_of_user_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_unpaid_of_user_idx" ON "orders"("user_id", "created_at") WHERE (status IN ('pending', 'cancelled') AND deleted_at IS NULL);
