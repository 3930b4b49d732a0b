-- DropForeignKey
ALTER TABLE "sessions" DROP CONSTRAINT "sessions_user_id_fkey";

-- DropForeignKey
ALTER TABLE "refresh_tokens" DROP CONSTRAINT "refresh_tokens_session_id_fkey";

-- DropTable
DROP TABLE "users";

-- DropTable
DROP TABLE "sessions";

-- DropTable
DROP TABLE "refresh_tokens";

-- DropTable
DROP TABLE "outbox";

-- DropTable
DROP TABLE "inbox";

-- DropTable
DROP TABLE "applied_sequences";

-- DropEnum
DROP TYPE "user_role";

-- DropEnum
DROP TYPE "session_end";
