-- Whether a user may take one more idempotency key. Far from the limit those who ask at the same moment can't reach it together;
-- near it they ask one after the other, and each sees what the one before it has left.
CREATE FUNCTION "may_take_key"("account" UUID, "max_keys" INTEGER) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken INTEGER;
BEGIN
    FOR look IN 1..2 LOOP
        SELECT count(*) INTO taken FROM (SELECT FROM idempotency_keys WHERE user_id = account LIMIT max_keys) AS keys;
        IF taken >= max_keys OR taken < max_keys / 2 AND taken < max_keys - 500 THEN
            RETURN taken < max_keys;
        END IF;
        IF look = 1 THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('idempotency keys of ' || account, 0));
        END IF;
    END LOOP;
    RETURN true;
END
$$;
