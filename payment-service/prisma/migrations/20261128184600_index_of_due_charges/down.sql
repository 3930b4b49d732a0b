DROP INDEX CONCURRENTLY IF EXISTS "payments_processing_idx";
CREATE INDEX CONCURRENTLY IF NOT EXISTS "payments_processing_idx" ON "payments"("updated_at") WHERE (status = 'processing');
DROP INDEX CONCURRENTLY IF EXISTS "payments_due_idx";
