-- Payloads of every format, damaged at random: each ends in an order that equals
-- its document, or in a finding, or is refused with a code that says why.
--
-- psql -v seed=... -v cases=...; prints lines what|count|problem, a problem is a failure.
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT setseed((:seed % 1000) / 1000.0) \g /dev/null
INSERT INTO usom.location (code) VALUES ('MU-W');
INSERT INTO usom.product (sku) SELECT 'MU-' || n FROM generate_series(1, 9) n;
INSERT INTO usom.product (sku) VALUES ('IPOD2008GREEN'), ('IPOD2008RED'), ('IPOD2008BLACK');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('MU-1', 'box', 12);
INSERT INTO usom.customer (code) VALUES ('MU-C');
INSERT INTO usom.channel (code) VALUES ('shopify'), ('woocommerce'), ('magento'), ('x12'), ('edifact');
INSERT INTO usom.intake_policy (channel, max_attempts, back_off) SELECT code, 3, interval '0' FROM usom.channel;
INSERT INTO usom.mapping_value (list, source, target) VALUES ('party', '001', 'MU-C');
SELECT r.on_hand FROM usom.product p, usom.receive_stock('MU-W', p.sku, 5000) r \g /dev/null
SELECT usom.add_mapping('shopify', 'shopify'), usom.add_mapping('shopify_cancellation', 'shopify'), usom.add_mapping('woocommerce', 'woocommerce'), usom.add_mapping('magento', 'magento'),
	usom.add_mapping('x12_850', 'x12'), usom.add_mapping('edifact_orders', 'edifact') \g /dev/null

CREATE TABLE sound (channel text, payload jsonb);
INSERT INTO sound VALUES
	('web', '{"external_id": "W", "revision": 1, "customer": "MU-C", "currency": "EUR", "priority": 5, "placed_at": "2026-03-01T10:00:00Z", "requested_at": "2026-04-01T10:00:00+02:00", "ship_complete": false,
		"coupons": [], "ship_to": {"name": "Ann", "line1": "1 High Street", "postcode": "LS1", "city": "Leeds", "country": "GB"}, "payment": {"method": "card", "reference": "psp-1", "authorized": 15.30},
		"instructions": "ring twice", "lines": [{"sku": "MU-1", "quantity": 6, "unit_price": 2.55, "partial": true}, {"sku": "MU-2", "quantity": 1.5, "unit_price": 10}, {"sku": "MU-1", "quantity": 1, "unit_price": 20, "unit": "box"}]}'),
	('edi', '{"external_id": "E", "lines": [{"sku": "MU-3", "quantity": 20, "unit_price": 0.01}, {"sku": "MU-4", "quantity": 6000, "unit_price": 1}]}'),
	('woocommerce', '{"id": 727, "status": "processing", "currency": "USD", "date_created_gmt": "2017-03-22T19:28:02", "customer_note": "", "payment_method": "bacs", "transaction_id": "",
		"shipping": {"first_name": "John", "last_name": "Doe", "address_1": "969 Market", "address_2": "", "city": "San Francisco", "state": "CA", "postcode": "94103", "country": "US"},
		"line_items": [{"id": 315, "name": "Shirt", "sku": "MU-5", "quantity": 2, "price": 3}, {"id": 316, "name": "Hat", "sku": "MU-6", "quantity": 1, "price": 9.99}]}'),
	('magento', '{"increment_id": "000000001", "order_currency_code": "EUR", "created_at": "2017-10-17 12:13:14", "payment": {"method": "checkmo"},
		"extension_attributes": {"shipping_assignments": [{"shipping": {"address": {"firstname": "Jane", "lastname": "Roe", "street": ["1 High Street", "Flat 2"], "city": "Leeds", "postcode": "LS1", "country_id": "gb"}}}]},
		"items": [{"sku": "MU-7", "qty_ordered": 1, "price": 5}, {"sku": "MU-7-RED", "qty_ordered": 1, "price": 0, "parent_item_id": 1}]}'),
	('x12', '{"format": "x12", "type": "850", "interchange": {"sender": "001"}, "BEG": {"BEG01": "00", "BEG02": "SA", "BEG03": "PO-1", "BEG05": "20170317"}, "CUR": {"CUR01": "BY", "CUR02": "USD"},
		"N1": [{"N101": "BY", "N104": "001"}, {"N101": "ST", "N102": "Shop 7", "N3": [{"N301": "5 Mill Lane"}], "N4": {"N401": "Leeds", "N403": "LS2", "N404": "GB"}}],
		"DTM": [{"DTM01": "002", "DTM02": "20170401"}], "PO1": [{"PO101": "1", "PO102": "25", "PO103": "EA", "PO104": "36.50", "ids": {"VN": "MU-8"}}, {"PO101": "2", "PO102": "4", "PO103": "EA", "PO104": "9", "ids": {"VN": "MU-9"}}]}'),
	('edifact', '{"format": "edifact", "type": "ORDERS", "interchange": {"sender": "001"}, "BGM": {"BGM01": ["220"], "BGM02": ["4711"], "BGM03": ["9"]}, "DTM": [{"DTM01": ["137", "20170317", "102"]}],
		"NAD": [{"NAD01": ["BY"], "NAD02": ["001"]}, {"NAD01": ["DP"], "NAD04": ["Shop 7"], "NAD05": ["5 Mill Lane"], "NAD06": ["Leeds"], "NAD08": ["LS2"], "NAD09": ["GB"]}], "CUX": [{"CUX01": ["2", "EUR"]}],
		"LIN": [{"LIN01": ["1"], "ids": {"SA": "MU-8"}, "QTY": [{"QTY01": ["21", "5"]}], "PRI": [{"PRI01": ["AAA", "12.5"]}]}]}');
\set shopify `cat test/intake/data/shopify/order.json`
INSERT INTO sound VALUES ('shopify', :'shopify');

CREATE FUNCTION pick(VARIADIC words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$SELECT words[1 + floor(random() * cardinality(words))::integer]$$;

-- Where something stands in a payload; places of documents are as likely as those that nobody reads.
CREATE FUNCTION places(payload jsonb) RETURNS SETOF text[] LANGUAGE sql IMMUTABLE AS $$
	WITH RECURSIVE place (path, value) AS (
		SELECT '{}'::text[], payload
		UNION ALL
		SELECT p.path || k.key, k.value FROM place p CROSS JOIN LATERAL (
			SELECT o.key, o.value FROM jsonb_each(CASE WHEN jsonb_typeof(p.value) = 'object' THEN p.value ELSE '{}' END) o
			UNION ALL SELECT (a.n - 1)::text, a.value FROM jsonb_array_elements(CASE WHEN jsonb_typeof(p.value) = 'array' THEN p.value ELSE '[]' END) WITH ORDINALITY a (value, n)) k)
	SELECT path FROM place WHERE path <> '{}'
$$;

CREATE FUNCTION odd_value(old jsonb) RETURNS text LANGUAGE sql VOLATILE AS $odd$
	SELECT CASE floor(random() * 6)::integer
		WHEN 0 THEN CASE jsonb_typeof(old) WHEN 'number' THEN to_jsonb(old #>> '{}')::text WHEN 'string' THEN pick('7', '-1', '0', '1.5') WHEN 'array' THEN '{"0": 1}' ELSE '[]' END
		WHEN 1 THEN pick('null', 'true', '{}', '[]', '[[]]', '[{}]', '""', '" "', '{"a": {"b": []}}', '[1, 2]')
		WHEN 2 THEN pick('1e400', '1e131000', '-1e400', '1e-400', '1e-16000', '9223372036854775808', '2147483648', '-2147483649', '99999999999999999999.99', '0.0000001', '1e12', '999999999999.999999', '-0', '0', '-3', '1e15', '12345678901234.12345')
		WHEN 3 THEN pick('"NaN"', '"Infinity"', '"-inf"', '"1e400"', '"1e200000"', '"0x10"', '"1_000"', '"１２"', '"12abc"', '"1,5"', '"--1"', '"infinity"', '"epoch"', '"now"', '"2026-02-30"', '"24:00"', '"20170230"', '"294277-01-01"', '"-infinity"')
		WHEN 4 THEN pick('"%s%n%d"', '"$$"', '"''; DROP TABLE usom.sales_order; --"', '"\\\\"', '"\u0001\u001f"', '"\ud83d\ude00"', '"\u202egnp"', '"lines[0].sku"', '"{\"a\": 1}"', '"$.a"', '"MU-1"', '"4111 1111 1111 1111"', '"' || repeat('é', 300) || '"')
		ELSE pick('"' || repeat('x', 100000) || '"', repeat('[', 3000) || repeat(']', 3000), repeat('{"a":', 500) || '1' || repeat('}', 500),
			(SELECT '[' || string_agg('{"sku": "MU-1", "quantity": 1}', ',') || ']' FROM generate_series(1, 300)))
		END
$odd$;

-- One step of damage: to the value, or to its text, which may be no JSON any more.
CREATE FUNCTION damaged(payload text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	how text := pick('drop', 'drop', 'value', 'value', 'value', 'value', 'add', 'double', 'swap', 'empty', 'text');
	path text[];
	other text[];
	value jsonb;
	odd text;
	at integer;
BEGIN
	IF how = 'text' THEN
		at := 1 + floor(random() * length(payload))::integer;
		RETURN CASE floor(random() * 7)::integer
			WHEN 0 THEN left(payload, at)
			WHEN 1 THEN overlay(payload PLACING chr(1 + floor(random() * 300)::integer) FROM at FOR 1)
			WHEN 2 THEN '{"lines": [], "external_id": "twice", ' || substr(payload, 2)
			WHEN 3 THEN left(payload, -1) || ', "lines": [{"sku": "MU-2", "quantity": 1}], "items": [], "line_items": [{"sku": "MU-5", "quantity": 3, "price": 1}]}'
			WHEN 4 THEN regexp_replace(payload, '"([A-Za-z])', pick('"\u0000\1', '"\ud800\1', '"\udc00\ud800\1', E'"\t\\1', '"\\x\1'))
			WHEN 5 THEN encode(convert_to(payload, 'UTF16'), 'escape')
			ELSE payload || payload
		END;
	END IF;
	SELECT p INTO path FROM places(payload::jsonb) p ORDER BY random() LIMIT 1;
	SELECT p INTO other FROM places(payload::jsonb) p ORDER BY random() LIMIT 1;
	IF path IS NULL THEN RETURN payload; END IF;
	value := payload::jsonb #> path;
	CASE how
		WHEN 'drop' THEN RETURN (payload::jsonb #- path)::text;
		WHEN 'empty' THEN RETURN jsonb_set(payload::jsonb, path, CASE jsonb_typeof(value) WHEN 'object' THEN '{}' WHEN 'array' THEN '[]' WHEN 'number' THEN '0' ELSE '""' END::jsonb)::text;
		WHEN 'add' THEN RETURN jsonb_set(payload::jsonb, (path[:cardinality(path) - 1] || pick('colour', '', 'lines', 'sku', '99', 'draft', 'override', 'make', 'quantity', 'unit', 'order_type', 'channel', 'revision')), coalesce(nullif(odd_value(value), '')::jsonb, 'null'))::text;
		WHEN 'double' THEN RETURN CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_set(payload::jsonb, path, value || value) ELSE jsonb_set(payload::jsonb, other, value) END::text;
		WHEN 'swap' THEN RETURN jsonb_set(jsonb_set(payload::jsonb, path, payload::jsonb #> other), other, value)::text;
		ELSE
			odd := coalesce(odd_value(value), '7');
			RETURN jsonb_set(payload::jsonb, path, odd::jsonb)::text;
	END CASE;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN payload;
END
$$;

CREATE TABLE tried (n integer PRIMARY KEY, channel text, external_id text, payload text, no_json text, sqlstate text, said text, message_no text, status text, outcome text, order_no text, findings jsonb);

-- Damage once to three times; some are left to the workers.
CREATE PROCEDURE try_all(cases integer) LANGUAGE plpgsql AS $do$
DECLARE
	n integer;
	s sound;
	t tried;
	waits boolean;
	parsed jsonb;
BEGIN
	FOR n IN 1 .. cases LOOP
		SELECT * INTO s FROM sound ORDER BY random() LIMIT 1;
		t := ROW(n, s.channel, CASE WHEN random() < 0.8 THEN 'MU-' || n END, s.payload::text);
		FOR step IN 1 .. 1 + floor(random() * 3)::integer LOOP
			t.payload := damaged(t.payload);
		END LOOP;
		waits := random() < 0.2;
		BEGIN
			IF random() < 0.03 THEN
				t.payload := convert_from(overlay(convert_to(t.payload, 'UTF8') PLACING '\xc3'::bytea FROM 1 + floor(random() * octet_length(t.payload))::integer FOR 1), 'UTF8');
			END IF;
			parsed := t.payload::jsonb;
		EXCEPTION WHEN OTHERS THEN
			parsed := NULL;
			t.no_json := SQLSTATE;
			t.said := SQLERRM;
		END;
		IF parsed IS NOT NULL THEN
			BEGIN
				SELECT i.message_no, i.status, i.outcome, i.order_no, i.findings INTO t.message_no, t.status, t.outcome, t.order_no, t.findings
				FROM usom.ingest(t.channel, parsed, t.external_id, process => NOT waits) i;
			EXCEPTION WHEN OTHERS THEN
				t.sqlstate := SQLSTATE;
				t.said := SQLERRM;
			END;
		END IF;
		INSERT INTO tried VALUES (t.*);
		COMMIT;
	END LOOP;
END
$do$;
CALL try_all(:cases);
CALL usom.retry_inbox(:cases * 4);
UPDATE tried t SET status = i.status, outcome = i.outcome, order_no = i.order_no, findings = i.findings FROM usom.inbox i WHERE i.message_no = t.message_no;

\pset format unaligned
\pset tuples_only on
\pset fieldsep '|'
SELECT 'what is no JSON does not come so far', count(*), string_agg(format('%s %s %s', n, no_json, left(said, 80)), '; ') FILTER (WHERE no_json !~ '^(22|54)') FROM tried WHERE no_json IS NOT NULL;
SELECT 'only another payload and card numbers are refused', count(*), string_agg(format('%s %s %s', n, sqlstate, left(said, 80)), '; ') FILTER (WHERE sqlstate NOT IN ('US801', 'US502')) FROM tried WHERE sqlstate IS NOT NULL;
SELECT 'findings have codes of these classes', count(*), string_agg(format('%s %s %s', t.n, f->>'code', left(f->>'message', 80)), '; ') FILTER (WHERE f->>'code' !~ '^(22|23|54|US)')
FROM tried t, jsonb_array_elements(t.findings) f;
SELECT 'who is no order says why', count(*), string_agg(t.n::text, ' ') FILTER (WHERE t.status NOT IN ('failed', 'dead') OR t.findings = '[]' OR EXISTS (SELECT FROM usom.orders o WHERE o.external_id = t.external_id AND o.channel = t.channel))
FROM tried t WHERE t.no_json IS NULL AND t.sqlstate IS NULL AND t.status <> 'processed';
SELECT 'after their attempts they are dead', count(*), string_agg(t.n::text, ' ') FILTER (WHERE t.status <> 'dead') FROM tried t WHERE t.no_json IS NULL AND t.sqlstate IS NULL AND t.status <> 'processed';
SELECT 'who was refused left nothing', count(*), string_agg(t.n::text, ' ') FILTER (WHERE EXISTS (SELECT FROM usom.inbox i WHERE i.channel = t.channel AND i.external_id = t.external_id))
FROM tried t WHERE t.sqlstate = 'US502' OR t.no_json IS NOT NULL;

-- What was placed is what the document says, read here without the code that placed it.
CREATE TABLE placed AS
SELECT t.n, t.channel, t.order_no, d.document, d.findings, i.kind, i.revision, o.external_id, o.customer, o.currency, o.priority, o.status AS order_status
FROM tried t JOIN usom.inbox i USING (message_no) JOIN usom.orders o ON o.order_no = t.order_no
CROSS JOIN LATERAL usom.map_payload(t.channel, t.payload::jsonb) d
WHERE t.outcome = 'placed';
CREATE TABLE wanted AS
SELECT p.n, p.order_no, l.n AS line_no, l.line->>'sku' AS sku, (l.line->>'quantity')::numeric * CASE WHEN l.line->>'unit' = 'box' THEN 12 ELSE 1 END AS quantity,
	(l.line->>'quantity')::numeric * (l.line->>'unit_price')::numeric AS total
FROM placed p, jsonb_array_elements(p.document->'lines') WITH ORDINALITY l (line, n);
SELECT 'orders are their documents: lines', count(*), string_agg(format('%s.%s', coalesce(w.order_no, l.order_no), coalesce(w.line_no, l.line_no)), ' ') FILTER (WHERE w.sku IS DISTINCT FROM l.sku OR round(w.quantity, 6) IS DISTINCT FROM l.quantity)
FROM wanted w FULL JOIN (SELECT x.* FROM usom.order_lines x JOIN placed USING (order_no)) l ON l.order_no = w.order_no AND l.line_no = w.line_no;
SELECT 'orders are their documents: prices', count(*), string_agg(format('%s.%s %s %s', w.order_no, w.line_no, w.total, l.total), ' ') FILTER (WHERE abs(w.total - l.total) > 0.01)
FROM wanted w JOIN usom.order_lines l ON l.order_no = w.order_no AND l.line_no = w.line_no WHERE w.total IS NOT NULL;
SELECT 'orders are their documents: heads', count(*), string_agg(p.order_no, ' ') FILTER (WHERE
	p.customer IS DISTINCT FROM (p.document->>'customer') AND p.document ? 'customer' AND p.document->'customer' <> 'null' OR p.currency IS DISTINCT FROM coalesce(p.document->>'currency', usom.default_currency())
	OR p.document ? 'priority' AND p.priority <> (p.document->>'priority')::integer OR p.document->>'draft' = 'true' AND p.order_status <> 'draft')
FROM placed p;
SELECT 'no half order, none twice', count(*), string_agg(o.order_no, ' ') FILTER (WHERE x.messages <> 1 OR o.lines = 0)
FROM (SELECT y.order_no, count(l.line_no) AS lines FROM usom.orders y LEFT JOIN usom.order_lines l USING (order_no) GROUP BY 1) o
CROSS JOIN LATERAL (SELECT count(*) AS messages FROM usom.inbox i WHERE i.order_no = o.order_no AND i.outcome = 'placed') x;
SELECT 'some are placed, some are not', count(*), CASE WHEN count(*) FILTER (WHERE outcome = 'placed') < :cases / 10 OR count(*) FILTER (WHERE status = 'dead') < :cases / 10 OR count(sqlstate) < :cases / 50
	THEN format('%s placed, %s dead, %s refused', count(*) FILTER (WHERE outcome = 'placed'), count(*) FILTER (WHERE status = 'dead'), count(sqlstate)) END FROM tried;
SELECT 'verify()', 1, string_agg(format('%s %s', v.entity, v.problem), '; ') FROM usom.verify() v;
