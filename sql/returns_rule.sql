-- Return rules: what may come back, until when, and who decides.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('returns_rule', 'Rules of returns');
SET usom.org = 'returns_rule';
INSERT INTO usom.location (code) VALUES ('RR-A');
INSERT INTO usom.product (sku, category) VALUES ('RR-LAMP', 'lighting'), ('RR-SOAP', 'care'), ('RR-MUG', NULL), ('RR-BULB', 'lighting');
INSERT INTO usom.customer (code, segment) VALUES ('RR-GOLD', 'gold');
SELECT count(*) FROM usom.receive_stocks('[{"location": "RR-A", "sku": "RR-LAMP", "quantity": 100}, {"location": "RR-A", "sku": "RR-SOAP", "quantity": 100}, {"location": "RR-A", "sku": "RR-MUG", "quantity": 100}, {"location": "RR-A", "sku": "RR-BULB", "quantity": 100}]');
-- An order that left in two parts: two lamps that arrived 40 days ago and three that did so 10 days ago.
SELECT order_no AS o FROM usom.place_order('{"customer": "RR-GOLD", "channel": "web", "lines": [{"sku": "RR-LAMP", "quantity": 5, "unit_price": 20}, {"sku": "RR-SOAP", "quantity": 2, "unit_price": 3}, {"sku": "RR-MUG", "quantity": 3, "unit_price": 5}, {"sku": "RR-BULB", "quantity": 1, "unit_price": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 2}, {"line_no": 3, "quantity": 3}]') AS s \gset
SELECT status FROM usom.deliver(:'s', now() - interval '40 days');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 3}]') AS s \gset
SELECT status FROM usom.deliver(:'s', now() - interval '10 days');

-- No rules: all may come back, and a rule changes that for whoever asks after it.
SELECT line_no, sku, with_customer, expected, returnable, outcome, rule, until, refund FROM usom.explain_return(:'o') ORDER BY 1;
INSERT INTO usom.return_rule (code, category, days, valid_days) VALUES ('RR-30', 'lighting', 30, 14);
INSERT INTO usom.return_rule (code, sku, outcome) VALUES ('RR-NEVER', 'RR-SOAP', 'refuse');
INSERT INTO usom.return_rule (code, priority, sku, reason, days, outcome, late) VALUES ('RR-ASK', 10, 'RR-MUG', 'chipped', 14, 'allow', 'ask');
INSERT INTO usom.return_rule (code, priority, sku, channel, outcome) VALUES ('RR-OTHER', 1, 'RR-MUG', 'edi', 'refuse');
INSERT INTO usom.return_rule (code, priority, sku, segment, outcome) VALUES ('RR-POOR', 1, 'RR-MUG', 'silver', 'refuse');
SELECT line_no, sku, with_customer, expected, returnable, outcome, rule, date_trunc('day', until - now()) AS left, refund FROM usom.explain_return(:'o') ORDER BY 1;
SELECT line_no, outcome, rule FROM usom.explain_return(:'o', 'chipped') WHERE line_no = 3;
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.explain_return('SO-NONE')$$);

-- Of five lamps three are in time; soap never is.
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 4}]', 'too many'));
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 1}, {"line_no": 2, "quantity": 1}]', 'with soap'));
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}]', 'wrong colour') AS r \gset
SELECT status, quantity, rule, inspects, disposition, expires_at > now() + interval '13 days' AS in_13_days, expired FROM usom.returns WHERE return_no = :'r';
-- Asking twice gives no more than asking once: one lamp is left in time.
SELECT line_no, with_customer, expected, returnable, outcome FROM usom.explain_return(:'o') WHERE line_no = 1;
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]', 'the rest'));
-- Nor does it when they came: those that left last came back.
SELECT status, order_status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]', 'the rest'));
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'the rest') AS r2 \gset
UPDATE usom.return_rule SET late = 'allow' WHERE code = 'RR-30';
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 3}]', 'too many'));

-- What of a return is not expected any more may be asked for again.
SELECT status, order_status FROM usom.cancel_return(:'r2', 'kept');
SELECT status, order_status FROM usom.cancel_return(:'r2', 'kept');
SELECT quantity, quantity_given_up, status FROM usom.returns WHERE return_no = :'r2';
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L)', :'r2'));
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 3}]', 'again') IS NOT NULL AS authorized;

-- Somebody decides.
SELECT usom.authorize_return(:'o', '[{"line_no": 3, "quantity": 1}]', 'chipped') AS a \gset
SELECT status FROM usom.returns WHERE return_no = :'a';
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L)', :'a'));
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 3, "quantity": 3}]', 'chipped'));
SELECT status, order_status FROM usom.approve_return(:'a', 'a good customer');
SELECT status, order_status FROM usom.approve_return(:'a', 'again');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.refuse_return(%L, %L)', :'a', 'too late'));
SELECT status, order_status FROM usom.receive_return(:'a');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.approve_return(%L, %L)', :'a', 'again'));
SELECT usom.authorize_return(:'o', '[{"line_no": 3, "quantity": 2}]', 'chipped') AS b \gset
SELECT status, order_status FROM usom.refuse_return(:'b', 'worn');
SELECT status, order_status FROM usom.refuse_return(:'b', 'worn');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.approve_return(%L, %L)', :'b', 'after all'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L)', :'b'));
SELECT quantity, quantity_given_up, status, reason FROM usom.returns WHERE return_no = :'b';
SELECT line_no, with_customer, expected, returnable FROM usom.explain_return(:'o') WHERE line_no = 3;
SELECT e.kind, e.payload->>'reason' AS reason FROM usom.events e WHERE e.order_no = :'o' AND e.kind LIKE 'return%' ORDER BY e.event_no;
SELECT h.event, h.reason, pg_temp.mask(h.reference) AS reference FROM usom.order_history h JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.order_no = :'o' AND h.event LIKE '%return%' ORDER BY h.version;

-- A rule that is not active fits nothing; one with a lower priority goes first; several of a priority by code.
UPDATE usom.return_rule SET active = false WHERE code = 'RR-NEVER';
SELECT outcome, rule FROM usom.explain_return(:'o') WHERE line_no = 2;
INSERT INTO usom.return_rule (code, priority, outcome) VALUES ('RR-Z', 5, 'refuse'), ('RR-B', 5, 'ask');
SELECT line_no, outcome, rule FROM usom.explain_return(:'o') ORDER BY 1;
-- Within a transaction, too, and not beyond it.
BEGIN;
UPDATE usom.return_rule SET active = false;
SELECT line_no, outcome, rule FROM usom.explain_return(:'o') ORDER BY 1;
ROLLBACK;
SELECT count(*) FILTER (WHERE rule = 'RR-B') AS by_rule, count(*) AS lines FROM usom.explain_return(:'o');

-- A return that nobody sent in time: time passes by the hand of whoever may write the books.
UPDATE usom.return_rule SET active = false WHERE code <> 'RR-30';
SELECT order_no AS o2 FROM usom.place_order('{"lines": [{"sku": "RR-LAMP", "quantity": 4, "unit_price": 20}]}') \gset
SELECT status FROM usom.release_order(:'o2');
SELECT usom.ship(:'o2') IS NOT NULL AS shipped;
SELECT usom.authorize_return(:'o2', '[{"line_no": 1, "quantity": 4}]', 'late') AS r \gset
SELECT status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
BEGIN;
ALTER TABLE usom.return_order DISABLE TRIGGER USER;
UPDATE usom.return_order SET expires_at = now() - interval '1 hour' WHERE return_no = :'r';
SELECT status, expired FROM usom.returns WHERE return_no = :'r';
SELECT with_customer, expected, returnable FROM usom.explain_return(:'o2');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L)', :'r')) t WHERE t NOT LIKE '  detail%';
SELECT usom.authorize_return(:'o2', '[{"line_no": 1, "quantity": 3}]', 'once more') AS r2 \gset
SELECT status FROM usom.receive_return(:'r2');
SELECT return_no = :'r' AS the_old_one, status, quantity, quantity_received, expired FROM usom.returns WHERE order_no = :'o2' ORDER BY 1;
SELECT * FROM usom.verify_returns();
ROLLBACK;

-- What a rule cannot be.
SELECT call, r.* FROM unnest(ARRAY['code = ''''', 'outcome = ''maybe''', 'late = ''maybe''', 'days = -1', 'valid_days = 0', 'disposition = ''reject''', 'sku = ''''', 'code = ''other''']) AS call,
	pg_temp.refused(format('UPDATE usom.return_rule SET %s WHERE code = ''RR-B''', call)) r WHERE r NOT LIKE '  detail%';
SELECT * FROM pg_temp.refused('DELETE FROM usom.return_rule WHERE code = ''RR-B''');
SELECT * FROM usom.verify();
