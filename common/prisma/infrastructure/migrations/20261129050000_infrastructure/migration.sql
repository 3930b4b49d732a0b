-- Events waiting to be published, apart from those that are; events handled; who did what. Which actions there are, and on
-- what, each service checks for itself.
CREATE TABLE "outbox_published" (
    "position" BIGINT NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,
    "data" JSONB NOT NULL,
    "traceparent" TEXT,
    "published_at" TIMESTAMPTZ(3)
);
CREATE TABLE "outbox" (LIKE "outbox_published") PARTITION BY RANGE ("published_at");
-- An identity column of a partitioned table needs PostgreSQL 17.
CREATE SEQUENCE "outbox_position_seq" OWNED BY "outbox"."position";
ALTER TABLE "outbox" ALTER COLUMN "position" SET DEFAULT nextval('outbox_position_seq');
-- Rows whose published_at is null are in no range: only this partition takes them.
CREATE TABLE "outbox_waiting" PARTITION OF "outbox" DEFAULT;
CREATE UNIQUE INDEX "outbox_waiting_position_key" ON "outbox_waiting" ("position");
CREATE UNIQUE INDEX "outbox_waiting_id_key" ON "outbox_waiting" ("id");
ALTER TABLE "outbox_published"
    ADD CONSTRAINT "outbox_published_position_key" PRIMARY KEY ("position"),
    ALTER COLUMN "published_at" SET NOT NULL;
CREATE UNIQUE INDEX "outbox_published_id_key" ON "outbox_published" ("id");
CREATE INDEX "outbox_published_published_at_idx" ON "outbox_published" ("published_at");
ALTER TABLE "outbox" ATTACH PARTITION "outbox_published" FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

CREATE TABLE "inbox" (
    "event_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "handled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("event_id")
);
CREATE INDEX "inbox_handled_at_idx" ON "inbox"("handled_at");

CREATE TABLE "applied_sequences" (
    "aggregate" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,

    CONSTRAINT "applied_sequences_pkey" PRIMARY KEY ("aggregate")
);

CREATE TABLE "audit_trail" (
    "id" UUID NOT NULL,
    "action" TEXT NOT NULL,
    "actor_id" UUID,
    "actor_role" TEXT,
    "subject_kind" TEXT,
    "subject_id" UUID,
    "details" JSONB NOT NULL,
    "client_address" INET,
    "request_id" TEXT,
    "trace_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_trail_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "audit_trail_created_at_id_idx" ON "audit_trail"("created_at" DESC, "id" DESC);

CREATE INDEX "audit_trail_actor_id_created_at_id_idx" ON "audit_trail"("actor_id", "created_at" DESC, "id" DESC);

CREATE INDEX "audit_trail_subject_id_created_at_id_idx" ON "audit_trail"("subject_id", "created_at" DESC, "id" DESC);

CREATE INDEX "audit_trail_action_created_at_id_idx" ON "audit_trail"("action", "created_at" DESC, "id" DESC);

-- What a Prisma schema can't say: what a row may hold, whoever writes it.
ALTER TABLE "audit_trail"
    ADD CONSTRAINT "audit_trail_actor_check" CHECK (("actor_id" IS NULL) = ("actor_role" IS NULL)),
    ADD CONSTRAINT "audit_trail_actor_role_check" CHECK ("actor_role" IN ('user', 'admin')),
    ADD CONSTRAINT "audit_trail_subject_check" CHECK (("subject_id" IS NULL) = ("subject_kind" IS NULL)),
    ADD CONSTRAINT "audit_trail_details_check" CHECK (
        jsonb_typeof("details") = 'object' AND octet_length("details"::text) <= 1024
    ),
    ADD CONSTRAINT "audit_trail_request_id_check" CHECK (char_length("request_id") BETWEEN 1 AND 128),
    ADD CONSTRAINT "audit_trail_trace_id_check" CHECK ("trace_id" ~ '^[0-9a-f]{32}$');

-- Rows stay as they were written, for a year by this server's clock, whoever asks: the table's owner too, and a session
-- that replays a replica's changes.
CREATE FUNCTION "protect_audit_trail"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.created_at <= now() - interval '1 year' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_trail_append_only',
        MESSAGE = format('the audit trail refuses %s', TG_OP);
END
$$;

CREATE TRIGGER "audit_trail_rows" BEFORE UPDATE OR DELETE ON "audit_trail"
    FOR EACH ROW EXECUTE FUNCTION "protect_audit_trail"();
CREATE TRIGGER "audit_trail_truncate" BEFORE TRUNCATE ON "audit_trail"
    FOR EACH STATEMENT EXECUTE FUNCTION "protect_audit_trail"();
ALTER TABLE "audit_trail"
    ENABLE ALWAYS TRIGGER "audit_trail_rows",
    ENABLE ALWAYS TRIGGER "audit_trail_truncate";

-- Every event passes through the waiting ones: the entries it leaves behind are swept before the poll has to step over many.
ALTER TABLE "outbox_waiting" SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
);
ALTER TABLE "outbox_published" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "inbox" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE "applied_sequences" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 90
);
ALTER TABLE "audit_trail" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
