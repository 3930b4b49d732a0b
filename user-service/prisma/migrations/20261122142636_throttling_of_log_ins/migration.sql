-- CreateTable
CREATE TABLE "attempt_budgets" (
    "key" BYTEA NOT NULL,
    "full_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "attempt_budgets_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "familiar_addresses" (
    "key" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "familiar_addresses_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "attempt_budgets_full_at_idx" ON "attempt_budgets"("full_at");

-- CreateIndex
CREATE INDEX "familiar_addresses_expires_at_idx" ON "familiar_addresses"("expires_at");

-- Both keys are SHA-256.
ALTER TABLE "attempt_budgets" ADD CONSTRAINT "attempt_budgets_key_check" CHECK (octet_length("key") = 32);
ALTER TABLE "familiar_addresses" ADD CONSTRAINT "familiar_addresses_key_check" CHECK (octet_length("key") = 32);
