-- CreateEnum
CREATE TYPE "order_status" AS ENUM ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled');

-- CreateTable
CREATE TABLE "orders" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "status" "order_status" NOT NULL,
    "status_reason" TEXT,
    "total_amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "shipping_address" TEXT NOT NULL,
    "notes" TEXT,
    "payable_until" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "orders_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_items" (
    "id" UUID NOT NULL,
    "order_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "product_id" TEXT NOT NULL,
    "product_name" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "unit_price" BIGINT NOT NULL,

    CONSTRAINT "order_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_status_history" (
    "order_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "status" "order_status" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "changed_by" UUID,
    "reason" TEXT,

    CONSTRAINT "order_status_history_pkey" PRIMARY KEY ("order_id","version")
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
CREATE INDEX "orders_newest_idx" ON "orders"("created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "orders_of_user_idx" ON "orders"("user_id", "created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "orders_in_status_idx" ON "orders"("status", "created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "order_items_order_id_position_key" ON "order_items"("order_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_id_key" ON "outbox"("id");

-- CreateIndex
CREATE INDEX "outbox_unpublished_idx" ON "outbox"("position") WHERE (published_at IS NULL);

-- CreateIndex
CREATE INDEX "outbox_published_at_idx" ON "outbox"("published_at");

-- CreateIndex
CREATE INDEX "inbox_handled_at_idx" ON "inbox"("handled_at");

-- AddForeignKey
ALTER TABLE "order_items" ADD CONSTRAINT "order_items_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_status_history" ADD CONSTRAINT "order_status_history_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What a Prisma schema can't say: what a row may hold, whoever writes it.
ALTER TABLE "orders"
    ADD CONSTRAINT "orders_total_amount_check" CHECK ("total_amount" BETWEEN 1 AND 999999999999999),
    ADD CONSTRAINT "orders_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
    ADD CONSTRAINT "orders_shipping_address_check" CHECK (char_length("shipping_address") BETWEEN 1 AND 500),
    ADD CONSTRAINT "orders_notes_check" CHECK (char_length("notes") BETWEEN 1 AND 1000),
    ADD CONSTRAINT "orders_status_reason_check" CHECK (char_length("status_reason") BETWEEN 1 AND 500),
    ADD CONSTRAINT "orders_payable_until_check" CHECK ("payable_until" > "created_at"),
    ADD CONSTRAINT "orders_version_check" CHECK ("version" >= 1),
    ADD CONSTRAINT "orders_deleted_at_check" CHECK ("deleted_at" IS NULL OR "status" IN ('delivered', 'cancelled'));

ALTER TABLE "order_items"
    ADD CONSTRAINT "order_items_position_check" CHECK ("position" BETWEEN 0 AND 99),
    ADD CONSTRAINT "order_items_product_id_check" CHECK (char_length("product_id") BETWEEN 1 AND 255),
    ADD CONSTRAINT "order_items_product_name_check" CHECK (char_length("product_name") BETWEEN 1 AND 255),
    ADD CONSTRAINT "order_items_quantity_check" CHECK ("quantity" BETWEEN 1 AND 10000),
    ADD CONSTRAINT "order_items_unit_price_check" CHECK ("unit_price" BETWEEN 1 AND 999999999999999);

ALTER TABLE "order_status_history"
    ADD CONSTRAINT "order_status_history_version_check" CHECK ("version" >= 1),
    ADD CONSTRAINT "order_status_history_reason_check" CHECK (char_length("reason") BETWEEN 1 AND 500);

-- An order starts as pending and goes on only as nextStatuses in order.ts allows.
CREATE FUNCTION "check_order_transition"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed order_status[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        allowed := '{pending}';
    ELSE
        allowed := CASE OLD.status
            WHEN 'pending' THEN '{confirmed,cancelled}'
            WHEN 'confirmed' THEN '{processing,cancelled}'
            WHEN 'processing' THEN '{shipped,cancelled}'
            WHEN 'shipped' THEN '{delivered}'
            ELSE '{}'
        END;
    END IF;
    IF NEW.status <> ALL (allowed) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_transition',
            MESSAGE = format('order %s can''t become %s', NEW.id, NEW.status);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER "orders_first_status" BEFORE INSERT ON "orders"
    FOR EACH ROW EXECUTE FUNCTION "check_order_transition"();
CREATE TRIGGER "orders_transition" BEFORE UPDATE OF "status" ON "orders"
    FOR EACH ROW WHEN (OLD."status" <> NEW."status") EXECUTE FUNCTION "check_order_transition"();

-- At commit: an order's total is that of its items, of which it has one at least.
CREATE FUNCTION "check_order_total"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.total_amount IS DISTINCT FROM
        (SELECT sum(quantity * unit_price) FROM order_items WHERE order_id = NEW.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_total',
            MESSAGE = format('total of order %s is not that of its items', NEW.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER "orders_total" AFTER INSERT OR UPDATE OF "total_amount" ON "orders"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "check_order_total"();

-- At commit: each status that an order has had stands in its history.
CREATE FUNCTION "check_order_history"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM order_status_history WHERE order_id = NEW.id AND version = NEW.version AND status = NEW.status
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_history',
            MESSAGE = format('status %s of order %s is not in its history', NEW.status, NEW.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER "orders_history" AFTER INSERT OR UPDATE OF "status" ON "orders"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "check_order_history"();
