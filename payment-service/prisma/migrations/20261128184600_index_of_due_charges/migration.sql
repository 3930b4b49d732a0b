-- Charges without an outcome by when they are due: in an outage many of them wait, and none of those is looked at before.
DROP INDEX CONCURRENTLY IF EXISTS "payments_due_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "payments_due_idx" ON "payments" (COALESCE("next_check_at", "updated_at")) WHERE (status = 'processing');
DROP INDEX CONCURRENTLY IF EXISTS "payments_processing_idx";
