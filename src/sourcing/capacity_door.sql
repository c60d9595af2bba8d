CREATE FUNCTION usom._change_capacity(changes usom._capacity_change[]) RETURNS TABLE (location_id bigint, on_date date)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__change_capacity'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._change_capacity(usom._capacity_change[]) IS 'Takes and gives back capacity as the allocation of orders does, and returns the days that had too little left; nothing has happened to those. Errors: 22003, 22004 for changes that are none.';
REVOKE ALL ON FUNCTION usom._change_capacity(usom._capacity_change[]) FROM PUBLIC;

CREATE FUNCTION usom._look_at_capacity(location_id bigint, on_date date) RETURNS TABLE (units numeric, orders bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__look_at_capacity'
VOLATILE STRICT PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._look_at_capacity(bigint, date) IS 'What is left of a location''s day, as the allocation of orders sees it; null: no limit.';
REVOKE ALL ON FUNCTION usom._look_at_capacity(bigint, date) FROM PUBLIC;
