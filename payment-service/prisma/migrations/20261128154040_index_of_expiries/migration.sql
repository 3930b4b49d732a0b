DROP INDEX CONCURRENTLY IF EXISTS "payable_orders_expiry_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "payable_orders_expiry_idx" ON "payable_orders"("expires_at") WHERE (expires_at IS NOT NULL);
