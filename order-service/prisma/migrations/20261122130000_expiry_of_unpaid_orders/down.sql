-- DropIndex
DROP INDEX "orders_unpaid_idx";
