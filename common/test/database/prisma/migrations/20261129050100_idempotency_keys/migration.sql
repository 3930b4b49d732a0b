-- What was answered to the requests of idempotency keys.
CREATE TABLE "idempotency_keys" (
    "user_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "attempt" UUID NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "begun" UUID,
    "status" SMALLINT,
    "body" JSON,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "headers" JSON,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("user_id","key")
);

CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- What a Prisma schema can't say: what may be kept for a key.
ALTER TABLE "idempotency_keys"
    ADD CONSTRAINT "idempotency_keys_key_check" CHECK ("key" ~ '^[\x20-\x7e]{1,255}$'),
    ADD CONSTRAINT "idempotency_keys_fingerprint_check" CHECK ("fingerprint" ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT "idempotency_keys_answer_check" CHECK (("status" IS NULL) = ("body" IS NULL)),
    ADD CONSTRAINT "idempotency_keys_status_check" CHECK (
        "status" BETWEEN 200 AND 299 OR ("status" BETWEEN 402 AND 499 AND "status" NOT IN (403, 413, 415, 429))
    );

-- An answer is written into the row of its key a moment later: with room in its page no index has to be changed (HOT).
ALTER TABLE "idempotency_keys" SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 70
);

-- Whether a user may take one more idempotency key. Far from the limit those who ask at the same moment can't reach it together;
-- near it they ask one after the other, and each sees what the one before it has left.
CREATE FUNCTION "may_take_key"("account" UUID, "max_keys" INTEGER) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken INTEGER;
BEGIN
    FOR look IN 1..2 LOOP
        SELECT count(*) INTO taken FROM (SELECT FROM idempotency_keys WHERE user_id = account LIMIT max_keys) AS keys;
        IF taken >= max_keys OR taken < max_keys / 2 AND taken < max_keys - 500 THEN
            RETURN taken < max_keys;
        END IF;
        IF look = 1 THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('idempotency keys of ' || account, 0));
        END IF;
    END LOOP;
    RETURN true;
END
$$;
