DROP TRIGGER "orders_currency_decimals" ON "orders";
DROP FUNCTION "fill_currency_decimals";
DROP FUNCTION "iso_4217_decimals";

-- AlterTable
ALTER TABLE "orders" DROP COLUMN "currency_decimals";
