/** Held while the tables are made, since two processes may start at once. */
const SET_UP_LOCK = 72_707_371;

/**
 * Makes the ledger's tables where they are missing; what is there already stays, and isn't locked. Whoever may not make
 * schemas finds one that is theirs.
 */
export const LEDGER_TABLES = `
  SELECT pg_advisory_xact_lock(${SET_UP_LOCK});
  DO $$ BEGIN
    IF to_regnamespace('simulated_provider') IS NULL THEN CREATE SCHEMA simulated_provider; END IF;
  END $$;
  CREATE TABLE IF NOT EXISTS simulated_provider.charges (
    key text PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    decline_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE IF NOT EXISTS simulated_provider.refunds (
    key text PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    charge_transaction_id text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    decline_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE IF NOT EXISTS simulated_provider.challenges (
    key text PRIMARY KEY,
    decline_reason text,
    answered_at timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS simulated_provider.charge_webhooks (
    transaction_id text PRIMARY KEY,
    timing text NOT NULL
  );
  DO $$ BEGIN
    IF to_regclass('simulated_provider.charges_listing_idx') IS NULL THEN
      CREATE INDEX IF NOT EXISTS refunds_charge_idx ON simulated_provider.refunds (charge_transaction_id);
      CREATE INDEX refunds_listing_idx ON simulated_provider.refunds (created_at, key);
      CREATE INDEX charges_listing_idx ON simulated_provider.charges (created_at, key);
    END IF;
  END $$;`;
