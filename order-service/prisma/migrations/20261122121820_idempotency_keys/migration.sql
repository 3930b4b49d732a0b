-- CreateTable
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

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("user_id","key")
);

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- What a Prisma schema can't say: what may be kept for a key.
ALTER TABLE "idempotency_keys"
    ADD CONSTRAINT "idempotency_keys_key_check" CHECK ("key" ~ '^[\x20-\x7e]{1,255}$'),
    ADD CONSTRAINT "idempotency_keys_fingerprint_check" CHECK ("fingerprint" ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT "idempotency_keys_answer_check" CHECK (("status" IS NULL) = ("body" IS NULL)),
    ADD CONSTRAINT "idempotency_keys_status_check" CHECK (
        "status" BETWEEN 200 AND 299 OR ("status" BETWEEN 402 AND 499 AND "status" NOT IN (403, 413, 415, 429))
    );
