-- DropForeignKey
ALTER TABLE "order_items" DROP CONSTRAINT "order_items_order_id_fkey";

-- DropForeignKey
ALTER TABLE "order_status_history" DROP CONSTRAINT "order_status_history_order_id_fkey";

-- DropTable
DROP TABLE "orders";

-- DropTable
DROP TABLE "order_items";

-- DropTable
DROP TABLE "order_status_history";

-- DropTable
DROP TABLE "outbox";

-- DropTable
DROP TABLE "inbox";

-- DropTable
DROP TABLE "applied_sequences";

-- DropEnum
DROP TYPE "order_status";

-- DropFunction
DROP FUNCTION "check_order_transition"();
DROP FUNCTION "check_order_total"();
DROP FUNCTION "check_order_history"();
