-- What waits to be published stays small and quick, however much has been published: one partition for each of the two.
ALTER TABLE "outbox" ALTER COLUMN "position" DROP IDENTITY;
ALTER TABLE "outbox" RENAME TO "outbox_published";
DROP INDEX "outbox_unpublished_idx";
ALTER INDEX "outbox_pkey" RENAME TO "outbox_published_position_key";
ALTER INDEX "outbox_id_key" RENAME TO "outbox_published_id_key";
ALTER INDEX "outbox_published_at_idx" RENAME TO "outbox_published_published_at_idx";

CREATE TABLE "outbox" (LIKE "outbox_published") PARTITION BY RANGE ("published_at");
-- An identity column of a partitioned table needs PostgreSQL 17.
CREATE SEQUENCE "outbox_position_seq" OWNED BY "outbox"."position";
SELECT setval('outbox_position_seq', coalesce(max("position"), 0) + 1, false) FROM "outbox_published";
ALTER TABLE "outbox" ALTER COLUMN "position" SET DEFAULT nextval('outbox_position_seq');

-- Rows whose published_at is null are in no range: only this partition takes them.
CREATE TABLE "outbox_waiting" PARTITION OF "outbox" DEFAULT;
CREATE UNIQUE INDEX "outbox_waiting_position_key" ON "outbox_waiting" ("position");
CREATE UNIQUE INDEX "outbox_waiting_id_key" ON "outbox_waiting" ("id");
WITH waiting AS (DELETE FROM "outbox_published" WHERE "published_at" IS NULL RETURNING *)
INSERT INTO "outbox_waiting" SELECT * FROM waiting;

ALTER TABLE "outbox_published" ALTER COLUMN "published_at" SET NOT NULL;
ALTER TABLE "outbox" ATTACH PARTITION "outbox_published" FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

-- Every event passes through the waiting ones: the entries it leaves behind are swept before the poll has to step over many.
ALTER TABLE "outbox_waiting" SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
);
ALTER TABLE "outbox_published" SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE "inbox" SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE "applied_sequences" SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 90);
