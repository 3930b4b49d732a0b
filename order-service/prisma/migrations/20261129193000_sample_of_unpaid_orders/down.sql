DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_sample_idx";
