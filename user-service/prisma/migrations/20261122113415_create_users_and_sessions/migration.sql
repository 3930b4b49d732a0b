-- CreateEnum
CREATE TYPE "user_role" AS ENUM ('user', 'admin');

-- CreateEnum
CREATE TYPE "session_end" AS ENUM ('logout', 'reuse', 'password_changed', 'deactivated', 'deleted');

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "password_hash" CHAR(60) NOT NULL,
    "first_name" TEXT NOT NULL,
    "last_name" TEXT NOT NULL,
    "role" "user_role" NOT NULL,
    "is_active" BOOLEAN NOT NULL,
    "token_version" INTEGER NOT NULL DEFAULT 1,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "end_reason" "session_end",

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refresh_tokens" (
    "hash" BYTEA NOT NULL,
    "session_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "replaced_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("hash")
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
CREATE INDEX "users_newest_idx" ON "users"("created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "users_in_role_idx" ON "users"("role", "created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "users_active_idx" ON "users"("is_active", "created_at" DESC, "id" DESC) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "users_email_prefix_idx" ON "users"("email" text_pattern_ops) WHERE (deleted_at IS NULL);

-- CreateIndex
CREATE INDEX "sessions_open_idx" ON "sessions"("user_id") WHERE (ended_at IS NULL);

-- CreateIndex
CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens"("session_id");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_id_key" ON "outbox"("id");

-- CreateIndex
CREATE INDEX "outbox_unpublished_idx" ON "outbox"("position") WHERE (published_at IS NULL);

-- CreateIndex
CREATE INDEX "outbox_published_at_idx" ON "outbox"("published_at");

-- CreateIndex
CREATE INDEX "inbox_handled_at_idx" ON "inbox"("handled_at");

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What a Prisma schema can't say: one living user an e-mail address, and what a row may hold, whoever writes it.
CREATE UNIQUE INDEX "users_email_key" ON "users" (lower("email")) WHERE "deleted_at" IS NULL;

ALTER TABLE "users"
    ADD CONSTRAINT "users_email_check" CHECK (char_length("email") BETWEEN 3 AND 254),
    ADD CONSTRAINT "users_password_hash_check" CHECK ("password_hash" ~ '^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$'),
    ADD CONSTRAINT "users_first_name_check" CHECK (char_length("first_name") BETWEEN 1 AND 100),
    ADD CONSTRAINT "users_last_name_check" CHECK (char_length("last_name") BETWEEN 1 AND 100),
    ADD CONSTRAINT "users_token_version_check" CHECK ("token_version" >= 1),
    ADD CONSTRAINT "users_version_check" CHECK ("version" >= 1);

ALTER TABLE "sessions"
    ADD CONSTRAINT "sessions_expires_at_check" CHECK ("expires_at" > "created_at"),
    ADD CONSTRAINT "sessions_end_check" CHECK (("ended_at" IS NULL) = ("end_reason" IS NULL));

ALTER TABLE "refresh_tokens"
    ADD CONSTRAINT "refresh_tokens_hash_check" CHECK (octet_length("hash") = 32),
    ADD CONSTRAINT "refresh_tokens_expires_at_check" CHECK ("expires_at" > "created_at");
