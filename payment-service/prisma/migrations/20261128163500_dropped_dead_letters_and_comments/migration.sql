-- The audit trail learns of dropped dead letters. Not checked again for what is there already: it was as strict before.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'charge.requested', 'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed',
        'discrepancy.closed', 'dead_letter.dropped'
    )) NOT VALID;

-- Whoever reads the tables sees what the numbers are.
COMMENT ON COLUMN "payable_orders"."amount" IS 'Total of the order, in minor units of the currency: with currency_decimals 2, 99999 is 999.99';
COMMENT ON COLUMN "payable_orders"."currency_decimals" IS 'Decimals of the currency when this was written: amounts are divided by 10 to the power of it';
COMMENT ON COLUMN "payments"."amount" IS 'What is to be paid, in minor units of the currency: with currency_decimals 2, 99999 is 999.99';
COMMENT ON COLUMN "payments"."refunded_amount" IS 'Of that given back, in the same minor units';
COMMENT ON COLUMN "payments"."refund_reserved" IS 'Of that taken by refunds under way or succeeded, in the same minor units';
COMMENT ON COLUMN "payments"."currency_decimals" IS 'Decimals of the currency when this was written: amounts are divided by 10 to the power of it';
COMMENT ON COLUMN "refunds"."amount" IS 'What is given back, in minor units of the payment''s currency';
COMMENT ON COLUMN "refunds"."currency_decimals" IS 'Decimals of the currency when this was written: amounts are divided by 10 to the power of it';
