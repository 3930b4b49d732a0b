-- CreateTable
CREATE TABLE "discrepancies" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "provider" TEXT,
    "reference" TEXT,
    "order_id" UUID,
    "payment_id" UUID,
    "refund_id" UUID,
    "details" JSONB NOT NULL,
    "occurrences" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),
    "closed_by" UUID,
    "note" TEXT,

    CONSTRAINT "discrepancies_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "discrepancies_key_idx" ON "discrepancies"("key");

-- CreateIndex
CREATE INDEX "discrepancies_created_at_id_idx" ON "discrepancies"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "discrepancies_payment_id_idx" ON "discrepancies"("payment_id");

-- CreateIndex
CREATE INDEX "discrepancies_order_id_idx" ON "discrepancies"("order_id");

-- CreateIndex
CREATE UNIQUE INDEX "discrepancies_open_key" ON "discrepancies"("key") WHERE (closed_at IS NULL);

-- What a Prisma schema can't say.
ALTER TABLE "discrepancies"
    ADD CONSTRAINT "discrepancies_kind_check" CHECK ("kind" IN (
        'charged_not_paid', 'paid_not_charged', 'amount_differs', 'transaction_differs', 'unsettled',
        'refund_failed_after_success', 'refund_declined', 'refund_at_provider', 'dispute', 'order_not_confirmed',
        'order_differs'
    )),
    ADD CONSTRAINT "discrepancies_subject_check" CHECK (
        coalesce("reference", "refund_id"::text, "payment_id"::text, "order_id"::text) IS NOT NULL
    ),
    ADD CONSTRAINT "discrepancies_details_check" CHECK (
        jsonb_typeof("details") = 'object' AND octet_length("details"::text) <= 4096
    ),
    ADD CONSTRAINT "discrepancies_occurrences_check" CHECK ("occurrences" >= 1),
    ADD CONSTRAINT "discrepancies_note_check" CHECK (char_length("note") BETWEEN 1 AND 1000),
    ADD CONSTRAINT "discrepancies_closed_check" CHECK (
        ("closed_at" IS NULL) = ("closed_by" IS NULL) AND ("closed_at" IS NULL) = ("note" IS NULL)
    );

-- The audit trail learns of what admins do with them. Not checked anew for what is there already: it was as strict before.
ALTER TABLE "audit_trail"
    DROP CONSTRAINT "audit_trail_action_check",
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'charge.requested', 'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed',
        'discrepancy.closed'
    )) NOT VALID,
    DROP CONSTRAINT "audit_trail_subject_kind_check",
    ADD CONSTRAINT "audit_trail_subject_kind_check" CHECK ("subject_kind" IN ('payment', 'discrepancy')) NOT VALID;
