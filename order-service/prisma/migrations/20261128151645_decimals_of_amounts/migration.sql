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
ALTER TABLE "orders" ADD COLUMN "currency_decimals" SMALLINT NOT NULL DEFAULT 2;
ALTER TABLE "orders" ALTER COLUMN "currency_decimals" DROP DEFAULT;
ALTER TABLE "orders" ADD CONSTRAINT "orders_currency_decimals_check" CHECK ("currency_decimals" BETWEEN 0 AND 4);
UPDATE "orders" SET "currency_decimals" = "iso_4217_decimals"("currency") WHERE "iso_4217_decimals"("currency") <> 2;

-- The version before this one, which runs beside it while services are replaced, doesn't name the decimals.
CREATE FUNCTION "fill_currency_decimals"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.currency_decimals := "iso_4217_decimals"(NEW.currency);
    RETURN NEW;
END
$$;
CREATE TRIGGER "orders_currency_decimals" BEFORE INSERT ON "orders"
    FOR EACH ROW WHEN (NEW."currency_decimals" IS NULL) EXECUTE FUNCTION "fill_currency_decimals"();
