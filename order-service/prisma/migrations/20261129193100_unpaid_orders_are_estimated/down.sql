CREATE OR REPLACE FUNCTION "may_place_order"(
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
