-- Every new order had its entry, and is seldom counted.
DROP INDEX CONCURRENTLY IF EXISTS "orders_unpaid_of_user_idx";
