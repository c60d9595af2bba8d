CREATE TYPE usom._demand AS (
	product_id bigint,
	location_id bigint,
	quantity numeric,
	partial boolean
);
COMMENT ON TYPE usom._demand IS 'What is to be served, for usom._plan(): location_id 0 is any location, partial allows to cut.';

CREATE TYPE usom._stock_available AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	priority integer,
	available numeric
);
COMMENT ON TYPE usom._stock_available IS 'What there is, for usom._plan(): units of a lot at a location of a priority.';

CREATE FUNCTION usom._plan(demands usom._demand[], stock usom._stock_available[])
RETURNS TABLE (demand integer, location_id bigint, lot text, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__plan'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) IS 'The planner that place_order uses, over given arrays: which location and lot serves which demand (numbered from 1), null for what is backordered. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) FROM PUBLIC;
