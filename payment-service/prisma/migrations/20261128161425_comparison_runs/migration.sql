-- CreateTable
CREATE TABLE "comparison_runs" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),
    "differences" INTEGER,

    CONSTRAINT "comparison_runs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "comparison_runs_ended_at_idx" ON "comparison_runs"("ended_at");
