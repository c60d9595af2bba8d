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

CREATE TYPE usom._migrated_row AS (
	sales_order_id bigint,
	order_no text,
	channel_id bigint,
	external_id text,
	order_type usom.order_type,
	customer_id bigint,
	status usom.order_status,
	currency usom.currency_code,
	total usom.amount,
	priority integer,
	placed_at timestamptz,
	requested_at timestamptz,
	address_id bigint,
	instructions text,
	digest bytea
);
COMMENT ON TYPE usom._migrated_row IS 'An order of history on its way from C to sales_order, by unnest().';

CREATE TYPE usom._migrated_shipment AS (
	shipment_id bigint,
	shipment_no text,
	sales_order_id bigint,
	location_id bigint,
	carrier text,
	tracking text,
	service text,
	status usom.shipment_status,
	shipped_at timestamptz,
	delivered_at timestamptz
);
COMMENT ON TYPE usom._migrated_shipment IS 'A shipment of history on its way from C to shipment, by unnest().';

CREATE TYPE usom._migrated_return AS (
	return_order_id bigint,
	return_no text,
	sales_order_id bigint,
	reason text,
	received_at timestamptz,
	line_no integer,
	quantity usom.positive_quantity,
	piece_no integer
);
COMMENT ON TYPE usom._migrated_return IS 'Units of a return of history on their way from C to return_order, return_line and return_piece, by unnest().';

CREATE FUNCTION usom._load_history(batch text, chunk integer, after bigint, done bigint)
RETURNS TABLE (reached bigint, done bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__load_history'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._load_history(text, integer, bigint, bigint) IS 'A chunk of load_history(), as _load_orders().';
REVOKE ALL ON FUNCTION usom._load_history(text, integer, bigint, bigint) FROM PUBLIC;

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

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.  Operators are named in full.
CREATE PROCEDURE usom.load_history(batch text, chunk integer DEFAULT 500, again boolean DEFAULT false)
LANGUAGE plpgsql
AS $$
DECLARE
	step record;
	reached bigint;
	done bigint := 0;
BEGIN
	PERFORM usom._load_begin(batch, chunk, again, 'load_history');
	COMMIT;
	LOOP
		reached := 0;
		LOOP
			FOR attempt IN 1 .. 5 LOOP
				BEGIN
					SELECT * INTO step FROM usom._load_history(batch, chunk, reached, done);
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
COMMENT ON PROCEDURE usom.load_history(text, integer, boolean) IS
'Write the documents of a batch, brought by COPY usom.load_document (batch, document), as orders of another system in the states in which they ended. Nothing is reserved, booked, paid or told; stock stays as it is; history says migrated, the audit load_history. Each chunk is committed.
batch: its name. chunk: documents of a chunk, 1 to 10000. again: on: those that were rejected are tried again.
A document is an object: order_no (kept as it is), placed_at, lines [{"sku", "quantity", "unit_price", "cancelled", "location", "discount", "freight", "tax", "tax_included"}], shipments [{"shipped_at", "delivered_at", "location", "shipment_no", "carrier", "tracking", "service", "lines": [{"line_no", "quantity", "lot"}]}] (without lines: all that is in no other), returns [{"received_at", "return_no", "reason", "lines"}]; channel, external_id, customer, currency, order_type, priority, requested_at, ship_to, instructions; status and total, which are compared with what follows from the units and lines. Every unit was cancelled or shipped: what is still to be delivered is an order for usom.load_orders(). Numbers are not of the form of those that usom gives out.
What has an outcome is not done again, the same document is repeated; all that contradicts itself is told in its row. Progress and sessions as with usom.load_orders(); compare with usom.verify_load().
Errors: US832 unknown batch, 22023 for a chunk that makes no sense, 42501 for roles that do not see all channels; 2D000 inside a transaction block. In rows: US803, US833, US801, US502.
Example: CALL usom.load_history(''old-shop'');';
