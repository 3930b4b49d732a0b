DROP TABLE "outbox";
DROP TABLE "inbox";
DROP TABLE "applied_sequences";
DROP TABLE "audit_trail";
DROP FUNCTION "protect_audit_trail"();
