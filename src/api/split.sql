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
