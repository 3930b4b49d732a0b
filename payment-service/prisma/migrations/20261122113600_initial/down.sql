-- DropForeignKey
ALTER TABLE "payments" DROP CONSTRAINT "payments_order_id_fkey";

-- DropForeignKey
ALTER TABLE "refunds" DROP CONSTRAINT "refunds_payment_id_fkey";

-- DropTable
DROP TABLE "payable_orders";

-- DropTable
DROP TABLE "payments";

-- DropTable
DROP TABLE "refunds";

-- DropTable
DROP TABLE "outbox";

-- DropTable
DROP TABLE "inbox";

-- DropTable
DROP TABLE "applied_sequences";

-- DropEnum
DROP TYPE "order_status";

-- DropEnum
DROP TYPE "payment_status";

-- DropEnum
DROP TYPE "payment_method";

-- DropEnum
DROP TYPE "refund_status";

-- DropFunction
DROP FUNCTION "check_refund_sums"();
DROP FUNCTION "refuse_change_of_final_state"();
