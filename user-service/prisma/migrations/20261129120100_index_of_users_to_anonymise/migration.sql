-- Deleted users that still say who they were: those without this hash, which no password has.
DROP INDEX CONCURRENTLY IF EXISTS "users_to_anonymise_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "users_to_anonymise_idx" ON "users"("deleted_at") WHERE (deleted_at IS NOT NULL AND password_hash <> '$2b$04$.....................................................');
