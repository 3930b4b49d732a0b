ALTER TABLE "applied_sequences" RESET (autovacuum_vacuum_scale_factor, fillfactor);
ALTER TABLE "inbox" RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE "outbox_published" RESET (autovacuum_vacuum_scale_factor);

ALTER TABLE "outbox" DETACH PARTITION "outbox_published";
ALTER TABLE "outbox_published" ALTER COLUMN "published_at" DROP NOT NULL;
INSERT INTO "outbox_published" SELECT * FROM "outbox_waiting";
DROP TABLE "outbox";
ALTER TABLE "outbox_published" RENAME TO "outbox";
ALTER INDEX "outbox_published_position_key" RENAME TO "outbox_pkey";
ALTER INDEX "outbox_published_id_key" RENAME TO "outbox_id_key";
ALTER INDEX "outbox_published_published_at_idx" RENAME TO "outbox_published_at_idx";
CREATE INDEX "outbox_unpublished_idx" ON "outbox" ("position") WHERE (published_at IS NULL);
ALTER TABLE "outbox" ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('outbox', 'position'), coalesce(max("position"), 0) + 1, false) FROM "outbox";
