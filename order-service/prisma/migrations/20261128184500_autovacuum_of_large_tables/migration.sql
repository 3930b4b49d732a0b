-- By default PostgreSQL sweeps a table once a fifth of it is dead: with millions of rows seldom, and then for long. Until
-- then every look at an index steps over what is dead, and the planner goes by old figures.
ALTER TABLE "orders" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
-- Only grow: analyzed by what comes in.
ALTER TABLE "order_items" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "order_status_history" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "audit_trail" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "outbox_published" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "inbox" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "applied_sequences" SET (autovacuum_analyze_scale_factor = 0.02);
-- An answer is written into the row of its key a moment later: with room in its page no index has to be changed (HOT).
ALTER TABLE "idempotency_keys" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 70
);
