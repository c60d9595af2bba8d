CREATE TYPE usom._supply_delta AS (
	supply_id bigint,
	pegged numeric
);
COMMENT ON TYPE usom._supply_delta IS 'Units that pieces count on more, or with a minus less, on their way from C to supply, by unnest().';

