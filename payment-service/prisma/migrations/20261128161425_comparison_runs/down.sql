-- DropTable
DROP TABLE "comparison_runs";
