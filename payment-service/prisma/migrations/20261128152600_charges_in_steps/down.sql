-- AlterTable
ALTER TABLE "payments"
    DROP COLUMN "next_action_secret",
    DROP COLUMN "next_action_url",
    DROP COLUMN "next_action_type",
    DROP COLUMN "provider_reference";
