DROP INDEX "sessions_over_idx";
