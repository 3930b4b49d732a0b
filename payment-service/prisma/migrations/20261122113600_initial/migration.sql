-- CreateEnum
CREATE TYPE "order_status" AS ENUM ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled');

-- CreateEnum
CREATE TYPE "payment_status" AS ENUM ('pending', 'processing', 'success', 'failed', 'cancelled', 'partially_refunded', 'refunded');

-- CreateEnum
CREATE TYPE "payment_method" AS ENUM ('card', 'bank_transfer', 'e_wallet', 'cash');

-- CreateEnum
CREATE TYPE "refund_status" AS ENUM ('pending', 'succeeded', 'failed');

-- CreateTable
CREATE TABLE "payable_orders" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" "order_status" NOT NULL,
    "payable_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payable_orders_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payments" (
    "id" UUID NOT NULL,
    "order_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "refunded_amount" BIGINT NOT NULL DEFAULT 0,
    "refund_reserved" BIGINT NOT NULL DEFAULT 0,
    "currency" CHAR(3) NOT NULL,
    "status" "payment_status" NOT NULL,
    "method" "payment_method" NOT NULL,
    "transaction_id" TEXT,
    "provider" TEXT,
    "description" TEXT,
    "failure_reason" TEXT,
    "paid_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refunds" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "status" "refund_status" NOT NULL,
    "reason" TEXT,
    "requested_by" UUID,
    "transaction_id" TEXT,
    "failure_reason" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "repeats" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refunds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "outbox" (
    "position" BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,
    "data" JSONB NOT NULL,
    "traceparent" TEXT,
    "published_at" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "inbox" (
    "event_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "handled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("event_id")
);

-- CreateTable
CREATE TABLE "applied_sequences" (
    "aggregate" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,

    CONSTRAINT "applied_sequences_pkey" PRIMARY KEY ("aggregate")
);

-- CreateIndex
CREATE INDEX "payments_order_id_created_at_id_idx" ON "payments"("order_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payments_created_at_id_idx" ON "payments"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payments_user_id_created_at_id_idx" ON "payments"("user_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payments_status_created_at_id_idx" ON "payments"("status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payments_processing_idx" ON "payments"("updated_at") WHERE (status = 'processing');

-- CreateIndex
CREATE UNIQUE INDEX "payments_live_order_key" ON "payments"("order_id") WHERE (status NOT IN ('failed', 'cancelled'));

-- CreateIndex
CREATE UNIQUE INDEX "payments_provider_transaction_id_key" ON "payments"("provider", "transaction_id");

-- CreateIndex
CREATE INDEX "refunds_payment_id_created_at_id_idx" ON "refunds"("payment_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "refunds_due_idx" ON "refunds"("next_attempt_at") WHERE (status = 'pending');

-- CreateIndex
CREATE UNIQUE INDEX "outbox_id_key" ON "outbox"("id");

-- CreateIndex
CREATE INDEX "outbox_unpublished_idx" ON "outbox"("position") WHERE (published_at IS NULL);

-- CreateIndex
CREATE INDEX "outbox_published_at_idx" ON "outbox"("published_at");

-- CreateIndex
CREATE INDEX "inbox_handled_at_idx" ON "inbox"("handled_at");

-- AddForeignKey
ALTER TABLE "payments" ADD CONSTRAINT "payments_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "payable_orders"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What a Prisma schema can't say.

ALTER TABLE "payable_orders"
    ADD CONSTRAINT "payable_orders_amount_check" CHECK (amount BETWEEN 1 AND 999999999999999),
    ADD CONSTRAINT "payable_orders_currency_check" CHECK (currency ~ '^[A-Z]{3}$');

ALTER TABLE "payments"
    ADD CONSTRAINT "payments_amount_check" CHECK (amount BETWEEN 1 AND 999999999999999),
    ADD CONSTRAINT "payments_currency_check" CHECK (currency ~ '^[A-Z]{3}$'),
    ADD CONSTRAINT "payments_description_check" CHECK (char_length(description) <= 500),
    ADD CONSTRAINT "payments_version_check" CHECK (version >= 1),
    ADD CONSTRAINT "payments_refund_reserved_check" CHECK (refund_reserved BETWEEN 0 AND amount),
    ADD CONSTRAINT "payments_refunded_amount_check" CHECK (
        CASE status
            WHEN 'success' THEN refunded_amount = 0
            WHEN 'partially_refunded' THEN refunded_amount > 0 AND refunded_amount < amount
            WHEN 'refunded' THEN refunded_amount = amount
            ELSE refunded_amount = 0 AND refund_reserved = 0
        END
        AND refunded_amount <= refund_reserved
    ),
    ADD CONSTRAINT "payments_paid_check" CHECK (
        CASE WHEN status IN ('success', 'partially_refunded', 'refunded')
            THEN paid_at IS NOT NULL AND transaction_id IS NOT NULL
            ELSE paid_at IS NULL
        END
    ),
    ADD CONSTRAINT "payments_provider_check" CHECK (status IN ('pending', 'cancelled') OR provider IS NOT NULL),
    ADD CONSTRAINT "payments_failure_reason_check" CHECK ((status = 'failed') = (failure_reason IS NOT NULL));

ALTER TABLE "refunds"
    ADD CONSTRAINT "refunds_amount_check" CHECK (amount > 0),
    ADD CONSTRAINT "refunds_reason_check" CHECK (char_length(reason) <= 500),
    ADD CONSTRAINT "refunds_attempts_check" CHECK (attempts >= 0 AND repeats >= 0),
    ADD CONSTRAINT "refunds_transaction_id_check" CHECK ((status = 'succeeded') = (transaction_id IS NOT NULL)),
    ADD CONSTRAINT "refunds_failure_reason_check" CHECK ((status = 'failed') = (failure_reason IS NOT NULL));

-- A payment's two sums are those of its refunds. Checked at commit, when both sides are written.
CREATE FUNCTION "check_refund_sums"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := CASE TG_TABLE_NAME WHEN 'refunds' THEN to_jsonb(NEW) ->> 'payment_id' ELSE to_jsonb(NEW) ->> 'id' END;
BEGIN
    IF EXISTS (
        SELECT FROM payments, LATERAL (
            SELECT
                coalesce(sum(refunds.amount) FILTER (WHERE refunds.status <> 'failed'), 0) AS reserved,
                coalesce(sum(refunds.amount) FILTER (WHERE refunds.status = 'succeeded'), 0) AS refunded
            FROM refunds WHERE refunds.payment_id = payments.id
        ) AS sums
        WHERE payments.id = checked
            AND (payments.refund_reserved <> sums.reserved OR payments.refunded_amount <> sums.refunded)
    ) THEN
        RAISE EXCEPTION 'refunds of payment % do not add up', checked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER "payments_refund_sums" AFTER UPDATE OF refund_reserved, refunded_amount ON "payments"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.refund_reserved <> OLD.refund_reserved OR NEW.refunded_amount <> OLD.refunded_amount)
    EXECUTE FUNCTION "check_refund_sums"();

CREATE CONSTRAINT TRIGGER "refunds_refund_sums" AFTER INSERT OR UPDATE OF amount, status, payment_id ON "refunds"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION "check_refund_sums"();

CREATE FUNCTION "refuse_change_of_final_state"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % is final: % can not become %', TG_TABLE_NAME, OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER "payments_final" BEFORE UPDATE OF status ON "payments" FOR EACH ROW
    WHEN (OLD.status IN ('failed', 'cancelled', 'refunded') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION "refuse_change_of_final_state"();

CREATE TRIGGER "refunds_final" BEFORE UPDATE OF status ON "refunds" FOR EACH ROW
    WHEN (OLD.status <> 'pending' AND NEW.status <> OLD.status)
    EXECUTE FUNCTION "refuse_change_of_final_state"();
