-- What was noted with the new words stays: the audit trail refuses to lose it.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'charge.requested', 'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed'
    )) NOT VALID,
    DROP CONSTRAINT "audit_trail_subject_kind_check",
    ADD CONSTRAINT "audit_trail_subject_kind_check" CHECK ("subject_kind" = 'payment') NOT VALID;

-- DropTable
DROP TABLE "discrepancies";
