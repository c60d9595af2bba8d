-- Events for the outside and exceptions for people: numbered without gaps,
-- open once, closed by hand or because their cause is gone.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.product (sku) VALUES ('EXC-1');
INSERT INTO usom.location (code) VALUES ('EXC-A');
SELECT order_no AS o FROM usom.place_order('{"external_id": "EXC-1", "lines": [{"sku": "EXC-1", "quantity": 3}]}') \gset
SELECT sales_order_id AS id FROM usom.sales_order WHERE order_no = :'o' \gset

-- Numbers count within the order; what is rolled back leaves no gap.
SELECT usom._tell(:id, 'looked_at', '{"line_no": 1}');
SAVEPOINT s;
SELECT usom._tell(:id, 'forgotten', '{}');
ROLLBACK TO s;
SELECT usom._tell(:id, 'looked_at', '{"line_no": 2}');
SELECT usom._tell(NULL, 'back_in_stock', '{"sku": "EXC-1"}');
SELECT order_no = :'o' AS of_order, event_no - min(event_no) OVER (PARTITION BY order_no) AS after_the_first, kind, payload
FROM usom.events WHERE kind IN ('looked_at', 'forgotten', 'back_in_stock') ORDER BY order_no, event_no;
SELECT max(event_no) = count(*) AS no_gaps FROM usom.events WHERE order_no = :'o';

-- Met twice, open once, with the last word.
SELECT usom._raise_case(:id, 1, 'promise_late', NULL, 'line 1 comes a day late', '{"days": 1}', '2026-12-01 00:00:00+00');
SELECT usom._raise_case(:id, 1, 'promise_late', NULL, 'line 1 comes two days late', '{"days": 2}', '2026-12-01 00:00:00+00');
SELECT usom._raise_case(:id, 1, 'supply_short', 'PO-7', 'PO-7 is short', '{"missing": 5}');
SELECT usom._raise_case(:id, 1, 'supply_short', 'PO-8', 'PO-8 is short', '{"missing": 6}');
SELECT usom._raise_case(NULL, NULL, 'run_stopped', 'nightly', 'the run stopped');
SELECT kind, order_no = :'o' AS of_order, line_no, reference, message, detail, due_at IS NOT NULL AS due, open FROM usom.exceptions
WHERE order_no = :'o' AND kind <> 'backordered' OR kind = 'run_stopped' ORDER BY kind, reference;

-- Closed because its cause is gone: one reference, then all of the line.
SELECT usom._settle_case(:id, 1, 'supply_short', 'PO-7');
SELECT usom._settle_case(:id, 1, 'promise_late');
SELECT kind, reference, open, resolution, resolved_by = session_user AS by_me FROM usom.exceptions WHERE order_no = :'o' AND kind IN ('supply_short', 'promise_late') ORDER BY kind, reference;

-- Closed by hand, once; met again, it is a new one.
SELECT exception_id AS e FROM usom.exceptions WHERE kind = 'run_stopped' AND open \gset
SELECT usom.resolve_exception(:e, 'started again');
SELECT open, resolution FROM usom.exceptions WHERE exception_id = :e;
DO $$ BEGIN PERFORM usom.resolve_exception((SELECT exception_id FROM usom.exceptions WHERE kind = 'run_stopped'), 'again');
EXCEPTION WHEN SQLSTATE 'US115' THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N'); END $$;
SELECT usom._raise_case(NULL, NULL, 'run_stopped', 'nightly', 'the run stopped');
SELECT count(*) AS cases, count(*) FILTER (WHERE open) AS open FROM usom.exceptions WHERE kind = 'run_stopped';

-- Nothing is written past the functions, and no card number anywhere.
UPDATE usom.exception_case SET resolved_at = now();
DELETE FROM usom.event;
SELECT usom.resolve_exception(1, 'paid by 4111111111111111');
SELECT usom.resolve_exception(1, NULL);
ROLLBACK;
