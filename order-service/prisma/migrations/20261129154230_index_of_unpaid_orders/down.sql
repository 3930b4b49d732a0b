DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_of_user_idx";
