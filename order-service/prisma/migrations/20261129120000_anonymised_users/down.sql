CREATE OR REPLACE FUNCTION "protect_audit_trail"() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP TABLE "anonymised_users";
