CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_unpaid_of_user_idx" ON "orders"("user_id", "created_at") WHERE (status IN ('pending', 'cancelled') AND deleted_at IS NULL);
