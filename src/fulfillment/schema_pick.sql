-- step 3
-- A status in it costs an order one entry a step, and finds what is under way among all that ever was. In words, as views and people ask.
CREATE INDEX sales_order_open ON usom.sales_order (org_id, usom._status_text(status), sales_order_id)
	WHERE usom._status_text(status) = ANY ('{draft,submitted,confirmed,processing,partially_shipped}');

CREATE TABLE usom.bin (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	bin_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	code text NOT NULL CONSTRAINT bin_code_given CHECK (code <> ''),
	zone text NOT NULL DEFAULT '',
	sequence integer NOT NULL DEFAULT 0,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, bin_id),
	CONSTRAINT bin_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT bin_code_unique UNIQUE (org_id, location_id, code)
);
COMMENT ON TABLE usom.bin IS 'A place in a location that goods are picked from. Stock is kept by location and lot, not by bin: bins say where to walk.';
COMMENT ON COLUMN usom.bin.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.bin.bin_id IS 'Key.';
COMMENT ON COLUMN usom.bin.location_id IS 'Location, see usom.location_id().';
COMMENT ON COLUMN usom.bin.code IS 'What stands on the shelf, and is scanned; once in a location.';
COMMENT ON COLUMN usom.bin.zone IS 'Part of the location; wave rules may take one alone.';
COMMENT ON COLUMN usom.bin.sequence IS 'Way through the zone: lower is passed first; of equal ones the code decides.';
COMMENT ON COLUMN usom.bin.active IS 'Off: on no pick list that is planned from now on.';
COMMENT ON COLUMN usom.bin.created_at IS 'When the row was made.';

CREATE TABLE usom.bin_product (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	bin_product_id bigint NOT NULL DEFAULT usom.next_id(),
	bin_id bigint NOT NULL,
	product_id bigint NOT NULL,
	PRIMARY KEY (org_id, bin_product_id),
	CONSTRAINT bin_product_of_bin FOREIGN KEY (org_id, bin_id) REFERENCES usom.bin ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT bin_product_once UNIQUE (org_id, product_id, bin_id)
);
COMMENT ON TABLE usom.bin_product IS 'Which products lie in which bins. Of several bins of a location the pick list names the first on the way; a picker may take from any.';
COMMENT ON COLUMN usom.bin_product.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.bin_product.bin_product_id IS 'Key.';
COMMENT ON COLUMN usom.bin_product.bin_id IS 'Bin.';
COMMENT ON COLUMN usom.bin_product.product_id IS 'Product, see usom.product_id().';

CREATE TABLE usom.wave_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	wave_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT wave_rule_code_given CHECK (code <> ''),
	name text,
	zone text,
	channel text,
	lines text NOT NULL DEFAULT 'any' CONSTRAINT wave_rule_lines_known CHECK (lines IN ('any', 'single', 'multi')),
	priority_to integer,
	carrier text,
	cut_off time,
	max_orders integer CONSTRAINT wave_rule_max_orders_positive CHECK (max_orders > 0),
	max_tasks integer CONSTRAINT wave_rule_max_tasks_positive CHECK (max_tasks > 0),
	max_units usom.positive_quantity,
	sequence_by text NOT NULL DEFAULT 'bin' CONSTRAINT wave_rule_sequence_by_known CHECK (sequence_by IN ('bin', 'order')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, wave_rule_id),
	CONSTRAINT wave_rule_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.wave_rule IS 'What a wave takes of what is released at a location: all conditions must fit.';
COMMENT ON COLUMN usom.wave_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.wave_rule.wave_rule_id IS 'Key.';
COMMENT ON COLUMN usom.wave_rule.code IS 'What usom.plan_wave() names.';
COMMENT ON COLUMN usom.wave_rule.name IS 'Name for people.';
COMMENT ON COLUMN usom.wave_rule.zone IS 'Units whose bin is in this zone alone; null: of all.';
COMMENT ON COLUMN usom.wave_rule.channel IS 'Code of the channel of the orders; null: any.';
COMMENT ON COLUMN usom.wave_rule.lines IS 'single: orders with one piece to pick at the location; multi: with several; any.';
COMMENT ON COLUMN usom.wave_rule.priority_to IS 'Orders of this priority and more urgent ones; null: any.';
COMMENT ON COLUMN usom.wave_rule.carrier IS 'Who fetches what the wave holds: goods of a handling class that this carrier may not take are left for another wave; null: anybody.';
COMMENT ON COLUMN usom.wave_rule.cut_off IS 'Local time at the location at which it is fetched. The wave leaves at the next such time, and takes what is to leave by that day; null: at no time, and takes all.';
COMMENT ON COLUMN usom.wave_rule.max_orders IS 'Orders at most; null: no limit.';
COMMENT ON COLUMN usom.wave_rule.max_tasks IS 'Pick tasks at most, orders taken whole, one in any case; null: no limit.';
COMMENT ON COLUMN usom.wave_rule.max_units IS 'Units at most, orders taken whole, one in any case; null: no limit.';
COMMENT ON COLUMN usom.wave_rule.sequence_by IS 'bin: one walk for all orders; order: order by order, each in the sequence of the bins.';
COMMENT ON COLUMN usom.wave_rule.active IS 'Off: plans no more waves.';
COMMENT ON COLUMN usom.wave_rule.created_at IS 'When the row was made.';

CREATE TABLE usom.wave (
	org_id bigint NOT NULL,
	wave_id bigint NOT NULL DEFAULT usom.next_id(),
	wave_no text NOT NULL,
	location_id bigint NOT NULL,
	wave_rule text,
	carrier text,
	leaves_at timestamptz,
	orders integer NOT NULL CONSTRAINT wave_of_orders CHECK (orders > 0),
	tasks integer NOT NULL CONSTRAINT wave_of_tasks CHECK (tasks >= orders),
	units usom.positive_quantity NOT NULL,
	planned_at timestamptz NOT NULL DEFAULT now(),
	planned_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, wave_id),
	CONSTRAINT wave_no_unique UNIQUE (org_id, wave_no)
);
COMMENT ON TABLE usom.wave IS 'Work of a location that is picked together. Written once; how far it is follows from its tasks.';
COMMENT ON COLUMN usom.wave.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.wave.wave_id IS 'Key.';
COMMENT ON COLUMN usom.wave.wave_no IS 'Number for people.';
COMMENT ON COLUMN usom.wave.location_id IS 'Where it is picked.';
COMMENT ON COLUMN usom.wave.wave_rule IS 'Code of the rule that planned it; null: none.';
COMMENT ON COLUMN usom.wave.carrier IS 'Who fetches it; null: not said.';
COMMENT ON COLUMN usom.wave.leaves_at IS 'When it is fetched; null: at no set time.';
COMMENT ON COLUMN usom.wave.orders IS 'Orders in it.';
COMMENT ON COLUMN usom.wave.tasks IS 'Tasks in it.';
COMMENT ON COLUMN usom.wave.units IS 'Units to pick when it was planned.';
COMMENT ON COLUMN usom.wave.planned_at IS 'When.';
COMMENT ON COLUMN usom.wave.planned_by IS 'Session user who planned it.';

CREATE TABLE usom.pick_task (
	org_id bigint NOT NULL,
	pick_task_id bigint NOT NULL,
	wave_id bigint NOT NULL,
	location_id bigint NOT NULL,
	leaves_at timestamptz,
	sequence integer NOT NULL,
	bin_id bigint,
	order_id bigint NOT NULL,
	channel_id bigint NOT NULL,
	line_no integer NOT NULL,
	piece_no integer NOT NULL,
	product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	quantity_picked usom.quantity NOT NULL DEFAULT 0,
	quantity_short usom.quantity NOT NULL DEFAULT 0,
	status text NOT NULL DEFAULT 'open',
	claimed_by text,
	claimed_until timestamptz,
	picked_by text,
	ended_at timestamptz,
	PRIMARY KEY (org_id, pick_task_id),
	CONSTRAINT pick_task_of_wave FOREIGN KEY (org_id, wave_id) REFERENCES usom.wave ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT pick_task_sound CHECK (usom._pick_task_sound(status, quantity, quantity_picked, quantity_short, claimed_by, claimed_until, ended_at))
) WITH (fillfactor = 70);
ALTER TABLE usom.pick_task SET (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX pick_task_free ON usom.pick_task (org_id, location_id, leaves_at, wave_id, sequence) WHERE ended_at IS NULL AND claimed_until IS NULL;
CREATE INDEX pick_task_lease ON usom.pick_task (org_id, location_id, claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX pick_task_of_picker ON usom.pick_task (org_id, claimed_by, location_id) WHERE claimed_by IS NOT NULL;
CREATE UNIQUE INDEX pick_task_once ON usom.pick_task (org_id, order_id, line_no, piece_no) WHERE status = 'open';
CREATE INDEX pick_task_of_wave ON usom.pick_task (org_id, wave_id, sequence);
COMMENT ON CONSTRAINT pick_task_sound ON usom.pick_task IS 'The status is known; no more is picked or missing than was to be picked; short if and only if something is missing; picked means units; claimed if and only if until a time; ended if and only if not open, and then claimed by nobody. One function: as expressions these rules cost a claim a seventh of its time.';
COMMENT ON TABLE usom.pick_task IS 'Units of a piece that somebody shall take off the shelf. The piece is the truth: an open task whose piece is not released at its location any more is void, whatever stands here, and ends when a picker would get it.';
COMMENT ON COLUMN usom.pick_task.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.pick_task.pick_task_id IS 'Key, and number for people.';
COMMENT ON COLUMN usom.pick_task.wave_id IS 'Wave.';
COMMENT ON COLUMN usom.pick_task.location_id IS 'Location of the wave.';
COMMENT ON COLUMN usom.pick_task.leaves_at IS 'When the wave is fetched: what leaves first is picked first; null: at no set time, last.';
COMMENT ON COLUMN usom.pick_task.sequence IS 'Place in the wave, from 1.';
COMMENT ON COLUMN usom.pick_task.bin_id IS 'Bin to pick from; null: the product has none.';
COMMENT ON COLUMN usom.pick_task.order_id IS 'Order. Not named as elsewhere: what has a sales_order_id is audited in the chain of the order, and changes under its lock alone; tasks are planned and claimed without.';
COMMENT ON COLUMN usom.pick_task.channel_id IS 'Channel of the order: who may see it sees the task.';
COMMENT ON COLUMN usom.pick_task.line_no IS 'Line.';
COMMENT ON COLUMN usom.pick_task.piece_no IS 'Piece.';
COMMENT ON COLUMN usom.pick_task.product_id IS 'Product.';
COMMENT ON COLUMN usom.pick_task.quantity IS 'Units to pick when it was planned.';
COMMENT ON COLUMN usom.pick_task.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.pick_task.quantity_short IS 'Units that were not there.';
COMMENT ON COLUMN usom.pick_task.status IS 'open, picked, short (not all was there) or void (nobody wants it from there any more).';
COMMENT ON COLUMN usom.pick_task.claimed_by IS 'Picker who works on it; null: nobody.';
COMMENT ON COLUMN usom.pick_task.claimed_until IS 'From then on others may claim it.';
COMMENT ON COLUMN usom.pick_task.picked_by IS 'Picker of the last units.';
COMMENT ON COLUMN usom.pick_task.ended_at IS 'When it was done; null: it is open.';

CREATE VIEW usom.pick_tasks WITH (security_invoker = true) AS
SELECT t.pick_task_id AS task, w.wave_no AS wave, l.code AS location, t.sequence, b.zone, b.code AS bin, p.sku, p.name, f.lot,
	o.order_no, t.line_no, t.piece_no,
	trim_scale(t.quantity) AS quantity, trim_scale(t.quantity_picked) AS quantity_picked, trim_scale(t.quantity_short) AS quantity_short,
	CASE WHEN t.status = 'open' AND f.status IS NOT NULL THEN trim_scale(least(f.quantity, t.quantity - t.quantity_picked)) ELSE 0 END AS quantity_left,
	CASE WHEN t.status = 'open' AND f.status IS NULL THEN 'void' ELSE t.status END AS status,
	CASE WHEN t.claimed_until > statement_timestamp() THEN t.claimed_by END AS picker,
	CASE WHEN t.claimed_until > statement_timestamp() THEN t.claimed_until END AS claimed_until,
	t.picked_by, t.leaves_at, t.ended_at
FROM usom.pick_task t
JOIN usom.wave w ON w.org_id = t.org_id AND w.wave_id = t.wave_id
JOIN usom.sales_order o ON o.org_id = t.org_id AND o.sales_order_id = t.order_id
LEFT JOIN usom.location l ON l.org_id = t.org_id AND l.location_id = t.location_id
LEFT JOIN usom.product p ON p.org_id = t.org_id AND p.product_id = t.product_id
LEFT JOIN usom.bin b ON b.org_id = t.org_id AND b.bin_id = t.bin_id
LEFT JOIN usom.fulfillment_line f ON f.org_id = t.org_id AND f.sales_order_id = t.order_id AND f.line_no = t.line_no
	AND f.piece_no = t.piece_no AND f.status = 'released' AND f.location_id = t.location_id AND f.product_id = t.product_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.pick_tasks IS 'Pick tasks of the caller''s organisation as they stand now. A pick list is what it shows of one wave, by sequence.';
COMMENT ON COLUMN usom.pick_tasks.task IS 'Number of the task.';
COMMENT ON COLUMN usom.pick_tasks.wave IS 'Number of the wave.';
COMMENT ON COLUMN usom.pick_tasks.location IS 'Code of the location.';
COMMENT ON COLUMN usom.pick_tasks.sequence IS 'Place in the wave.';
COMMENT ON COLUMN usom.pick_tasks.zone IS 'Zone of the bin; null: no bin.';
COMMENT ON COLUMN usom.pick_tasks.bin IS 'Where to pick; null: the product has no bin.';
COMMENT ON COLUMN usom.pick_tasks.sku IS 'What to pick.';
COMMENT ON COLUMN usom.pick_tasks.name IS 'Its name.';
COMMENT ON COLUMN usom.pick_tasks.lot IS 'Lot that is kept for it; empty: none; null once nothing is left to pick.';
COMMENT ON COLUMN usom.pick_tasks.order_no IS 'Order.';
COMMENT ON COLUMN usom.pick_tasks.line_no IS 'Line.';
COMMENT ON COLUMN usom.pick_tasks.piece_no IS 'Piece.';
COMMENT ON COLUMN usom.pick_tasks.quantity IS 'Units when it was planned.';
COMMENT ON COLUMN usom.pick_tasks.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.pick_tasks.quantity_short IS 'Units that were not there.';
COMMENT ON COLUMN usom.pick_tasks.quantity_left IS 'Units to pick now.';
COMMENT ON COLUMN usom.pick_tasks.status IS 'open, picked, short or void.';
COMMENT ON COLUMN usom.pick_tasks.picker IS 'Who works on it now; null: nobody, or the lease has run out.';
COMMENT ON COLUMN usom.pick_tasks.claimed_until IS 'Until when.';
COMMENT ON COLUMN usom.pick_tasks.picked_by IS 'Who picked the last units.';
COMMENT ON COLUMN usom.pick_tasks.leaves_at IS 'When the wave is fetched; null: at no set time.';
COMMENT ON COLUMN usom.pick_tasks.ended_at IS 'When it was done.';

CREATE VIEW usom.waves WITH (security_invoker = true) AS
SELECT w.wave_no AS wave, l.code AS location, w.wave_rule AS rule, w.carrier, w.leaves_at,
	CASE WHEN n.open = 0 THEN 'done' WHEN n.begun THEN 'picking' ELSE 'planned' END AS status,
	w.orders, w.tasks, trim_scale(w.units) AS units, n.open AS tasks_open, n.short AS tasks_short, n.picked AS units_picked, n.missing AS units_short,
	w.planned_at, w.planned_by
FROM usom.wave w
LEFT JOIN usom.location l ON l.org_id = w.org_id AND l.location_id = w.location_id
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE t.status = 'open' AND f.status IS NOT NULL) AS open, count(*) FILTER (WHERE t.status = 'short') AS short,
		coalesce(bool_or(t.status IN ('picked', 'short') OR t.claimed_until > statement_timestamp() OR t.quantity_picked > 0), false) AS begun,
		coalesce(trim_scale(sum(t.quantity_picked)), 0) AS picked, coalesce(trim_scale(sum(t.quantity_short)), 0) AS missing
	FROM usom.pick_task t
	LEFT JOIN usom.fulfillment_line f ON f.org_id = t.org_id AND f.sales_order_id = t.order_id AND f.line_no = t.line_no
		AND f.piece_no = t.piece_no AND f.status = 'released' AND f.location_id = t.location_id AND f.product_id = t.product_id
	WHERE t.org_id = w.org_id AND t.wave_id = w.wave_id) n
WHERE w.org_id = usom.current_org();
COMMENT ON VIEW usom.waves IS 'Waves of the caller''s organisation, and how far they are.';
COMMENT ON COLUMN usom.waves.wave IS 'Number of the wave.';
COMMENT ON COLUMN usom.waves.location IS 'Code of the location.';
COMMENT ON COLUMN usom.waves.rule IS 'Rule that planned it; null: none.';
COMMENT ON COLUMN usom.waves.carrier IS 'Who fetches it; null: not said.';
COMMENT ON COLUMN usom.waves.leaves_at IS 'When it is fetched; null: at no set time.';
COMMENT ON COLUMN usom.waves.status IS 'planned; picking, from the first claim or pick on; done, when no task is open.';
COMMENT ON COLUMN usom.waves.orders IS 'Orders in it.';
COMMENT ON COLUMN usom.waves.tasks IS 'Tasks in it.';
COMMENT ON COLUMN usom.waves.units IS 'Units to pick when it was planned.';
COMMENT ON COLUMN usom.waves.tasks_open IS 'Tasks that somebody still has to do.';
COMMENT ON COLUMN usom.waves.tasks_short IS 'Tasks of which not all was there.';
COMMENT ON COLUMN usom.waves.units_picked IS 'Units picked.';
COMMENT ON COLUMN usom.waves.units_short IS 'Units that were not there.';
COMMENT ON COLUMN usom.waves.planned_at IS 'When it was planned.';
COMMENT ON COLUMN usom.waves.planned_by IS 'Session user who planned it.';

SELECT usom._guard_cards('bin');
SELECT usom._guard_cards('wave_rule');
SELECT usom._guard_cards('wave');
SELECT usom._guard_master('bin', 'code');
SELECT usom._guard_master('wave_rule', 'code');
SELECT usom._guard_kept('wave', 'usom.plan_wave()');
SELECT usom._guard_kept('pick_task', 'usom.claim_picks(), usom.confirm_pick() or usom.short_pick()');
SELECT usom._audit_table('bin');
SELECT usom._audit_table('bin_product');
SELECT usom._audit_table('wave_rule');
SELECT usom._audit_table('wave');
SELECT usom._audit_table('pick_task');
