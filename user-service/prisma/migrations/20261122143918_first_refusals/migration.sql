-- AlterTable
ALTER TABLE "attempt_budgets" ADD COLUMN     "is_refusing" BOOLEAN NOT NULL DEFAULT false;
