COMMENT ON COLUMN "payable_orders"."amount" IS NULL;
COMMENT ON COLUMN "payable_orders"."currency_decimals" IS NULL;
COMMENT ON COLUMN "payments"."amount" IS NULL;
COMMENT ON COLUMN "payments"."refunded_amount" IS NULL;
COMMENT ON COLUMN "payments"."refund_reserved" IS NULL;
COMMENT ON COLUMN "payments"."currency_decimals" IS NULL;
COMMENT ON COLUMN "refunds"."amount" IS NULL;
COMMENT ON COLUMN "refunds"."currency_decimals" IS NULL;

-- What was noted with the new word stays: the audit trail refuses to lose it.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'charge.requested', 'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed',
        'discrepancy.closed'
    )) NOT VALID;
