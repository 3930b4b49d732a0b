DROP INDEX CONCURRENTLY IF EXISTS "payable_orders_expiry_idx";
