CREATE FUNCTION usom.plan_count(location text, lines integer DEFAULT 50) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_plan_count'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.plan_count(text, integer) IS
'What is to be counted next at a location: products and lots on its shelf that were never counted, then those that are overdue longest by their rule in usom.count_rule (every). What no rule is for is always due. They stand open in usom.counts until usom.record_count() settles them; what is open already is not planned again.
location: its code. lines: at most so many.
Returns how many were planned.
Errors: US006 unknown location, 22023 for lines below 1.
Example: SELECT usom.plan_count(''MAIN'', 20); SELECT sku, lot FROM usom.counts WHERE location = ''MAIN'' AND status = ''open'';';

CREATE FUNCTION usom.record_count(location text, sku text, counted numeric, lot text DEFAULT NULL, final boolean DEFAULT false)
RETURNS TABLE (status text, book numeric, counted numeric, difference numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_count'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_count(text, text, numeric, text, boolean) IS
'Somebody counted: planned by usom.plan_count() or not. A difference from the book within the tolerance of its rule (usom.count_rule: units, or per cent of the book; none without a rule) is booked as with count_stock(). A larger one is not: the line is to be counted again, and booked when the next count finds the same difference, whatever came or went meanwhile.
location, sku, lot: where and what, as in count_stock(). counted: units on the shelf. final: book it, whatever the tolerance.
Returns status (done: it is booked; recount: count again), what the book said, what was counted, and the difference.
Errors: US201 if fewer were counted than are picked and packed, US210 a product that is tracked by serial number differs, US006 unknown code, US203 a service, 22023 a quantity that is none or a lot that must be named.
Example: SELECT * FROM usom.record_count(''MAIN'', ''85123A'', 97);';
