-- DropTable
DROP TABLE "handled_webhooks";

-- AlterTable
ALTER TABLE "payments" DROP COLUMN "next_check_at";
