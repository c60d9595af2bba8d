-- Card numbers: what counts as one, and that no text, document or setting takes one.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
\set card '4111 1111 1111 1111'
CREATE FUNCTION pg_temp.is_card(value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom._check_card('value', value);
	RETURN false;
EXCEPTION WHEN SQLSTATE 'US502' THEN
	RETURN true;
END
$$;

-- Numbers that issuers and payment providers publish for tests: refused bare, in groups, in a sentence.
CREATE TEMP TABLE published (issuer text, number text);
INSERT INTO published VALUES
	('Visa', '4111111111111111'), ('Visa', '4012888888881881'), ('Visa', '4222222222222'), ('Visa', '4917610000000000003'),
	('Mastercard', '5555555555554444'), ('Mastercard', '5105105105105100'), ('Mastercard', '2223003122003222'), ('Mastercard', '2720990000000007'),
	('American Express', '378282246310005'), ('American Express', '371449635398431'), ('American Express', '340000000000009'),
	('Discover', '6011111111111117'), ('Discover', '6011000990139424'), ('Discover', '6445644564456445'), ('Discover', '6500000000000002'),
	('JCB', '3530111333300000'), ('JCB', '3566002020360505'), ('JCB', '180000000000002'),
	('Diners Club', '30569309025904'), ('Diners Club', '38520000023237'), ('Diners Club', '36227206271667'),
	('UnionPay', '6200000000000005'), ('UnionPay', '6205500000000000004'),
	('Maestro', '6759649826438453'), ('Maestro', '5018000000000009'), ('Maestro', '6304000000000000');
SELECT issuer, number FROM published
WHERE NOT pg_temp.is_card(number)
	OR NOT pg_temp.is_card(regexp_replace(number, '(....)', '\1 ', 'g'))
	OR NOT pg_temp.is_card(regexp_replace(number, '(....)', '\1-', 'g'))
	OR NOT pg_temp.is_card(regexp_replace(number, '(.)', '\1 ', 'g'))
	OR NOT pg_temp.is_card(format('call 0151 12345, pay with card%s!', number))
	OR NOT pg_temp.is_card(format('2026-12-24 %s 12/29 123', number));
-- The same with a wrong check digit, or as part of a longer number.
SELECT issuer, number FROM published
WHERE pg_temp.is_card(left(number, -1) || (right(number, 1)::integer + 1) % 10)
	OR pg_temp.is_card('12345' || number || '1') OR pg_temp.is_card(number || '1234567');

SELECT v AS value, pg_temp.is_card(v) AS is_card FROM unnest(ARRAY[
	'', '4111', 'no digits here at all', '4111111111111111', '4111 - 1111 - 1111 - 1111', E'4111\u00a01111\u20111111\u20131111', '4111    1111 1111 1111',
	'4111.1111.1111.1111', '4111/1111/1111/1111', '(4111)11111111-1111', '4111111111111111111111', '0000000000000000', '9999999999999995', '1234567812345670',
	'GTIN 4006381333931', '4000000000006', 'IBAN BE68539007547034', 'IBAN BE52 0960 1178 4309', 'BE51 5555 5555 5555 4444', 'DE89 3704 0044 0532 0130 00', 'GB29NWBK60161331926819',
	'+49 4111 1111111', '+4111111111111111', '49 4222222222222', '52.4111111111111111', '4111111111111111.00', 'No.4111111111111111',
	'41111111-1111-1111-9999-999999999999', 'a4111111111111111b', '203-1234567-1234567', '1Z999AA10123456784', '2010-12-01T08:26:00Z', '2026-11-22 2026-11-23']) v;

-- Every function about orders and stock that takes text or jsonb: the number in one argument at a time.
CREATE FUNCTION pg_temp.call_with(function regproc, argument integer, value text) RETURNS text LANGUAGE sql AS $$
	SELECT format(CASE p.prokind WHEN 'p' THEN 'CALL %s(%s)' ELSE 'SELECT * FROM %s(%s)' END, function, string_agg(
		CASE WHEN n = argument THEN CASE type WHEN 'jsonb'::regtype THEN format('jsonb_build_object(%L, 1)', value) ELSE quote_literal(value) END
			ELSE CASE type WHEN 'text'::regtype THEN '''x''' WHEN 'jsonb'::regtype THEN '''{}''' WHEN 'interval'::regtype THEN '''1 hour'''
				WHEN 'timestamptz'::regtype THEN 'now()' WHEN 'numeric[]'::regtype THEN '''{}''' WHEN 'text[]'::regtype THEN '''{}''' ELSE '1' END END || '::' || type::regtype, ', ' ORDER BY n))
	FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY AS a (type, n) WHERE p.oid = function GROUP BY p.prokind
$$;
CREATE FUNCTION pg_temp.outcome(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	context text;
BEGIN
	EXECUTE command;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN CASE WHEN SQLSTATE = 'US502' AND concat(message, detail, hint, context) ~ '1111' THEN 'REPEATED: ' ELSE '' END || SQLSTATE || ' ' || message;
END
$$;
CREATE TEMP TABLE tried AS
SELECT p.proname, o.outcome
FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY AS a (type, n),
	pg_temp.outcome(pg_temp.call_with(p.oid, n::integer, :'card')) AS o (outcome)
WHERE p.pronamespace = 'usom'::regnamespace AND a.type IN ('text'::regtype, 'jsonb'::regtype)
	AND p.proname IN (SELECT split_part(h.name, '(', 1) FROM unnest(ARRAY['order', 'stock', 'fulfil', 'understand', 'keys']) t, usom.help(t) h);
SELECT count(*) > 50 AS enough, count(*) FILTER (WHERE outcome LIKE 'US502 argument %') > 50 AS refused FROM tried;
-- Those that say it otherwise: codes are refused when nothing is found.
SELECT proname, outcome FROM tried WHERE outcome NOT LIKE 'US502 argument %' ORDER BY proname COLLATE "C";

-- Every column of words, by plain SQL.  Kept tables are closed altogether; the rest is for who installs.
SELECT c.relname || '.' || a.attname AS "column", o.outcome
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
	pg_temp.outcome(format('INSERT INTO usom.%I (%I) VALUES (%L)', c.relname, a.attname,
		CASE a.atttypid WHEN 'jsonb'::regtype THEN jsonb_build_object('words', ARRAY[:'card'])::text WHEN 'text[]'::regtype THEN ARRAY[:'card']::text ELSE :'card' END)) AS o (outcome)
WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'r' AND c.relname !~ '^_' AND c.relname !~ '^audit_'
	AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
	AND o.outcome <> format('US502 column %s of usom.%s holds what looks like the number of a payment card', a.attname, c.relname)
	AND o.outcome !~ '^US(004|901) '
ORDER BY 1;
-- It stands before the other triggers of rows.
SELECT t.tgrelid::regclass AS table, t.tgname FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgtype & 7 = 7 AND t.tgname < 'usom_card'
	AND t.tgrelid IN (SELECT c.tgrelid FROM pg_trigger c WHERE c.tgname = 'usom_card');

-- An order that stands: corrections of it, by both ways.
INSERT INTO usom.location (code) VALUES ('CARD-A');
INSERT INTO usom.product (sku) VALUES ('CARD-1');
SELECT on_hand FROM usom.receive_stock('CARD-A', 'CARD-1', 100);
SELECT order_no AS o FROM usom.place_order('{"instructions": "ring 4111 times", "lines": [{"sku": "CARD-1", "quantity": 3}]}') \gset
SELECT r.* FROM (VALUES
	(format('UPDATE usom.sales_order SET instructions = %L WHERE order_no = %L', :'card', :'o')),
	(format('UPDATE usom.sales_order SET payment = %L WHERE order_no = %L', jsonb_build_object('method', 'card', 'reference', :'card'), :'o')),
	(format('UPDATE usom.sales_order SET status = %L WHERE order_no = %L', :'card', :'o')),
	(format('SELECT usom.change_order(%L, %L)', :'o', jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 2), jsonb_build_object('sku', :'card'))))),
	(format('SELECT usom.change_order(%L, %L)', :'o', jsonb_build_object('ship_to', jsonb_build_object('line1', :'card', 'city', 'Ely')))),
	(format('SELECT usom.change_order(''none'', %L)', jsonb_build_object('instructions', :'card'))),
	(format('SELECT usom.place_order(%L)', jsonb_build_object('payment', jsonb_build_object('reference', 4111111111111111)))),
	(format('SELECT usom.place_order(%L)', jsonb_build_object('coupons', jsonb_build_array('TEN', :'card')))),
	(format('SELECT usom.place_order(%L)', jsonb_build_object('Key', jsonb_build_object('deep', jsonb_build_array(1, jsonb_build_object(:'card', 1)))))),
	(format('SELECT usom.place_order(%L)', to_jsonb(:'card'::text)))) AS v (command), pg_temp.refused(v.command) AS r;
SELECT status, version FROM usom.orders WHERE order_no = :'o';

-- In a batch it costs one document; its external id is not repeated either.
SELECT ordinal, external_id, outcome, pg_temp.mask(order_no) AS order_no, sqlstate, message FROM usom.place_orders(jsonb_build_array(
	'{"external_id": "CARD-1", "lines": [{"sku": "CARD-1", "quantity": 1}]}'::jsonb,
	jsonb_build_object('external_id', :'card', 'lines', '[{"sku": "CARD-1", "quantity": 1}]'::jsonb),
	jsonb_build_object('external_id', 'CARD-2', 'instructions', :'card', 'lines', '[{"sku": "CARD-1", "quantity": 1}]'::jsonb),
	to_jsonb(:'card'::text)));

-- What the caller claims of itself.
SELECT r.* FROM unnest(ARRAY['usom.reason', 'usom.app_user', 'usom.org']) n, pg_temp.refused(format('SELECT set_config(%L, %L, true)', n, :'card')) r;
SELECT r.* FROM pg_temp.refused(format('ALTER DATABASE %I SET usom.reason = %L', current_database(), :'card')) r;
SET usom.reason = 'ticket 4111';
SHOW usom.reason;
RESET usom.reason;
-- What the client calls itself is PostgreSQL's: the audit keeps it masked.
SELECT set_config('application_name', 'till ' || :'card', false) \g /dev/null
INSERT INTO usom.customer (code) VALUES ('till');
RESET application_name;
SELECT DISTINCT application_name FROM usom.audit_entry WHERE org_id = usom.current_org() AND application_name LIKE 'till%';

-- No context tells it, however deep the call.
CREATE FUNCTION pg_temp.deep(document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE format('SELECT usom.place_order(%L)', document);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN format('%s, context "%s"', SQLSTATE, context);
END
$$;
SELECT pg_temp.deep(jsonb_build_object('instructions', :'card')::text);
SELECT count(*) FROM usom.verify();
