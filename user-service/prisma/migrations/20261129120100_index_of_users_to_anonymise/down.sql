DROP INDEX CONCURRENTLY IF EXISTS "users_to_anonymise_idx";
