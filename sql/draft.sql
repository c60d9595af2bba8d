-- Drafts: an order while somebody types it, its soft holds, its submission, whose it is, and messages entered by hand.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('desk');
SET usom.org = 'desk';
INSERT INTO usom.location (code) VALUES ('DE-W'), ('DE-E');
INSERT INTO usom.product (sku) VALUES ('DE-A'), ('DE-B');
INSERT INTO usom.customer (code, name) VALUES ('DE-1', 'Ann Caller'), ('DE-2', 'Ben Gone');
SELECT location, sku, on_hand FROM usom.receive_stock('DE-W', 'DE-A', 5) UNION ALL SELECT location, sku, on_hand FROM usom.receive_stock('DE-E', 'DE-B', 3) ORDER BY 2;
CREATE FUNCTION pg_temp.told(quote jsonb) RETURNS TABLE (valid boolean, total text, reserved text, backordered text, problems text) LANGUAGE sql AS $$
	SELECT (quote->>'valid')::boolean, quote->>'total', quote->>'quantity_reserved', quote->>'quantity_backordered',
		(SELECT string_agg(coalesce(p->>'path', '-') || ' ' || (p->>'code'), ', ') FROM jsonb_array_elements(quote->'problems') p)
$$;
CREATE VIEW pg_temp.shelf AS SELECT sku, location, on_hand, reserved, held, available FROM usom.stock_position WHERE sku LIKE 'DE-%' ORDER BY sku;
SET usom.app_user = 'anna';

-- A beginning says nothing yet; as it grows it is quoted, and what it would get is held for it, and for nobody else.
SELECT draft_no AS d FROM usom.start_draft() \gset
SELECT status, version, quantity_held, t.* FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-9"}', 1) s, pg_temp.told(s.quote) t;
SELECT status, version, quantity_held, t.* FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-1", "lines": [{"sku": "DE-A", "quantity": 3, "unit_price": 2}, {"sku": "DE-B", "quantity": 4, "unit_price": 1}]}', 2) s, pg_temp.told(s.quote) t;
SELECT * FROM pg_temp.shelf;
SELECT t.* FROM usom.quote('{"lines": [{"sku": "DE-A", "quantity": 5}]}') q, pg_temp.told(q) t;

-- While it cannot be placed as it stands, what was held stays; then the holds are what it wants now.
SELECT version, quantity_held, t.* FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-1", "lines": [{"sku": "DE-A", "quantity": 3, "unit_price": 2}, {"sku": "DE-", "quantity": 4, "unit_price": 1}]}', 3) s, pg_temp.told(s.quote) t;
SELECT version, quantity_held, t.* FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-1", "instructions": "ring twice", "lines": [{"sku": "DE-A", "quantity": 4, "unit_price": 2}, {"sku": "DE-B", "quantity": 2, "unit_price": 1}]}', 4) s, pg_temp.told(s.quote) t;
SELECT * FROM pg_temp.shelf;
SELECT channel, agent, status, version, customer, valid, total, quantity_held, document->>'instructions' AS instructions FROM usom.drafts;
SELECT usom._is_sealed(document), document LIKE '%twice%' AS clear FROM usom.draft WHERE org_id = usom.current_org();
SELECT * FROM usom.verify();

-- Without lines nothing is held; saved under a version that is gone, it is refused, unless it is the same save again.
SELECT version, quantity_held FROM usom.save_draft(:'d', '{"channel": "phone", "lines": []}', 5);
SELECT version, quantity_held FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-1", "lines": [{"sku": "DE-A", "quantity": 4, "unit_price": 2}]}', 6);
SELECT version, quantity_held FROM usom.save_draft(:'d', '{"channel": "phone", "customer": "DE-1", "lines": [{"sku": "DE-A", "quantity": 4, "unit_price": 2}]}', 6);
\set VERBOSITY sqlstate
SELECT version FROM usom.save_draft(:'d', '{"channel": "phone", "lines": [{"sku": "DE-B", "quantity": 1}]}', 6);
SELECT version FROM usom.save_draft(:'d', '[]');
SELECT version FROM usom.save_draft(:'d', '{"channel": "DE-NONE"}');
SELECT version FROM usom.save_draft('DE-NONE', '{}');
SELECT version FROM usom.save_draft(:'d', '{"instructions": "card 4111 1111 1111 1111"}');
\set VERBOSITY default

-- Another agent may look, and not touch, until it is handed over.
SET usom.app_user = 'bert';
\set VERBOSITY sqlstate
SELECT version FROM usom.save_draft(:'d', '{}');
SELECT order_no FROM usom.submit_draft(:'d');
SELECT status FROM usom.drop_draft(:'d');
\set VERBOSITY default
SELECT * FROM usom.hand_over_draft(:'d', 'bert', 'end of shift');
SELECT * FROM usom.hand_over_draft(:'d', 'bert');

-- Submitted: its units go over to the order; again under the same key it is the same order, under another one it is done.
SELECT order_no AS o, status, total, quantity_reserved, quantity_backordered, messages FROM usom.submit_draft(:'d', 'key-1', 8) \gset
SELECT :'status' AS status, :'total' AS total, :'quantity_reserved' AS reserved, :'quantity_backordered' AS backordered, :'messages' AS messages;
SELECT * FROM pg_temp.shelf;
SELECT order_no = :'o' AS same_order, messages FROM usom.submit_draft(:'d', 'key-1');
SELECT order_no = :'o' AS same_order, messages FROM usom.submit_draft(:'d');
SELECT draft_no AS e FROM usom.start_draft('{"lines": [{"sku": "DE-A", "quantity": 1}]}') \gset
\set VERBOSITY sqlstate
SELECT order_no FROM usom.submit_draft(:'d', 'key-2');
SELECT version FROM usom.save_draft(:'d', '{}');
SELECT status FROM usom.drop_draft(:'d');
SELECT order_no FROM usom.submit_draft(:'e', 'key-1');
SELECT order_no FROM usom.submit_draft(:'e', 'key-3', 7);
\set VERBOSITY default
SELECT agent, started_by = session_user AS by_me, client_address <> '' AS from_somewhere, saves, quantity_told, quantity_reserved, promise_kept, seconds >= 0 AS took_time FROM usom.entry_times;
SELECT count(*) FROM usom.orders;

-- Dropped: free at once; the document is gone, and its key.
SELECT * FROM usom.drop_draft(:'e', 'hung up');
SELECT * FROM usom.drop_draft(:'e', 'again');
SELECT * FROM pg_temp.shelf;
SELECT status, document IS NULL AS gone, dropped_because FROM usom.drafts WHERE draft_no = :'e';
SELECT count(*) FROM usom.vault_key k JOIN usom.draft d ON d.org_id = k.org_id AND d.draft_id = k.person_id WHERE d.org_id = usom.current_org();

-- A hold that has run out counts for nobody: the last unit goes to who is faster, and the draft gets what there is.
SET usom.draft_hold = '1ms';
SELECT draft_no AS late, quantity_held FROM usom.start_draft('{"lines": [{"sku": "DE-A", "quantity": 1, "unit_price": 2}]}') \gset
SELECT pg_sleep(0.01) \g /dev/null
SELECT quantity_held FROM usom.drafts WHERE draft_no = :'late';
SELECT count(*) FROM usom.abandoned_drafts WHERE draft_no = :'late';
SELECT status, quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "DE-A", "quantity": 1, "unit_price": 2}]}');
SELECT status, quantity_reserved, quantity_backordered, messages FROM usom.submit_draft(:'late');
SELECT quantity_told, quantity_reserved, promise_kept FROM usom.entry_times WHERE draft_no = :'late';
SELECT agent, channel, orders, dropped, saves_per_order, correct_stock_percent FROM usom.manual_entry ORDER BY channel;
RESET usom.draft_hold;

-- An order that is held when it is placed takes no stock; neither do the holds of its draft go on.
INSERT INTO usom.check_rule (check_code, severity, parameters, channel) VALUES ('limits', 'hold', '{"lines": 1}', 'rep');
SELECT draft_no AS h, quantity_held FROM usom.start_draft('{"channel": "rep", "lines": [{"sku": "DE-B", "quantity": 1}]}') \gset
SELECT :'quantity_held' AS held;
SELECT quantity_held, t.* FROM usom.save_draft(:'h', '{"channel": "rep", "lines": [{"sku": "DE-B", "quantity": 1}, {"sku": "DE-B", "quantity": 1}]}') s, pg_temp.told(s.quote) t;
SELECT status, quantity_reserved FROM usom.submit_draft(:'h');
SELECT * FROM pg_temp.shelf WHERE sku = 'DE-B';

-- What a message brought and could not be placed is entered by hand; then the message is done, under its own name.
SELECT message_no AS m, status FROM usom.ingest('edi', '{"customer": "DE-1", "lines": [{"sku": "DE-B", "quantity": 1, "unit_price": 1}, {"sku": "THEIRS", "quantity": 1, "unit_price": 9}]}', 'PO-1') \gset
SELECT draft_no AS f, version, quantity_held, findings->0->>'path' AS path FROM usom.draft_from_message(:'m') \gset
SELECT :'version' AS version, :'quantity_held' AS held, :'path' AS path;
SELECT draft_no = :'f' AS same_draft, version FROM usom.draft_from_message(:'m');
SELECT status, parked_because = 'entered by hand as draft ' || :'f' AS says_so FROM usom.inbox;
SELECT document FROM usom.drafts WHERE draft_no = :'f';
SELECT quantity_held, t.* FROM usom.save_draft(:'f', '{"customer": "DE-1", "channel": "web", "external_id": "MINE", "lines": [{"sku": "DE-B", "quantity": 1, "unit_price": 1}, {"sku": "DE-MADE", "quantity": 1, "unit_price": 9, "make": {"name": "As they drew it"}}]}') s, pg_temp.told(s.quote) t;
SELECT count(*) FROM usom.product WHERE org_id = usom.current_org() AND sku = 'DE-MADE';
SELECT status, total, quantity_reserved, quantity_backordered FROM usom.submit_draft(:'f', 'key-4');
SELECT i.status, i.outcome, o.channel, o.external_id, o.revision FROM usom.inbox i JOIN usom.orders o USING (order_no);
SELECT outcome FROM usom.ingest('edi', '{"customer": "DE-1", "lines": [{"sku": "DE-B", "quantity": 1, "unit_price": 1}, {"sku": "THEIRS", "quantity": 1, "unit_price": 9}]}', 'PO-1');
SELECT l.sku, e.name FROM usom.order_lines l JOIN usom.orders o USING (order_no) JOIN usom.product e ON e.org_id = usom.current_org() AND e.sku = l.sku WHERE o.external_id = 'PO-1' ORDER BY l.line_no;
SELECT message_no = :'m' AS of_message FROM usom.entry_times WHERE draft_no = :'f';
\set VERBOSITY sqlstate
SELECT draft_no FROM usom.draft_from_message(:'m');
SELECT draft_no FROM usom.draft_from_message('DE-NONE');
INSERT INTO usom.mapping (code, channel, kind, applies) VALUES ('DE-CANCEL', 'edi', 'cancellation', 'exists ($.cancel)');
INSERT INTO usom.mapping_field (mapping_id, target, source) VALUES (usom.mapping_id('DE-CANCEL'), 'external_id', '$.cancel');
SELECT draft_no FROM usom.ingest('edi', '{"cancel": "PO-9"}') i, usom.draft_from_message(i.message_no);
\set VERBOSITY default

-- Who is erased leaves no draft behind; what nobody goes on with is dropped by tick(), if usom.retention says so.
SELECT draft_no AS g FROM usom.start_draft('{"customer": "DE-2", "ship_to": {"name": "Ben Gone"}, "lines": []}') \gset
SELECT usom.erase_customer('DE-2', 'asked for it');
SELECT status, document IS NULL AS gone, dropped_because FROM usom.drafts WHERE draft_no = :'g';
SET usom.draft_hold = '1ms';
SELECT draft_no AS a FROM usom.start_draft('{"lines": []}') \gset
RESET usom.draft_hold;
SELECT draft_no AS b FROM usom.start_draft('{"lines": []}') \gset
INSERT INTO usom.retention (what, keep_for) VALUES ('draft', interval '1 microsecond');
SELECT pg_sleep(0.01) \g /dev/null
SELECT usom._tidy_drafts(usom.current_org()), usom._tidy_drafts(usom.current_org());
SELECT draft_no = :'b' AS held, status, dropped_because FROM usom.drafts WHERE draft_no IN (:'a', :'b') ORDER BY 1;

-- The statements of a save do not grow with its lines.
INSERT INTO usom.product (sku) SELECT 'DE-N' || n FROM generate_series(1, 60) n;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'DE-W', 'sku', 'DE-N' || n, 'quantity', 10)) FROM generate_series(1, 60) n)) \g /dev/null
CREATE FUNCTION pg_temp.long(n integer, quantity integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('sku', 'DE-N' || l, 'quantity', quantity, 'unit_price', 1))) FROM generate_series(1, n) l
$$;
CREATE FUNCTION pg_temp.statements(command text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
BEGIN
	EXECUTE command;
	RETURN usom._statement_count() - before;
END
$$;
SELECT s.quantity_held FROM unnest(ARRAY[2, 2, 60]) n, usom.save_draft(:'b', pg_temp.long(n, 1)) s;
SELECT pg_temp.statements(format('SELECT usom.save_draft(%L, %L)', :'b', pg_temp.long(60, 2))) AS long \gset
SELECT quantity_held FROM usom.save_draft(:'b', pg_temp.long(2, 1));
SELECT pg_temp.statements(format('SELECT usom.save_draft(%L, %L)', :'b', pg_temp.long(2, 2))) >= :long AS no_more, :long < 60 AS few;
SELECT quantity_held FROM usom.save_draft(:'b', pg_temp.long(60, 2));
SELECT quantity_held FROM usom.drafts WHERE draft_no = :'b';

-- Plain SQL may read, and not write.
\set VERBOSITY terse
UPDATE usom.draft SET agent = 'bert' WHERE org_id = usom.current_org();
\set VERBOSITY default
SELECT * FROM usom.verify();
RESET usom.app_user;
RESET usom.org;
