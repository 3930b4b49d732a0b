ALTER TABLE "audit_trail" DROP CONSTRAINT "audit_trail_action_check", DROP CONSTRAINT "audit_trail_subject_kind_check";
DROP TABLE "comments";
DROP TABLE "posts";
DROP TABLE "profiles";
DROP TABLE "authors";
