DROP TRIGGER "payable_orders_expires_at" ON "payable_orders";
DROP FUNCTION "set_expires_at";

-- AlterTable
ALTER TABLE "payable_orders" DROP COLUMN "expired_at",
DROP COLUMN "expires_at";
