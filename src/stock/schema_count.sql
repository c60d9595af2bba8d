-- step 3
CREATE TABLE usom.count_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	count_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT count_rule_code_given CHECK (code <> ''),
	location text,
	sku text,
	category text,
	every interval NOT NULL DEFAULT interval '90 days' CONSTRAINT count_rule_every_positive CHECK (every > interval '0'),
	tolerance_units usom.quantity NOT NULL DEFAULT 0,
	tolerance_percent numeric(5,2) NOT NULL DEFAULT 0 CONSTRAINT count_rule_tolerance_is_share CHECK (tolerance_percent BETWEEN 0 AND 100),
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, count_rule_id),
	CONSTRAINT count_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT count_rule_sku_or_category CHECK (sku IS NULL OR category IS NULL)
);
COMMENT ON TABLE usom.count_rule IS 'How often stock is counted, and which differences are booked without a second count. The first rule by priority and code that fits is the one: A goods every month, the others once a quarter.';
COMMENT ON COLUMN usom.count_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.count_rule.count_rule_id IS 'Key.';
COMMENT ON COLUMN usom.count_rule.code IS 'Name of the rule.';
COMMENT ON COLUMN usom.count_rule.location IS 'Code of the location; null: all.';
COMMENT ON COLUMN usom.count_rule.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.count_rule.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.count_rule.every IS 'Time from one count to the next.';
COMMENT ON COLUMN usom.count_rule.tolerance_units IS 'A difference of so many units is booked at once ...';
COMMENT ON COLUMN usom.count_rule.tolerance_percent IS '... or of so many per cent of the book, whichever is more.';
COMMENT ON COLUMN usom.count_rule.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.count_rule.active IS 'Off: not asked any more.';
COMMENT ON COLUMN usom.count_rule.created_at IS 'When the row was made.';

CREATE TABLE usom.count_task (
	org_id bigint NOT NULL,
	count_task_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	product_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	status text NOT NULL DEFAULT 'open' CONSTRAINT count_task_status_known CHECK (status IN ('open', 'recount', 'done')),
	book usom.quantity,
	counted usom.quantity,
	first_difference numeric(18,6),
	difference numeric(18,6),
	tolerance usom.quantity,
	times integer NOT NULL DEFAULT 0,
	planned_at timestamptz NOT NULL DEFAULT now(),
	counted_at timestamptz,
	counted_by text,
	PRIMARY KEY (org_id, count_task_id),
	CONSTRAINT count_task_counted_iff_not_open CHECK ((status = 'open') = (counted_at IS NULL) AND num_nulls(book, counted, first_difference, difference, tolerance, counted_at, counted_by) IN (0, 7)),
	CONSTRAINT count_task_difference_of_both CHECK (difference = counted - book)
);
CREATE UNIQUE INDEX count_task_one_at_a_time ON usom.count_task (org_id, location_id, product_id, lot) WHERE status IN ('open', 'recount');
CREATE INDEX count_task_of_stock ON usom.count_task (org_id, location_id, product_id, lot, counted_at) WHERE status = 'done';
COMMENT ON TABLE usom.count_task IS 'What is to be counted, and what was: one open task a row of stock, written under the lock of that row.';
COMMENT ON COLUMN usom.count_task.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.count_task.count_task_id IS 'Key.';
COMMENT ON COLUMN usom.count_task.location_id IS 'Location.';
COMMENT ON COLUMN usom.count_task.product_id IS 'Product.';
COMMENT ON COLUMN usom.count_task.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.count_task.status IS 'open: to be counted; recount: to be counted again; done: booked.';
COMMENT ON COLUMN usom.count_task.book IS 'Units on hand by the book, when it was counted last.';
COMMENT ON COLUMN usom.count_task.counted IS 'Units that were counted then.';
COMMENT ON COLUMN usom.count_task.first_difference IS 'Counted less book, when it was counted first.';
COMMENT ON COLUMN usom.count_task.difference IS 'Counted less book, when it was counted last: what was booked.';
COMMENT ON COLUMN usom.count_task.tolerance IS 'Units of difference that were booked without a second count.';
COMMENT ON COLUMN usom.count_task.times IS 'How often it was counted.';
COMMENT ON COLUMN usom.count_task.planned_at IS 'When it was planned, or counted without a plan.';
COMMENT ON COLUMN usom.count_task.counted_at IS 'When it was counted last.';
COMMENT ON COLUMN usom.count_task.counted_by IS 'Session user who told the count.';

CREATE VIEW usom.counts WITH (security_invoker = true) AS
SELECT o.code AS location, p.sku, t.lot, t.status, trim_scale(t.book) AS book, trim_scale(t.counted) AS counted,
	trim_scale(t.difference) AS difference, trim_scale(t.first_difference) AS first_difference, trim_scale(t.tolerance) AS tolerance,
	t.times, t.planned_at, t.counted_at, t.counted_by
FROM usom.count_task t
JOIN usom.product p ON p.org_id = t.org_id AND p.product_id = t.product_id
JOIN usom.location o ON o.org_id = t.org_id AND o.location_id = t.location_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.counts IS 'What is to be counted (status open and recount), and what was.';
COMMENT ON COLUMN usom.counts.location IS 'Location.';
COMMENT ON COLUMN usom.counts.sku IS 'Product.';
COMMENT ON COLUMN usom.counts.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.counts.status IS 'open: to be counted; recount: to be counted again; done: booked.';
COMMENT ON COLUMN usom.counts.book IS 'Units on hand by the book, when it was counted last; null: not yet. Counters had better not see usom.stock_position.';
COMMENT ON COLUMN usom.counts.counted IS 'Units that were counted then.';
COMMENT ON COLUMN usom.counts.difference IS 'Counted less book then.';
COMMENT ON COLUMN usom.counts.first_difference IS 'Counted less book, when it was counted first.';
COMMENT ON COLUMN usom.counts.tolerance IS 'Units of difference that are booked without a second count.';
COMMENT ON COLUMN usom.counts.times IS 'How often it was counted.';
COMMENT ON COLUMN usom.counts.planned_at IS 'When it was planned, or counted without a plan.';
COMMENT ON COLUMN usom.counts.counted_at IS 'When it was counted last.';
COMMENT ON COLUMN usom.counts.counted_by IS 'Session user who told the count.';

CREATE VIEW usom.stock_accuracy WITH (security_invoker = true) AS
SELECT o.code AS location, date_trunc('month', t.counted_at AT TIME ZONE o.time_zone)::date AS month,
	count(*) AS lines, count(*) FILTER (WHERE t.first_difference = 0) AS exact_lines,
	count(*) FILTER (WHERE abs(t.first_difference) <= t.tolerance) AS accurate_lines,
	round(100.0 * count(*) FILTER (WHERE abs(t.first_difference) <= t.tolerance) / count(*), 2) AS accuracy_percent,
	trim_scale(sum(t.counted)) AS units, trim_scale(sum(abs(t.difference))) AS units_off,
	CASE WHEN sum(t.counted) > 0 THEN round(greatest(100 - 100 * sum(abs(t.difference)) / sum(t.counted), 0), 2) END AS unit_accuracy_percent
FROM usom.count_task t
JOIN usom.location o ON o.org_id = t.org_id AND o.location_id = t.location_id
WHERE t.org_id = usom.current_org() AND t.status = 'done'
GROUP BY o.code, 2;
COMMENT ON VIEW usom.stock_accuracy IS 'How right the book was, by location and month (at its clock) of the counts. A line is accurate if its first count was within its tolerance: inventory record accuracy as warehouses report it.';
COMMENT ON COLUMN usom.stock_accuracy.location IS 'Location.';
COMMENT ON COLUMN usom.stock_accuracy.month IS 'First day of the month.';
COMMENT ON COLUMN usom.stock_accuracy.lines IS 'Products and lots that were counted and settled.';
COMMENT ON COLUMN usom.stock_accuracy.exact_lines IS 'Of them, those that were as the book said.';
COMMENT ON COLUMN usom.stock_accuracy.accurate_lines IS 'Of them, those that were within tolerance when they were counted first.';
COMMENT ON COLUMN usom.stock_accuracy.accuracy_percent IS 'accurate_lines of 100 lines.';
COMMENT ON COLUMN usom.stock_accuracy.units IS 'Units that were counted.';
COMMENT ON COLUMN usom.stock_accuracy.units_off IS 'Units too many and units missing, added up.';
COMMENT ON COLUMN usom.stock_accuracy.unit_accuracy_percent IS '100 less units_off of 100 units counted, 0 at least; null: nothing was there.';

SELECT usom._guard_cards('count_rule');
SELECT usom._guard_master('count_rule', 'code');
SELECT usom._guard_kept('count_task', 'usom.plan_count() or usom.record_count()');
SELECT usom._audit_table('count_rule');
SELECT usom._audit_table('count_task');
