CREATE TYPE usom._load_new AS (
	load_row_id bigint,
	batch text,
	document text
);
COMMENT ON TYPE usom._load_new IS 'A document on its way from C to load_row, by unnest().';

CREATE TYPE usom._load_done AS (
	load_row_id bigint,
	outcome text,
	order_no text,
	external_id text,
	sqlstate text,
	message text
);
COMMENT ON TYPE usom._load_done IS 'What became of a document on its way from C to load_row, by unnest().';

CREATE FUNCTION usom._load_document() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__load_document' LANGUAGE C;
COMMENT ON FUNCTION usom._load_document() IS 'Trigger INSTEAD OF INSERT, UPDATE or DELETE on usom.load_document: seals a document and gathers it, mends one, forgets one. Errors: US830, US831, US502, 42501.';
REVOKE ALL ON FUNCTION usom._load_document() FROM PUBLIC;

CREATE FUNCTION usom._load_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__load_written' LANGUAGE C;
COMMENT ON FUNCTION usom._load_written() IS 'Trigger AFTER an INSERT into usom.load_document, for the statement: writes what was gathered.';
REVOKE ALL ON FUNCTION usom._load_written() FROM PUBLIC;

CREATE FUNCTION usom._load_begin(batch text, chunk integer, again boolean, verb text) RETURNS bigint
	LANGUAGE c AS 'MODULE_PATHNAME', 'usom__load_begin'
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._load_begin(text, integer, boolean, text) IS 'The first step of load_orders() and load_history(): how many documents are due; again: those that were rejected, too.';
REVOKE ALL ON FUNCTION usom._load_begin(text, integer, boolean, text) FROM PUBLIC;

CREATE FUNCTION usom._load_orders(batch text, chunk integer, after bigint, done bigint)
RETURNS TABLE (reached bigint, done bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__load_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._load_orders(text, integer, bigint, bigint) IS 'A chunk of load_orders(): places the documents that follow on a row, and answers the last row and how many the call has done; null: none are left behind it.';
REVOKE ALL ON FUNCTION usom._load_orders(text, integer, bigint, bigint) FROM PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.  Operators are named in full: else they would be looked up where the caller says.
CREATE PROCEDURE usom.load_orders(batch text, chunk integer DEFAULT 500, again boolean DEFAULT false)
LANGUAGE plpgsql
AS $$
DECLARE
	step record;
	reached bigint;
	done bigint := 0;
BEGIN
	PERFORM usom._load_begin(batch, chunk, again, 'load_orders');
	COMMIT;
	-- rows that another session had are looked at again, until a pass finds none
	LOOP
		reached := 0;
		LOOP
			FOR attempt IN 1 .. 5 LOOP
				BEGIN
					SELECT * INTO step FROM usom._load_orders(batch, chunk, reached, done);
					EXIT;
				EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
					IF attempt OPERATOR(pg_catalog.=) 5 THEN
						RAISE;
					END IF;
				END;
			END LOOP;
			COMMIT;
			EXIT WHEN step.reached IS NULL;
			reached := step.reached;
			done := step.done;
		END LOOP;
		EXIT WHEN reached OPERATOR(pg_catalog.=) 0;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE usom.load_orders(text, integer, boolean) IS
'Place the documents of a batch that were brought by COPY usom.load_document (batch, document), as usom.place_orders() does, in the order in which they came; each chunk is committed.
batch: its name. chunk: documents of a chunk, 1 to 10000. again: on: those that were rejected are tried again, as they are or as they were mended.
What has an outcome is not done again: after an error, a cancel or a crash the same call goes on. Several sessions may load one batch. Progress: NOTICE every two seconds, application_name, usom.load_batches; what became of each: usom.load_document.
Errors: US832 unknown batch, 22023 for a chunk that makes no sense, 42501 for roles that do not see all channels; 2D000 inside a transaction block. What is wrong with a document is told in its row.
Example: CALL usom.load_orders(''shop-1'');';
