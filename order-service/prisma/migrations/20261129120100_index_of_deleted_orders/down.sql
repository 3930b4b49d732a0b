DROP INDEX CONCURRENTLY IF EXISTS "orders_deleted_of_user_idx";
