-- DropTable
DROP TABLE "audit_trail";

DROP FUNCTION "protect_audit_trail";
