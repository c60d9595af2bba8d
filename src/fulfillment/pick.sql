CREATE FUNCTION usom._pick_task_sound(status text, quantity numeric, quantity_picked numeric, quantity_short numeric,
	claimed_by text, claimed_until timestamptz, ended_at timestamptz) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__pick_task_sound';
COMMENT ON FUNCTION usom._pick_task_sound(text, numeric, numeric, numeric, text, timestamptz, timestamptz) IS
'What must hold of a row of pick_task, see its constraint pick_task_sound. Arguments: its columns.';
REVOKE ALL ON FUNCTION usom._pick_task_sound(text, numeric, numeric, numeric, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._pick_task_sound(text, numeric, numeric, numeric, text, timestamptz, timestamptz) TO PUBLIC;

CREATE FUNCTION usom.plan_wave(location text, rule text DEFAULT NULL)
RETURNS TABLE (wave text, orders integer, tasks integer, units numeric, leaves_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_plan_wave'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.plan_wave(text, text) IS
'Make pick tasks of what is released at a location and in no wave yet: one for each piece, in the sequence in which one walks past the bins.
location: its code. rule: code of a row of usom.wave_rule, which says what the wave takes, how much, and when it is fetched; null: all that is released, orders that are more urgent first.
With a limit, orders are taken whole, by priority, then as they were placed. A rule with a cut_off leaves at the next such time at the clock of the location and takes what is to leave by that day.
Returns the number of the wave, how many orders, tasks and units are in it, and when it leaves (null: at no set time). With nothing to pick there is no wave: its number is null.
Errors: US006 unknown location or rule, or the rule is off.
Example: SELECT * FROM usom.plan_wave(''MAIN'', ''EXPRESS'');';

CREATE FUNCTION usom.claim_picks(location text, picker text, tasks integer DEFAULT 1, lease interval DEFAULT '15 minutes', wave text DEFAULT NULL)
RETURNS TABLE (task bigint, wave_no text, sequence integer, zone text, bin text, sku text, name text, lot text, quantity numeric, order_no text, line_no integer,
	claimed_until timestamptz, leaves_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_claim_picks'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.claim_picks(text, text, integer, interval, text) IS
'Give a picker tasks of a location, until he has so many: those he has already, with a new lease, then the next ones in sequence. Two pickers never get the same, and nobody waits for another.
location: its code. picker: name of the person or the cart. tasks: how many he shall have in all, 1 to 1000. lease: from its end on others may claim what he has not confirmed. wave: of that wave alone; null: waves that leave first come first.
Returns the tasks in sequence, with units to pick now (quantity) and the lot that is kept for them. None: there is no work.
A repeated call answers the same. A task that nobody wants any more (cancelled, shipped, served from elsewhere) ends here.
Errors: US006 unknown location, US614 unknown wave, 22023 a number out of bounds.
Example: SELECT * FROM usom.claim_picks(''MAIN'', ''cart 7'', 20);';

CREATE FUNCTION usom.unclaim_picks(location text, picker text, task bigint DEFAULT NULL)
RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_unclaim_picks'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.unclaim_picks(text, text, bigint) IS
'Give tasks back before their lease ends: others may claim them at once.
location: its code. picker: as in usom.claim_picks(). task: number of one; null: all that the picker has there.
Returns how many were given back.
Errors: US006 unknown location.
Example: SELECT usom.unclaim_picks(''MAIN'', ''cart 7'');';

CREATE FUNCTION usom.confirm_pick(task bigint, quantity numeric DEFAULT NULL, picker text DEFAULT NULL, sku text DEFAULT NULL, bin text DEFAULT NULL, lot text DEFAULT NULL,
	serials text[] DEFAULT NULL)
RETURNS TABLE (status text, quantity_picked numeric, quantity_short numeric, quantity_left numeric, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_confirm_pick'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.confirm_pick(bigint, numeric, text, text, text, text, text[]) IS
'Note that units of a pick task are off the shelf and on the cart. They stay reserved until they leave.
task: its number. quantity: units of the task that are picked by now, in all, so that a repeated call changes nothing; null: all. picker: who does it; another one than who claimed it is refused while the lease lasts. sku, bin: as scanned; null: not scanned. lot: the lot that they are taken from, if it is another than the one that was kept; it must be there, free, and usable. serials: numbers of the units that are picked now, where they have some; null: those that are assigned to the line.
Returns the status of the task (open, picked, short or void), units picked, units that were missing, units left to pick, and the status of the order.
Errors: US610 unknown task, US611 fewer than are picked already, or more than are left: the order was cancelled or changed meanwhile, US612 another picker works on it, US613 another product or bin was scanned, US211 the lot is not there, expired or blocked, US201 too few of it are free, US212 a serial number is another''s.
Example: SELECT * FROM usom.confirm_pick(4711, sku => ''85123A'');';

CREATE FUNCTION usom.pick(order_no text, lines jsonb DEFAULT NULL, location text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_pick'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.pick(text, jsonb, text) IS
'Note that released units of an order are off the shelf, where picking goes by order and not by wave. They stay reserved until they leave.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product, entries of one line add up; with "lot" and "serials" where the units taken are of others than were kept; null: all that is released. location: what is released there alone; null: anywhere.
Returns the status and version of the order, unchanged if all was picked before.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US006 unknown location, US611 more than is released, US211, US201, US212 for a lot or a serial number that cannot be had, US101 the order is not running, US603 nothing is released.
Example: SELECT * FROM usom.pick(''SO-000001'', location => ''MAIN'');';

CREATE FUNCTION usom.verify_picks() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		SELECT 'picks', format('wave %s', w.wave_no), c.problem, c.expected, c.actual
		FROM usom.wave w
		CROSS JOIN LATERAL (
			SELECT count(*) AS tasks, count(DISTINCT t.order_id) AS orders, coalesce(sum(t.quantity), 0) AS units,
				count(*) FILTER (WHERE t.location_id <> w.location_id OR t.leaves_at IS DISTINCT FROM w.leaves_at) AS strange
			FROM usom.pick_task t WHERE t.org_id = org AND t.wave_id = w.wave_id) n
		CROSS JOIN LATERAL (VALUES
			('does not count its tasks', n.tasks::text, w.tasks::text), ('does not count its orders', n.orders::text, w.orders::text),
			('does not count its units', trim_scale(n.units)::text, trim_scale(w.units)::text),
			('has tasks of another place or time', '0', n.strange::text)) c (problem, expected, actual)
		WHERE w.org_id = org AND c.expected <> c.actual;
	RETURN QUERY
		-- a line may be removed once its units are back on the shelf
		SELECT 'picks', format('task %s', t.pick_task_id), 'is about an order that there is not', 'a row of sales_order', '#' || t.order_id
		FROM usom.pick_task t
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = t.order_id
		WHERE t.org_id = org AND o.sales_order_id IS NULL;
	RETURN QUERY
		SELECT 'picks', format('task %s', t.pick_task_id), 'names a bin of another location', coalesce('#' || t.location_id, ''), coalesce('#' || b.location_id, 'none')
		FROM usom.pick_task t
		LEFT JOIN usom.bin b ON b.org_id = org AND b.bin_id = t.bin_id
		WHERE t.org_id = org AND t.bin_id IS NOT NULL AND b.location_id IS DISTINCT FROM t.location_id;
	RETURN QUERY
		SELECT 'picks', format('product of bin %s', b.code), 'is not there', 'a row of product', '#' || p.product_id
		FROM usom.bin_product p
		JOIN usom.bin b ON b.org_id = org AND b.bin_id = p.bin_id
		LEFT JOIN usom.product r ON r.org_id = org AND r.product_id = p.product_id
		WHERE p.org_id = org AND r.product_id IS NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_picks() IS
'What waves say of their tasks, recomputed: tasks, orders, units, place and time; they are of orders that there are; bins are of the location of the task, and hold products that there are. That tasks are about pieces that are to be picked is read, not kept. One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_picks();';
