-- By which a new order's user is known to be far from the limit of unpaid orders, without a count of all of them: large ones, and
-- one of 16 others, by the last byte of their random ids.
DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_sample_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_unpaid_sample_idx" ON "orders"("user_id", "created_at") WHERE (status IN ('pending', 'cancelled') AND deleted_at IS NULL AND (bytes > 2000 OR get_byte(uuid_send(id), 15) < 16));
