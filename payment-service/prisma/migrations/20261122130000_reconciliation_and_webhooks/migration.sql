-- AlterTable
ALTER TABLE "payments" ADD COLUMN "next_check_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "handled_webhooks" (
    "provider" TEXT NOT NULL,
    "webhook_id" TEXT NOT NULL,
    "handled_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "handled_webhooks_pkey" PRIMARY KEY ("provider","webhook_id")
);

-- CreateIndex
CREATE INDEX "handled_webhooks_handled_at_idx" ON "handled_webhooks"("handled_at");

-- What a Prisma schema can't say.
ALTER TABLE "handled_webhooks"
    ADD CONSTRAINT "handled_webhooks_webhook_id_check" CHECK (char_length(webhook_id) BETWEEN 1 AND 255);
