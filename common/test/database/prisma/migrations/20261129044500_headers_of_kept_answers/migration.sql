-- The entity tag and the place of what an answer shows, to be repeated with it.
ALTER TABLE "idempotency_keys" ADD COLUMN "headers" JSON;
