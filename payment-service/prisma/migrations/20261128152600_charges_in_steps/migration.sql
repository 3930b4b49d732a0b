-- AlterTable
ALTER TABLE "payments"
    ADD COLUMN "provider_reference" TEXT,
    ADD COLUMN "next_action_type" TEXT,
    ADD COLUMN "next_action_url" TEXT,
    ADD COLUMN "next_action_secret" TEXT;

-- Columns that are new are empty: there is nothing to look through, and the table is not locked for it.
ALTER TABLE "payments"
    ADD CONSTRAINT "payments_next_action_check" CHECK (
        CASE WHEN next_action_type IS NULL
            THEN next_action_url IS NULL AND next_action_secret IS NULL
            ELSE status = 'processing' AND provider_reference IS NOT NULL
                AND num_nonnulls(next_action_url, next_action_secret) = 1
        END
    ) NOT VALID,
    ADD CONSTRAINT "payments_provider_reference_check" CHECK (provider_reference IS NULL OR provider IS NOT NULL) NOT VALID;
