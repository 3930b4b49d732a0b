-- Users whose personal data is to be cleared, again and again for a year.
CREATE TABLE "anonymised_users" (
    "user_id" UUID NOT NULL,
    "anonymised_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sweep_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    -- SHA-256 of the address of one who was an admin, so that none is made again with it.
    "email_hash" BYTEA,

    CONSTRAINT "anonymised_users_pkey" PRIMARY KEY ("user_id")
);

CREATE INDEX "anonymised_users_due_idx" ON "anonymised_users"("sweep_at") WHERE (sweep_at IS NOT NULL);
CREATE INDEX "anonymised_users_email_hash_idx" ON "anonymised_users"("email_hash") WHERE (email_hash IS NOT NULL);
ALTER TABLE "anonymised_users" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
);

-- Rows of the audit trail stay as they were written, but for where an anonymised user's actions came from.
CREATE OR REPLACE FUNCTION "protect_audit_trail"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.created_at <= now() - interval '1 year' THEN
            RETURN OLD;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF NEW.client_address IS NULL AND NEW.request_id IS NULL
            AND to_jsonb(NEW) - '{client_address,request_id}'::text[] = to_jsonb(OLD) - '{client_address,request_id}'::text[]
            AND EXISTS (SELECT FROM anonymised_users WHERE user_id = coalesce(OLD.actor_id, OLD.subject_id))
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_trail_append_only',
        MESSAGE = format('the audit trail refuses %s', TG_OP);
END
$$;

-- The audit trail learns of it. Not checked again for what is there already: it was as strict before.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'user.registered', 'user.logged_in', 'user.login_failed', 'user.logged_out', 'user.password_changed',
        'user.role_changed', 'user.activated', 'user.deactivated', 'user.updated', 'user.deleted', 'user.anonymised',
        'user.data_exported', 'refresh_token.reused'
    )) NOT VALID;
