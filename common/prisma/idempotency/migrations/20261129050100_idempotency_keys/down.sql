DROP FUNCTION "may_take_key"(UUID, INTEGER);
DROP TABLE "idempotency_keys";
