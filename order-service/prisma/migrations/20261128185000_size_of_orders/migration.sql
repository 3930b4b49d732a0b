-- What an order has as JSON, so that a list knows how much it would answer before it reads the items.
ALTER TABLE "orders" ADD COLUMN "bytes" INTEGER;
ALTER TABLE "orders" ADD CONSTRAINT "orders_bytes_check" CHECK ("bytes" > 0) NOT VALID;
COMMENT ON COLUMN "orders"."bytes" IS 'What the order has as JSON, about; null where it was placed before anybody measured';
