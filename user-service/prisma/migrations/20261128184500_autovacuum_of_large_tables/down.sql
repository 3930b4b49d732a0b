ALTER TABLE "applied_sequences" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "inbox" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "outbox_published" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "audit_trail" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE "familiar_addresses" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE "attempt_budgets" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE "refresh_tokens" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor, fillfactor);
ALTER TABLE "sessions" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE "users" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor, fillfactor);
