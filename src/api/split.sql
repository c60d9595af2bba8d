CREATE FUNCTION usom.split_backorder(order_no text, line_no integer, schedule jsonb DEFAULT NULL)
RETURNS TABLE (piece_no integer, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_split_backorder'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.split_backorder(text, integer, jsonb) IS
'Cut what waits of a line into dated parts, as agreed with the customer or as it will come. What is reserved is there already and is not cut; price and total of the line stay.
order_no, line_no: the line. schedule: parts, as [{"quantity": 4000, "promised_at": "2027-02-01"}], at most what waits; the rest stays without an agreed date. Or a production rate, {"rate": {"quantity": 4000, "every": "1 month", "from": "2027-02-01"}}, for what counts on no supply, the rest in the last part (from: one interval from now, if left out). Null: as expected supply will come.
Each part counts on supply, the one agreed for the earliest date first; it is promised for its agreed date, or for that of its supply if that is later.
Returns the pieces of the line that wait. The order history has an event split; a line that is promised for another date an event promise_changed.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US603 nothing of the line waits, 22023 for a schedule that is none, is past or has more than waits, or a line that is taken whole.
Example: SELECT * FROM usom.split_backorder(''SO-000001'', 1, ''[{"quantity": 12000, "promised_at": "2030-03-01"}, {"quantity": 8000, "promised_at": "2030-04-01"}]'');';

CREATE FUNCTION usom.merge_backorder(order_no text, line_no integer)
RETURNS TABLE (piece_no integer, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_merge_backorder'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.merge_backorder(text, integer) IS
'The parts of a line that wait become one again: agreed dates are gone, and it counts on expected supply, the earliest first.
order_no, line_no: the line. Returns the pieces of the line that wait: as many as it counts on supplies, and what counts on none.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US603 nothing of the line waits.
Example: SELECT * FROM usom.merge_backorder(''SO-000001'', 1);';

CREATE FUNCTION usom.split_order(order_no text, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_split_order'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.split_order(text, jsonb, text) IS
'What waits of an order becomes an order of its own, with a number of its own: returns that number. usom.orders.parent_order_no of the new order names the old one; what becomes of one is no concern of the other: cancelling the old one leaves the new one.
order_no: the order. lines: units that wait, as [{"line_no": 1, "quantity": 2}]; null: all that wait. Of a line, what is promised last goes first. reason: why, for the history of both and the audit.
The units are cancelled where they were ordered, and ordered by the new order at the same price, with their shares of discount, freight and tax: both together cost what the old one cost, to the last minor unit. They go on counting on the supply they counted on, with the same promise; open exceptions about it go with them. Customer, channel, address, priority, dates, terms of payment and turn (placed_at) are those of the old order.
Not taken along: holds, approvals, payments and authorisations, coupons (their discount is), the external_id, and instructions of guests.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US108 for lines that are none, US113 a component, US119 fewer wait, nothing would be left, a kit, a line that is taken whole, or one with a make order, a supply of its own or a pre-order offer.
Example: SELECT usom.split_order(''SO-000001'', ''[{"line_no": 1, "quantity": 8000}]'', ''the rest is billed apart'');';
