-- CreateTable
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

-- CreateIndex
CREATE INDEX "audit_trail_created_at_id_idx" ON "audit_trail"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_trail_actor_id_created_at_id_idx" ON "audit_trail"("actor_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_trail_subject_id_created_at_id_idx" ON "audit_trail"("subject_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_trail_action_created_at_id_idx" ON "audit_trail"("action", "created_at" DESC, "id" DESC);

-- What a Prisma schema can't say: what a row may hold, whoever writes it.
ALTER TABLE "audit_trail"
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'user.registered', 'user.logged_in', 'user.login_failed', 'user.logged_out', 'user.password_changed',
        'user.role_changed', 'user.activated', 'user.deactivated', 'user.updated', 'user.deleted',
        'refresh_token.reused', 'order.status_changed', 'order.deleted', 'charge.requested',
        'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed'
    )),
    ADD CONSTRAINT "audit_trail_actor_check" CHECK (("actor_id" IS NULL) = ("actor_role" IS NULL)),
    ADD CONSTRAINT "audit_trail_actor_role_check" CHECK ("actor_role" IN ('user', 'admin')),
    ADD CONSTRAINT "audit_trail_subject_check" CHECK (("subject_id" IS NULL) = ("subject_kind" IS NULL)),
    ADD CONSTRAINT "audit_trail_subject_kind_check" CHECK ("subject_kind" IN ('user', 'order', 'payment')),
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
