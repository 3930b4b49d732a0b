DROP TRIGGER "refunds_currency_decimals" ON "refunds";
DROP TRIGGER "payments_currency_decimals" ON "payments";
DROP TRIGGER "payable_orders_currency_decimals" ON "payable_orders";
DROP FUNCTION "fill_refund_currency_decimals";
DROP FUNCTION "fill_currency_decimals";
DROP FUNCTION "iso_4217_decimals";

-- AlterTable
ALTER TABLE "payable_orders" DROP COLUMN "currency_decimals";

-- AlterTable
ALTER TABLE "payments" DROP COLUMN "currency_decimals";

-- AlterTable
ALTER TABLE "refunds" DROP COLUMN "currency_decimals";
