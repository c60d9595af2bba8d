-- Orders as they were, and what became of them, field by field.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
INSERT INTO usom.location (code) VALUES ('HIS-A');
INSERT INTO usom.product (sku, name) VALUES ('HIS-1', 'Cup'), ('HIS-2', 'Saucer');
INSERT INTO usom.customer (code, name) VALUES ('HIS-C', 'Hilda');
SELECT usom.receive_stocks('[{"location": "HIS-A", "sku": "HIS-1", "quantity": 10}, {"location": "HIS-A", "sku": "HIS-2", "quantity": 2}]');

-- A life, and the time after each step.
CREATE TEMP TABLE moment (step text, at timestamptz DEFAULT clock_timestamp());
INSERT INTO moment VALUES ('nothing');
SELECT order_no AS o FROM usom.place_order('{"external_id": "HIS-1", "channel": "rep", "customer": "HIS-C", "placed_at": "2026-12-01T08:26:00Z", "currency": "GBP",
	"lines": [{"sku": "HIS-1", "quantity": 6, "unit_price": 2.55}, {"sku": "HIS-2", "quantity": 4, "unit_price": 1}]}') \gset
INSERT INTO moment VALUES ('placed');
SET usom.app_user = 'anna';
SELECT status, new_version FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 5}]}', reason => 'one has a crack');
RESET usom.app_user;
INSERT INTO moment VALUES ('changed');
SELECT status, version FROM usom.hold_order(:'o', 'address', 'no house number');
INSERT INTO moment VALUES ('held');
SELECT status, version FROM usom.release_hold(:'o', 'address', 'it is 7');
SET usom.reason = 'a regular';
UPDATE usom.sales_order SET priority = 1 WHERE order_no = :'o';
RESET usom.reason;
INSERT INTO moment VALUES ('first');
SELECT status, version FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 3}]', 'DHL', 'JD1') AS s \gset
INSERT INTO moment VALUES ('shipped');
SELECT status, version FROM usom.deliver(:'s');
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'too small') AS r \gset
SELECT * FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
SELECT status, version FROM usom.cancel_line(:'o', 2, 2, 'will not wait');
INSERT INTO moment VALUES ('end');

SELECT m.step, d->>'status' AS status, d->>'version' AS version, d->>'priority' AS priority, d->>'total' AS total,
	(SELECT string_agg(format('%s: %s', l->>'line_no', (SELECT string_agg(concat_ws(' ', p->>'quantity', p->>'status'), ', ') FROM jsonb_array_elements(l->'pieces') p)), '; ')
	 FROM jsonb_array_elements(d->'lines') l) AS pieces,
	jsonb_array_length(d->'holds') AS holds, d->'holds'->0->>'release_reason' AS release_reason, d->'shipments'->0->>'status' AS shipment, d->'returns'->0->>'status' AS return
FROM moment m, usom.order_as_of(:'o', m.at) d WHERE m.step <> 'nothing' ORDER BY m.at;
SELECT regexp_replace(r, ' at .*', ' at ...') AS before_it_was_made FROM moment m, pg_temp.refused(format('SELECT usom.order_as_of(%L, %L)', :'o', m.at)) r WHERE m.step = 'nothing';
SELECT usom.order_as_of(NULL, now()), usom.order_as_of(:'o', NULL);
SELECT r.* FROM unnest(ARRAY['SELECT usom.order_as_of(''HIS-NONE'', now())', 'SELECT * FROM usom.order_changes(''HIS-NONE'')']) c, pg_temp.refused(c) r;

-- The whole of it, numbers and times of this run left out.
SELECT pg_temp.mask(regexp_replace(regexp_replace(jsonb_pretty(usom.order_as_of(:'o', 'infinity')), '"(20[0-9:T.+-]+)"', '"(time)"', 'g'), '("placed_by": |"released_by": )"[^"]*"', '\1"(role)"', 'g')) AS document;

-- What became of it.  The first entry tells the order, the others what changed.
SELECT who = session_user OR who = format('anna (%s)', session_user) AS who, verb, reason, entity, field, count(*) FROM usom.order_changes(:'o') WHERE entity = 'order' AND verb = 'place_order' GROUP BY 1, 2, 3, 4, 5 ORDER BY field;
SELECT CASE WHEN who LIKE 'anna (%)' THEN 'anna' ELSE '' END AS who, verb, reason, pg_temp.mask(entity) AS entity, field,
	pg_temp.mask(regexp_replace(before, '^20[0-9:T.+-]+$', '(time)')) AS before,
	CASE WHEN field ~ '_by$' THEN '(role)' ELSE pg_temp.mask(regexp_replace(after, '^20[0-9:T.+-]+$', '(time)')) END AS after
FROM usom.order_changes(:'o') WHERE verb <> 'place_order';

-- Each is of a moment at which the order can be seen; what was there is what is said.
SELECT count(*) > 20 AS changes, count(*) FILTER (WHERE usom.order_as_of(:'o', occurred_at)->>field IS DISTINCT FROM after) AS otherwise
FROM usom.order_changes(:'o') WHERE entity = 'order';

-- A statement that was rolled back was never there; a transaction sees what it did itself.
BEGIN;
SAVEPOINT before;
UPDATE usom.sales_order SET priority = 9 WHERE order_no = :'o';
SELECT usom.order_as_of(:'o', clock_timestamp())->>'priority' AS inside;
ROLLBACK TO before;
SELECT usom.order_as_of(:'o', clock_timestamp())->>'priority' AS outside;
UPDATE usom.sales_order SET priority = 3 WHERE order_no = :'o';
SELECT usom.order_as_of(:'o', now())->>'priority' AS now, usom.order_as_of(:'o', now() - interval '1 us')->>'priority' AS before;
COMMIT;
SELECT count(*) > 10 AS steps, count(*) FILTER (WHERE usom.order_as_of(:'o', t.at)->>'status' <> t.to_status) AS otherwise FROM usom.order_timeline(:'o') t;
-- Other settings show the same times in other words.
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SET extra_float_digits = -15;
SELECT usom.order_as_of(:'o', 'infinity')->>'placed_at' AS placed_at, (usom.order_as_of(:'o', 'infinity')->>'placed_at')::timestamptz = '2026-12-01T08:26:00Z' AS same;
RESET timezone;
RESET datestyle;
RESET extra_float_digits;
-- Addresses and instructions as they were, for those who may read them, and for nobody when the person is erased.
SELECT order_no AS g FROM usom.place_order('{"instructions": "ring twice", "ship_to": {"name": "Hugo", "line1": "7 High St", "city": "Ely", "country": "GB"}, "lines": [{"sku": "HIS-1", "quantity": 1}]}') \gset
SELECT clock_timestamp() AS placed \gset
SELECT status FROM usom.change_order(:'g', '{"instructions": "knock", "ship_to": {"name": "Hugo", "line1": "8 High St", "city": "Ely", "country": "GB"}}');
SELECT d->'ship_to' AS ship_to, d->>'instructions' AS instructions FROM unnest(ARRAY[:'placed'::timestamptz, 'infinity']) AS t (at), usom.order_as_of(:'g', at) AS d;
SELECT verb, field, before, after FROM usom.order_changes(:'g') WHERE field IN ('ship_to', 'instructions');
SELECT status FROM usom.cancel_order(:'g', 'moved again');
SELECT usom.erase_order_person(:'g', 'asked for it') = :'g' AS erased;
SELECT d->'ship_to' AS ship_to, d->>'instructions' AS instructions FROM unnest(ARRAY[:'placed'::timestamptz, 'infinity']) AS t (at), usom.order_as_of(:'g', at) AS d;
-- Another organisation has no such order.
INSERT INTO usom.organisation (code, name) VALUES ('his', 'Other');
SET usom.org = 'his';
SELECT r.* FROM unnest(ARRAY[format('SELECT usom.order_as_of(%L, ''infinity'')', :'o'), format('SELECT * FROM usom.order_changes(%L)', :'o')]) c, pg_temp.refused(c) r;
RESET usom.org;
-- Who may read the audit may see how an order was; the desk may not.
SET client_min_messages = warning;
CREATE ROLE usom_test_reader;
CREATE ROLE usom_test_desk;
RESET client_min_messages;
SELECT usom.grant_access('usom_test_reader', 'manager') \g /dev/null
SELECT usom.grant_access('usom_test_desk', 'agent') \g /dev/null
SET ROLE usom_test_reader;
SELECT usom.order_as_of(:'o', 'infinity')->>'status' AS status, (SELECT count(*) > 50 FROM usom.order_changes(:'o')) AS changes;
SET ROLE usom_test_desk;
SELECT usom.order_as_of(:'o', 'infinity')->>'status' AS status;
SELECT count(*) FROM usom.order_changes(:'o');
SELECT count(*) > 0 AS explained FROM usom.explain_status(:'o');
RESET ROLE;
SELECT usom.revoke_access('usom_test_reader', 'manager') \g /dev/null
SELECT usom.revoke_access('usom_test_desk', 'agent') \g /dev/null
DROP OWNED BY usom_test_reader, usom_test_desk;
DROP ROLE usom_test_reader, usom_test_desk;
SELECT count(*) FROM usom.verify();
