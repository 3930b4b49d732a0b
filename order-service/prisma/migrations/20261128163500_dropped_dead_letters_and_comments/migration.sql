-- The audit trail learns of dropped dead letters. Not checked again for what is there already: it was as strict before.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'order.status_changed', 'order.deleted', 'dead_letter.dropped'
    )) NOT VALID;

-- Whoever reads the tables sees what the numbers are.
COMMENT ON COLUMN "orders"."total_amount" IS 'Total, in minor units of the currency: with currency_decimals 2, 99999 is 999.99';
COMMENT ON COLUMN "orders"."currency_decimals" IS 'Decimals of the currency when this was written: amounts are divided by 10 to the power of it';
COMMENT ON COLUMN "order_items"."unit_price" IS 'Price of one, in minor units of the order''s currency';
