-- AlterTable
ALTER TABLE "attempt_budgets" DROP COLUMN "is_refusing";
