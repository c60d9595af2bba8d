CREATE FUNCTION usom._begin_allocation(filter jsonb, batch_size integer, resume bigint)
RETURNS TABLE (run bigint, orders bigint[], begun_at bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__begin_allocation'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._begin_allocation(jsonb, integer, bigint) IS 'The first step of allocate_orders(): its run, the orders that are to be done as they are to be done, and how many of the run were done before.';
REVOKE ALL ON FUNCTION usom._begin_allocation(jsonb, integer, bigint) FROM PUBLIC;

CREATE FUNCTION usom._continue_allocation(run bigint, orders bigint[], begun_at bigint, reached bigint) RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__continue_allocation'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._continue_allocation(bigint, bigint[], bigint, bigint) IS 'A chunk of allocate_orders(): plans the orders that follow on the first reached ones, and answers how many are done then; null when the run has ended, or another session goes on with it.';
REVOKE ALL ON FUNCTION usom._continue_allocation(bigint, bigint[], bigint, bigint) FROM PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.  No operators either: they would be looked up where the caller says.
CREATE PROCEDURE usom.allocate_orders(filter jsonb DEFAULT '{}', batch_size integer DEFAULT 500, resume bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	run record;
	reached bigint;
BEGIN
	SELECT * INTO run FROM usom._begin_allocation(filter, batch_size, resume);
	COMMIT;
	reached := 0;
	LOOP
		reached := usom._continue_allocation(run.run, run.orders, run.begun_at, reached);
		COMMIT;
		EXIT WHEN reached IS NULL;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE usom.allocate_orders(jsonb, integer, bigint) IS
'Look for stock for many orders: those with open or backordered units, highest priority first, then oldest first. They are planned together in chunks; each chunk locks its stock once and is committed.
filter: an object with any of channel, customer, country, sku, location (that a line names, or that serves it), order_type, priority, order_nos (one value or an array of them), placed_from, placed_to (from, and before); {}: all.
batch_size: orders of a chunk, 1 to 10000. resume: a run of usom.allocation_runs to go on with; null: the unfinished run of the same filter that nobody works on, or a new one.
A run that was broken off by an error or a crash is as far as its last commit and goes on behind it. Progress: NOTICE every two seconds, application_name, usom.allocation_runs.
Errors: US308 for a filter that cannot be read, US006, US105 for codes that nobody has, 22023 for a batch_size or run that makes no sense, 55006 when another session works on the run; 2D000 inside a transaction block.
Example: CALL usom.allocate_orders(''{"channel": "web", "country": ["DE", "AT"]}'', 1000);';
