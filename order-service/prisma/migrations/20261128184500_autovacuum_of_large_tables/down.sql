ALTER TABLE "idempotency_keys" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor, fillfactor);
ALTER TABLE "applied_sequences" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "inbox" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "outbox_published" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "audit_trail" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE "order_status_history" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "order_items" RESET (autovacuum_analyze_scale_factor);
ALTER TABLE "orders" RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
