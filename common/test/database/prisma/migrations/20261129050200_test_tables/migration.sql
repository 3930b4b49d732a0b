CREATE TABLE "authors" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "editor_id" UUID,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "authors_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "posts" (
    "id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "views" INTEGER NOT NULL DEFAULT 0,
    "author_id" UUID,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "posts_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "comments" (
    "id" UUID NOT NULL,
    "text" TEXT NOT NULL,
    "post_id" UUID,

    CONSTRAINT "comments_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "profiles" (
    "id" UUID NOT NULL,
    "biography" TEXT NOT NULL,
    "author_id" UUID NOT NULL,

    CONSTRAINT "profiles_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "authors_email_key" ON "authors"("email") WHERE (deleted_at IS NULL);

CREATE INDEX "posts_author_id_idx" ON "posts"("author_id");

CREATE INDEX "comments_post_id_idx" ON "comments"("post_id");

CREATE UNIQUE INDEX "profiles_author_id_key" ON "profiles"("author_id");

ALTER TABLE "authors" ADD CONSTRAINT "authors_editor_id_fkey" FOREIGN KEY ("editor_id") REFERENCES "authors"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE "posts" ADD CONSTRAINT "posts_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "authors"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE "comments" ADD CONSTRAINT "comments_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE "profiles" ADD CONSTRAINT "profiles_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "authors"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "audit_trail"
    ADD CONSTRAINT "audit_trail_action_check" CHECK ("action" IN (
        'user.registered', 'user.logged_in', 'user.login_failed', 'user.logged_out', 'user.password_changed',
        'user.role_changed', 'user.activated', 'user.deactivated', 'user.updated', 'user.deleted',
        'refresh_token.reused', 'order.status_changed', 'order.deleted', 'charge.requested',
        'payment.received', 'refund.requested', 'refund.succeeded', 'refund.failed', 'dead_letter.dropped'
    )) NOT VALID,
    ADD CONSTRAINT "audit_trail_subject_kind_check" CHECK ("subject_kind" IN ('user', 'order', 'payment')) NOT VALID;
