CREATE TYPE usom._supply_delta AS (
	supply_id bigint,
	pegged numeric
);
COMMENT ON TYPE usom._supply_delta IS 'Units that pieces count on more, or with a minus less, on their way from C to supply, by unnest().';

CREATE FUNCTION usom._supply_added() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__supply_added' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._supply_added() IS 'Trigger AFTER supply was recorded: every session looks again at whether there is any.';
REVOKE ALL ON FUNCTION usom._supply_added() FROM PUBLIC;
