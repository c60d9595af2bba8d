-- Orders that were taken without a connection, and what has become otherwise meanwhile.
CREATE FUNCTION usom._sync_document(document jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	told jsonb;
	line jsonb;
	wrong text;
	place text[];
	result jsonb;
BEGIN
	wrong := CASE
		WHEN jsonb_typeof(document) <> 'object' THEN 'the document must be an object'
		WHEN jsonb_typeof(document -> 'client_id') IS DISTINCT FROM 'string' THEN 'client_id is missing'
		WHEN document ->> 'client_id' !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' THEN 'client_id must be a UUID'
		WHEN document ? 'external_id' AND document ->> 'external_id' IS DISTINCT FROM document ->> 'client_id' THEN 'external_id is the client_id; leave it out'
		WHEN jsonb_typeof(coalesce(document -> 'told', '{}')) <> 'object' THEN 'told must be an object'
		WHEN jsonb_typeof(coalesce(document #> '{told,lines}', '[]')) <> 'array' THEN 'told.lines must be an array of objects'
		WHEN jsonb_typeof(document -> 'lines') IS DISTINCT FROM 'array' THEN 'lines must be an array of objects'
	END;
	IF wrong IS NOT NULL THEN
		RETURN to_jsonb(wrong);
	END IF;
	told := coalesce(document -> 'told', '{}');
	wrong := CASE
		WHEN told - ARRAY['total', 'promised_at', 'lines'] <> '{}' THEN 'told has an unknown key; known are total, promised_at, lines'
		WHEN jsonb_typeof(coalesce(told -> 'total', '0')) <> 'number' THEN 'told.total must be a number'
		WHEN jsonb_typeof(coalesce(told -> 'promised_at', '""')) <> 'string' THEN 'told.promised_at must be a time'
	END;
	IF wrong IS NULL AND told ? 'promised_at' THEN
		BEGIN
			PERFORM (told ->> 'promised_at')::timestamptz;
		EXCEPTION WHEN data_exception THEN
			wrong := 'told.promised_at must be a time as 2026-01-31T12:00:00Z';
		END;
	END IF;
	result := document - ARRAY['client_id', 'told'] || jsonb_build_object('external_id', document -> 'client_id');
	FOR line IN SELECT * FROM jsonb_array_elements(coalesce(told -> 'lines', '[]')) LOOP
		EXIT WHEN wrong IS NOT NULL;
		wrong := CASE
			WHEN jsonb_typeof(line) <> 'object' THEN 'told.lines must be an array of objects'
			WHEN line - ARRAY['line_no', 'unit_price', 'quantity_now'] <> '{}' THEN 'told.lines has an unknown key; known are line_no, unit_price, quantity_now'
			WHEN jsonb_typeof(line -> 'line_no') IS DISTINCT FROM 'number' OR line ->> 'line_no' !~ '^[1-9][0-9]{0,5}$'
				OR (line ->> 'line_no')::integer > jsonb_array_length(document -> 'lines') THEN 'told.lines names a line that the order does not have'
			WHEN jsonb_typeof(coalesce(line -> 'unit_price', '0')) <> 'number' OR jsonb_typeof(coalesce(line -> 'quantity_now', '0')) <> 'number'
				THEN 'told.lines: unit_price and quantity_now must be numbers'
			WHEN jsonb_typeof(document #> ARRAY['lines', ((line ->> 'line_no')::integer - 1)::text]) <> 'object' THEN 'lines must be an array of objects'
		END;
		-- what the customer was told is the price; who may go so far is for the limits of prices to say
		IF wrong IS NULL AND line ? 'unit_price' THEN
			place := ARRAY['lines', ((line ->> 'line_no')::integer - 1)::text, 'override'];
			IF result #> place IS NULL THEN
				result := jsonb_set(result, place, jsonb_build_object('unit_price', line -> 'unit_price', 'reason', 'told offline'));
			END IF;
		END IF;
	END LOOP;
	RETURN CASE WHEN wrong IS NULL THEN result ELSE to_jsonb(wrong) END;
END
$$;
COMMENT ON FUNCTION usom._sync_document(jsonb) IS 'A document of sync_orders() as place_orders() takes it; a string that says what is wrong if it cannot be read.';
REVOKE ALL ON FUNCTION usom._sync_document(jsonb) FROM PUBLIC;

CREATE FUNCTION usom._sync_differences(order_no text, document jsonb)
RETURNS TABLE (line_no integer, field text, told text, actual text)
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
		SELECT NULL::integer, w.field, w.told, w.actual
		FROM usom.orders o
		CROSS JOIN LATERAL (VALUES
			('total', _sync_differences.document #>> '{told,total}', trim_scale(o.total)::text, (_sync_differences.document #>> '{told,total}')::numeric <> o.total),
			('promised_at', _sync_differences.document #>> '{told,promised_at}', to_jsonb(o.promised_at) #>> '{}',
				(_sync_differences.document #>> '{told,promised_at}')::timestamptz IS DISTINCT FROM o.promised_at AND _sync_differences.document #> '{told,promised_at}' IS NOT NULL)) w (field, told, actual, differs)
		WHERE o.order_no = _sync_differences.order_no AND w.differs;
	RETURN QUERY
		SELECT l.line_no, w.field, w.told, w.actual
		FROM jsonb_to_recordset(coalesce(_sync_differences.document #> '{told,lines}', '[]')) t (line_no integer, unit_price numeric, quantity_now numeric)
		JOIN usom.order_lines l ON l.order_no = _sync_differences.order_no AND l.line_no = t.line_no
		CROSS JOIN LATERAL (SELECT l.quantity - l.quantity_open - l.quantity_backordered - l.quantity_cancelled AS quantity_now) n
		CROSS JOIN LATERAL (VALUES ('unit_price', trim_scale(t.unit_price)::text, trim_scale(l.unit_price)::text, t.unit_price <> l.unit_price),
			('quantity_now', trim_scale(t.quantity_now)::text, trim_scale(n.quantity_now)::text, t.quantity_now <> n.quantity_now)) w (field, told, actual, differs)
		WHERE w.differs;
	RETURN QUERY
		SELECT h.line_no, 'hold', NULL, h.hold_type FROM usom.holds h WHERE h.order_no = _sync_differences.order_no AND h.active;
END
$$;
COMMENT ON FUNCTION usom._sync_differences(text, jsonb) IS 'What of an order is otherwise than its customer was told, and what keeps it waiting.';
REVOKE ALL ON FUNCTION usom._sync_differences(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom.sync_orders(documents jsonb)
RETURNS TABLE (client_id text, outcome text, order_no text, line_no integer, field text, told text, actual text, sqlstate text, message text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	outcomes jsonb;
BEGIN
	PERFORM usom._check_installed();
	IF jsonb_typeof(documents) IS DISTINCT FROM 'array' THEN
		PERFORM usom._check_card('documents', documents::text);
		RAISE EXCEPTION 'order documents must be a JSON array' USING ERRCODE = 'US803', HINT = 'sync_orders(''[{"client_id": "...", "lines": [...], "told": {...}}]'')';
	END IF;
	-- a statement of its own: what is told then is what it has written
	outcomes := (
		WITH readable AS MATERIALIZED (
			SELECT d.n, usom._sync_document(d.document) AS document, row_number() OVER (ORDER BY d.n) AS ordinal
			FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, n)
			WHERE jsonb_typeof(usom._sync_document(d.document)) = 'object'
		)
		SELECT jsonb_object_agg(r.n, to_jsonb(p))
		FROM usom.place_orders((SELECT coalesce(jsonb_agg(r.document ORDER BY r.ordinal), '[]') FROM readable r)) p
		JOIN readable r ON r.ordinal = p.ordinal
	);
	RETURN QUERY
		SELECT CASE WHEN d.document ->> 'client_id' ~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' THEN d.document ->> 'client_id' END,
			coalesce(p.outcome, 'rejected'), p.order_no, w.line_no, w.field, w.told, w.actual,
			CASE WHEN p.ordinal IS NULL THEN 'US803' ELSE p.sqlstate END,
			CASE WHEN p.ordinal IS NULL THEN 'order document: ' || (usom._sync_document(d.document) #>> '{}') ELSE p.message END
		FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, n)
		LEFT JOIN LATERAL jsonb_to_record(outcomes -> d.n::text) AS p (ordinal integer, outcome text, order_no text, sqlstate text, message text) ON true
		LEFT JOIN LATERAL usom._sync_differences(p.order_no, d.document) w ON true
		ORDER BY d.n, w.line_no NULLS FIRST, w.field;
END
$$;
COMMENT ON FUNCTION usom.sync_orders(jsonb) IS
'Place orders that clients took without a connection, and tell what has become otherwise than they told their customers.
documents: an array of documents as place_orders() takes them, each with client_id, a UUID that the client made (it becomes the external_id), placed_at, when the customer ordered, and told, what he was told: {"total", "promised_at", "lines": [{"line_no", "unit_price", "quantity_now"}]}, each key if it was told.
They are priced by the rules of placed_at, reserved and promised as of now. A unit_price that was told is kept, as one set by hand: within the limits of usom.price_limit at once, else the order waits for approval.
Returns a row for each difference: outcome placed, repeated (the client sent it before: nothing is done again) or rejected; line_no (null: the order); field total, promised_at, unit_price, quantity_now (units that are reserved or further) or hold (what keeps the order waiting); told and actual. A document without differences, or rejected, is one row with field null.
Errors: US803 if it is no array; what is wrong with a document is told in its row, see usom.place_orders().
Example: SELECT * FROM usom.sync_orders(''[{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f3a", "channel": "rep", "placed_at": "2026-01-31T09:00:00Z", "lines": [{"sku": "MUG", "quantity": 2}], "told": {"total": 9}}]'');';
