-- DropTable
DROP TABLE "attempt_budgets";

-- DropTable
DROP TABLE "familiar_addresses";
