CREATE TYPE usom._ration_claim AS (
	strategy text,
	wanted numeric,
	on_time integer,
	whole boolean,
	serves integer[],
	held numeric[]
);
COMMENT ON TYPE usom._ration_claim IS 'A line in a backorder run, for usom._ration_item(): its strategy, what it has and waits for, the last level that is on time, whether it must not be cut, the sources (numbered from 1) that may serve it, and what it has of each source.';

CREATE TYPE usom._ration_source AS (
	quantity numeric,
	level integer
);
COMMENT ON TYPE usom._ration_source IS 'Where units come from, for usom._ration_item(): how many for all claims together, and the level: 0 is there, from 1 on in the order of arrival.';

CREATE FUNCTION usom._ration_item(claims usom._ration_claim[], sources usom._ration_source[])
RETURNS TABLE (claim integer, source integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__ration_item'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._ration_item(usom._ration_claim[], usom._ration_source[]) IS 'The core of backorder_run() over given arrays: what each claim has of each source in the end; or one row without source, the claim that cannot have what its strategy promises and what it could have. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._ration_item(usom._ration_claim[], usom._ration_source[]) FROM PUBLIC;
