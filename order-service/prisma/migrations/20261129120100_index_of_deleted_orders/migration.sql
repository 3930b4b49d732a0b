-- The deleted orders of a user, whose texts are cleared after the user.
DROP INDEX CONCURRENTLY IF EXISTS "orders_deleted_of_user_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_deleted_of_user_idx" ON "orders"("user_id") WHERE (deleted_at IS NOT NULL);
