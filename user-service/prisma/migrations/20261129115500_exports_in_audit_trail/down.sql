-- What was noted with the new word stays: the audit trail refuses to lose it.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'user.registered', 'user.logged_in', 'user.login_failed', 'user.logged_out', 'user.password_changed',
        'user.role_changed', 'user.activated', 'user.deactivated', 'user.updated', 'user.deleted',
        'refresh_token.reused'
    )) NOT VALID;
