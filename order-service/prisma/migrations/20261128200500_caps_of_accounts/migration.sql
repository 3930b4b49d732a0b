-- Whether a user may place one more order of so many bytes: of the orders of the last `span` that nobody has paid only so many may be
-- there. Far from the limit those that are placed at the same moment can't reach it together; near it they are placed one after
-- the other, and each sees what the one before it has left.
CREATE FUNCTION "may_place_order"(
    "account" UUID, "size" INTEGER, "max_orders" INTEGER, "max_bytes" BIGINT, "span" INTERVAL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    placed INTEGER;
    taken BIGINT;
BEGIN
    FOR look IN 1..2 LOOP
        SELECT count(*), COALESCE(sum(COALESCE(bytes, 1000)), 0) INTO placed, taken
        FROM orders
        WHERE user_id = account AND created_at > now() - span AND status IN ('pending', 'cancelled') AND deleted_at IS NULL;
        IF placed >= max_orders OR taken + size > max_bytes THEN
            RETURN false;
        END IF;
        IF placed < max_orders / 2 AND placed < max_orders - 500 AND taken + size < max_bytes / 2 THEN
            RETURN true;
        END IF;
        IF look = 1 THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('orders of ' || account, 0));
        END IF;
    END LOOP;
    RETURN true;
END
$$;

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
