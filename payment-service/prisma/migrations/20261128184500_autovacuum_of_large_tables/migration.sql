-- By default PostgreSQL sweeps a table once a fifth of it is dead: with millions of rows seldom, and then for long. Until
-- then every look at an index steps over what is dead, and the planner goes by old figures. With room in its page a row
-- changes without a change of any index, where no indexed column changes (HOT): an order's status, how far a charge is, an
-- answer that is written into the row of its key a moment later.
ALTER TABLE "payable_orders" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 90
);
ALTER TABLE "payments" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 90
);
ALTER TABLE "idempotency_keys" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 70
);
ALTER TABLE "refunds" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "discrepancies" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "handled_webhooks" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "audit_trail" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "outbox_published" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "inbox" SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "applied_sequences" SET (autovacuum_analyze_scale_factor = 0.02);
