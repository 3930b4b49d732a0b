-- CreateIndex
CREATE INDEX "orders_unpaid_idx" ON "orders"("payable_until") WHERE (status = 'pending' AND deleted_at IS NULL);
