-- DropForeignKey
ALTER TABLE "authors" DROP CONSTRAINT "authors_editor_id_fkey";

-- DropForeignKey
ALTER TABLE "posts" DROP CONSTRAINT "posts_author_id_fkey";

-- DropForeignKey
ALTER TABLE "comments" DROP CONSTRAINT "comments_post_id_fkey";

-- DropForeignKey
ALTER TABLE "profiles" DROP CONSTRAINT "profiles_author_id_fkey";

-- DropTable
DROP TABLE "authors";

-- DropTable
DROP TABLE "posts";

-- DropTable
DROP TABLE "comments";

-- DropTable
DROP TABLE "profiles";

-- DropTable
DROP TABLE "outbox";

-- DropTable
DROP TABLE "inbox";

-- DropTable
DROP TABLE "applied_sequences";
