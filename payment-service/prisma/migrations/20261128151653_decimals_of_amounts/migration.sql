-- Decimals by ISO 4217 of what was taken until now: all but these have two.
CREATE FUNCTION "iso_4217_decimals"(code text) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN code IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
            'XAF', 'XOF', 'XPF') THEN 0
        WHEN code IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN code IN ('CLF', 'UYW') THEN 4
        ELSE 2
    END
$$;

-- A default that every row has at once, without writing the table; few rows then need another value.
ALTER TABLE "payable_orders" ADD COLUMN "currency_decimals" SMALLINT NOT NULL DEFAULT 2;
ALTER TABLE "payable_orders" ALTER COLUMN "currency_decimals" DROP DEFAULT;
ALTER TABLE "payable_orders" ADD CONSTRAINT "payable_orders_currency_decimals_check" CHECK ("currency_decimals" BETWEEN 0 AND 4);
-- A default that every row has at once, without writing the table; few rows then need another value.
ALTER TABLE "payments" ADD COLUMN "currency_decimals" SMALLINT NOT NULL DEFAULT 2;
ALTER TABLE "payments" ALTER COLUMN "currency_decimals" DROP DEFAULT;
ALTER TABLE "payments" ADD CONSTRAINT "payments_currency_decimals_check" CHECK ("currency_decimals" BETWEEN 0 AND 4);
-- A default that every row has at once, without writing the table; few rows then need another value.
ALTER TABLE "refunds" ADD COLUMN "currency_decimals" SMALLINT NOT NULL DEFAULT 2;
ALTER TABLE "refunds" ALTER COLUMN "currency_decimals" DROP DEFAULT;
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_currency_decimals_check" CHECK ("currency_decimals" BETWEEN 0 AND 4);
UPDATE "payable_orders" SET "currency_decimals" = "iso_4217_decimals"("currency") WHERE "iso_4217_decimals"("currency") <> 2;
UPDATE "payments" SET "currency_decimals" = "iso_4217_decimals"("currency") WHERE "iso_4217_decimals"("currency") <> 2;
UPDATE "refunds" SET "currency_decimals" = payments.currency_decimals
    FROM "payments" WHERE payments.id = payment_id AND payments.currency_decimals <> 2;

-- The version before this one, which runs beside it while services are replaced, doesn't name the decimals.
CREATE FUNCTION "fill_currency_decimals"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.currency_decimals := "iso_4217_decimals"(NEW.currency);
    RETURN NEW;
END
$$;
CREATE FUNCTION "fill_refund_currency_decimals"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.currency_decimals := (SELECT currency_decimals FROM payments WHERE id = NEW.payment_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER "payable_orders_currency_decimals" BEFORE INSERT ON "payable_orders"
    FOR EACH ROW WHEN (NEW."currency_decimals" IS NULL) EXECUTE FUNCTION "fill_currency_decimals"();
CREATE TRIGGER "payments_currency_decimals" BEFORE INSERT ON "payments"
    FOR EACH ROW WHEN (NEW."currency_decimals" IS NULL) EXECUTE FUNCTION "fill_currency_decimals"();
CREATE TRIGGER "refunds_currency_decimals" BEFORE INSERT ON "refunds"
    FOR EACH ROW WHEN (NEW."currency_decimals" IS NULL) EXECUTE FUNCTION "fill_refund_currency_decimals"();
