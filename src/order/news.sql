CREATE TYPE usom._event_row AS (
	ordinal integer,
	sales_order_id bigint,
	kind text,
	payload jsonb
);
COMMENT ON TYPE usom._event_row IS 'An event on its way from C, by unnest().';

CREATE TYPE usom._case_row AS (
	ordinal integer,
	kind text,
	sales_order_id bigint,
	line_no integer,
	reference text,
	message text,
	detail jsonb,
	due_at timestamptz
);
COMMENT ON TYPE usom._case_row IS 'An exception case on its way from C, by unnest().';

CREATE FUNCTION usom._tell(sales_order_id bigint, kind text, payload jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__tell'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tell(bigint, text, jsonb) IS 'Writes an event of an order, whose row the caller has locked, or with null of no order. payload: business keys, nothing about people.';
REVOKE ALL ON FUNCTION usom._tell(bigint, text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._raise_case(sales_order_id bigint, line_no integer, kind text, reference text, message text,
	detail jsonb DEFAULT NULL, due_at timestamptz DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__raise_case'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._raise_case(bigint, integer, text, text, text, jsonb, timestamptz) IS 'Opens an exception case, or brings the open one of this kind, order, line and reference up to date. What does not apply is null.';
REVOKE ALL ON FUNCTION usom._raise_case(bigint, integer, text, text, text, jsonb, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._settle_case(sales_order_id bigint, line_no integer, kind text, reference text DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__settle_case'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._settle_case(bigint, integer, text, text) IS 'Closes the open exception cases of this kind, order and line, because their cause is gone; reference null: whatever their reference.';
REVOKE ALL ON FUNCTION usom._settle_case(bigint, integer, text, text) FROM PUBLIC;

CREATE FUNCTION usom.resolve_exception(exception_id bigint, resolution text) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_resolve_exception'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.resolve_exception(bigint, text) IS
'Close an exception that somebody has dealt with.
exception_id: key, see usom.exceptions. resolution: what was done, for those who read it later.
Exceptions whose cause goes away are closed by usom; one that is closed while its cause lasts is opened again by the next call that meets it.
Errors: US115 if there is no open exception with this key, 22004 for a null.
Example: SELECT usom.resolve_exception(4711, ''customer accepts the later date'');';
