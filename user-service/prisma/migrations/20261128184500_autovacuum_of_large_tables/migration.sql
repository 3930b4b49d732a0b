-- By default PostgreSQL sweeps a table once a fifth of it is dead: with millions of rows seldom, and then for long. Until
-- then every look at an index steps over what is dead, and the planner goes by old figures.
ALTER TABLE "users" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);
ALTER TABLE "sessions" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
-- A token is marked when its successor is handed out, which no index knows of: with room in its page none has to be
-- changed (HOT).
ALTER TABLE "refresh_tokens" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 90
);
ALTER TABLE "attempt_budgets" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "familiar_addresses" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "audit_trail" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "outbox_published" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "inbox" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "applied_sequences" SET (autovacuum_analyze_scale_factor = 0.02);
