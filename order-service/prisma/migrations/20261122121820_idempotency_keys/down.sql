-- DropTable
DROP TABLE "idempotency_keys";
