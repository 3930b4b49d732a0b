-- Log-ins in the order in which they are over, by their end or by their age.
CREATE INDEX "sessions_over_idx" ON "sessions" ((LEAST("ended_at", "expires_at")));
