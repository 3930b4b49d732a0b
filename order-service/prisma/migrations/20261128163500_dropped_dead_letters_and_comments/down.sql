COMMENT ON COLUMN "orders"."total_amount" IS NULL;
COMMENT ON COLUMN "orders"."currency_decimals" IS NULL;
COMMENT ON COLUMN "order_items"."unit_price" IS NULL;

-- What was noted with the new word stays: the audit trail refuses to lose it.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'order.status_changed', 'order.deleted'
    )) NOT VALID;
