ALTER TABLE "orders" DROP COLUMN "bytes";
