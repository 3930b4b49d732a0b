-- As before, but where the limit is of thousands it is not counted how many there are while a sample says that it is less than
-- a quarter of that: the odds that there are as many as the limit then are less than one in a million.
CREATE OR REPLACE FUNCTION "may_place_order"(
    "account" UUID, "size" INTEGER, "max_orders" INTEGER, "max_bytes" BIGINT, "span" INTERVAL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    placed INTEGER;
    taken BIGINT;
BEGIN
    IF max_orders >= 4000 AND max_bytes >= 4000000 THEN
        SELECT COALESCE(sum(weight), 0), COALESCE(sum(weight * COALESCE(bytes, 1000)), 0) INTO placed, taken
        FROM (
            SELECT bytes, CASE WHEN bytes > 2000 THEN 1 ELSE 16 END AS weight
            FROM orders
            WHERE user_id = account AND created_at > now() - span AND status IN ('pending', 'cancelled')
                AND deleted_at IS NULL AND (bytes > 2000 OR get_byte(uuid_send(id), 15) < 16)
        ) AS sample;
        IF placed < max_orders / 4 AND taken + size < max_bytes / 4 THEN
            RETURN true;
        END IF;
    END IF;
    FOR look IN 1..2 LOOP
        -- As text, the status has no index: few were unpaid when statistics were taken, and its own went through everybody's.
        SELECT count(*), COALESCE(sum(COALESCE(bytes, 1000)), 0) INTO placed, taken
        FROM orders
        WHERE user_id = account AND created_at > now() - span AND status::text IN ('pending', 'cancelled')
            AND deleted_at IS NULL;
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
