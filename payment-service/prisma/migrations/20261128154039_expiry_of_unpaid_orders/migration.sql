-- AlterTable
ALTER TABLE "payable_orders" ADD COLUMN     "expired_at" TIMESTAMPTZ(3),
ADD COLUMN     "expires_at" TIMESTAMPTZ(3);

-- What a Prisma schema can't say. Every order that waits for its payment has a time at which to look at it, also one that the
-- version before this one remembers, which runs beside it while services are replaced.
ALTER TABLE "payable_orders"
    ADD CONSTRAINT "payable_orders_expired_at_check" CHECK ("expired_at" IS NULL OR "expired_at" >= "payable_until") NOT VALID;

CREATE FUNCTION "set_expires_at"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.expires_at := NEW.payable_until;
    RETURN NEW;
END
$$;
CREATE TRIGGER "payable_orders_expires_at" BEFORE INSERT ON "payable_orders"
    FOR EACH ROW WHEN (NEW."status" = 'pending') EXECUTE FUNCTION "set_expires_at"();

-- Orders that wait already: order-service has watched over their deadline until now.
UPDATE "payable_orders" SET "expires_at" = "payable_until" WHERE "status" = 'pending';
