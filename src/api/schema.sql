-- step 1
CREATE TRIGGER usom_order_inserted AFTER INSERT ON usom.sales_order REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
CREATE TRIGGER usom_order_updated AFTER UPDATE ON usom.sales_order REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_order_inserted, ENABLE ALWAYS TRIGGER usom_order_updated;

CREATE TRIGGER usom_switch_counter BEFORE UPDATE ON usom.document_counter
	FOR EACH ROW WHEN (OLD.gap_free IS DISTINCT FROM NEW.gap_free) EXECUTE FUNCTION usom.switch_counter();

CREATE TABLE usom.allocation_run (
	org_id bigint NOT NULL,
	allocation_run_id bigint NOT NULL DEFAULT usom.next_id(),
	filter jsonb NOT NULL,
	batch_size integer NOT NULL CONSTRAINT allocation_run_batch_sane CHECK (batch_size BETWEEN 1 AND 10000),
	orders bigint NOT NULL DEFAULT 0 CONSTRAINT allocation_run_orders_not_negative CHECK (orders >= 0),
	orders_done bigint NOT NULL DEFAULT 0,
	units usom.quantity NOT NULL DEFAULT 0,
	reached_priority integer,
	reached_placed_at timestamptz,
	reached_key bigint,
	started_at timestamptz NOT NULL DEFAULT now(),
	started_by text NOT NULL DEFAULT session_user,
	worked_at timestamptz NOT NULL DEFAULT now(),
	ended_at timestamptz,
	PRIMARY KEY (org_id, allocation_run_id),
	CONSTRAINT allocation_run_does_not_pass_its_end CHECK (orders_done BETWEEN 0 AND orders),
	CONSTRAINT allocation_run_reached_whole_key CHECK ((reached_key IS NULL) = (reached_priority IS NULL) AND (reached_key IS NULL) = (reached_placed_at IS NULL)),
	CONSTRAINT allocation_run_ended_iff_done CHECK ((ended_at IS NOT NULL) = (orders_done = orders))
);
CREATE INDEX allocation_run_unfinished ON usom.allocation_run (org_id, allocation_run_id) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.allocation_run IS 'Runs of usom.allocate_orders() and how far they are. Who works on a run has its row locked until the chunk commits.';
COMMENT ON COLUMN usom.allocation_run.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.allocation_run.allocation_run_id IS 'Key.';
COMMENT ON COLUMN usom.allocation_run.filter IS 'Which orders, as given.';
COMMENT ON COLUMN usom.allocation_run.batch_size IS 'Orders of a chunk, planned together and committed.';
COMMENT ON COLUMN usom.allocation_run.orders IS 'How many there were when it began, or was taken up again.';
COMMENT ON COLUMN usom.allocation_run.orders_done IS 'How many of them are done.';
COMMENT ON COLUMN usom.allocation_run.units IS 'Units that got stock.';
COMMENT ON COLUMN usom.allocation_run.reached_priority IS 'Priority of the order that was done last; null: none yet.';
COMMENT ON COLUMN usom.allocation_run.reached_placed_at IS 'When that order was placed.';
COMMENT ON COLUMN usom.allocation_run.reached_key IS 'Its key.';
COMMENT ON COLUMN usom.allocation_run.started_at IS 'When it began.';
COMMENT ON COLUMN usom.allocation_run.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.allocation_run.worked_at IS 'When its last chunk was committed.';
COMMENT ON COLUMN usom.allocation_run.ended_at IS 'When it was done; null: it goes on, or was broken off.';

CREATE VIEW usom.allocation_runs WITH (security_invoker = true) AS
SELECT r.allocation_run_id AS run, r.filter, r.batch_size, r.orders, r.orders_done,
	CASE WHEN r.orders > 0 THEN (100 * r.orders_done / r.orders)::integer ELSE 100 END AS percent,
	trim_scale(r.units) AS units, r.started_at, r.started_by, r.worked_at, r.ended_at
FROM usom.allocation_run r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.allocation_runs IS 'Runs of usom.allocate_orders() of the caller''s organisation and how far they are.';
COMMENT ON COLUMN usom.allocation_runs.run IS 'What allocate_orders(resume => ...) takes.';
COMMENT ON COLUMN usom.allocation_runs.filter IS 'Which orders.';
COMMENT ON COLUMN usom.allocation_runs.batch_size IS 'Orders of a chunk.';
COMMENT ON COLUMN usom.allocation_runs.orders IS 'How many orders there are to do.';
COMMENT ON COLUMN usom.allocation_runs.orders_done IS 'How many are done.';
COMMENT ON COLUMN usom.allocation_runs.percent IS 'The same in percent, rounded down.';
COMMENT ON COLUMN usom.allocation_runs.units IS 'Units that got stock.';
COMMENT ON COLUMN usom.allocation_runs.started_at IS 'When it began.';
COMMENT ON COLUMN usom.allocation_runs.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.allocation_runs.worked_at IS 'When its last chunk was committed.';
COMMENT ON COLUMN usom.allocation_runs.ended_at IS 'When it was done; null: it goes on, or was broken off.';

SELECT usom._guard_cards('allocation_run');
SELECT usom._guard_kept('allocation_run', 'usom.allocate_orders()');
SELECT usom._audit_table('allocation_run');

CREATE TABLE usom.make_order (
	org_id bigint NOT NULL,
	make_order_id bigint NOT NULL DEFAULT usom.next_id(),
	make_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	due_at timestamptz,
	status text NOT NULL CONSTRAINT make_order_status_known CHECK (status IN ('requested', 'engineering', 'approved', 'in_production', 'received', 'cancelled')),
	note text,
	supply_id bigint,
	requested_at timestamptz NOT NULL DEFAULT now(),
	requested_by text NOT NULL DEFAULT session_user,
	approved_at timestamptz,
	approved_by text,
	started_at timestamptz,
	ended_at timestamptz,
	PRIMARY KEY (org_id, make_order_id),
	CONSTRAINT make_order_no_unique UNIQUE (org_id, make_no),
	CONSTRAINT make_order_approved_iff_by CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
	CONSTRAINT make_order_started_iff_supply CHECK ((started_at IS NULL) = (supply_id IS NULL)),
	CONSTRAINT make_order_started_if_in_production CHECK (status NOT IN ('in_production', 'received') OR started_at IS NOT NULL),
	CONSTRAINT make_order_ended_iff_over CHECK ((status IN ('received', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX make_order_of_line ON usom.make_order (org_id, sales_order_id, line_no);
COMMENT ON TABLE usom.make_order IS 'What is made for an order line: requested, or approved by engineering first, then in production with a supply of its own, then received.';
COMMENT ON COLUMN usom.make_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.make_order.make_order_id IS 'Key.';
COMMENT ON COLUMN usom.make_order.make_no IS 'Number for people.';
COMMENT ON COLUMN usom.make_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.make_order.line_no IS 'Line.';
COMMENT ON COLUMN usom.make_order.product_id IS 'Product.';
COMMENT ON COLUMN usom.make_order.location_id IS 'Where it is made and received.';
COMMENT ON COLUMN usom.make_order.quantity IS 'Units.';
COMMENT ON COLUMN usom.make_order.due_at IS 'When it is needed; null: not said.';
COMMENT ON COLUMN usom.make_order.status IS 'requested, engineering, approved, in_production, received or cancelled.';
COMMENT ON COLUMN usom.make_order.note IS 'What engineering decided, or why it was cancelled.';
COMMENT ON COLUMN usom.make_order.supply_id IS 'Supply that its production is; null: not begun.';
COMMENT ON COLUMN usom.make_order.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.make_order.requested_by IS 'Session user who did.';
COMMENT ON COLUMN usom.make_order.approved_at IS 'When engineering approved it; null: it has not, or need not.';
COMMENT ON COLUMN usom.make_order.approved_by IS 'Session user who did.';
COMMENT ON COLUMN usom.make_order.started_at IS 'When production began.';
COMMENT ON COLUMN usom.make_order.ended_at IS 'When it was received to its end, or cancelled.';

CREATE VIEW usom.make_orders WITH (security_invoker = true) AS
SELECT m.make_no, o.order_no, m.line_no, p.sku, l.code AS location, trim_scale(m.quantity) AS quantity, m.due_at, m.status, m.note,
	s.supply_no, trim_scale(s.received) AS received, s.expected_at, m.requested_at, m.requested_by, m.approved_at, m.approved_by,
	m.started_at, m.ended_at
FROM usom.make_order m
JOIN usom.sales_order o ON o.org_id = m.org_id AND o.sales_order_id = m.sales_order_id
JOIN usom.product p ON p.org_id = m.org_id AND p.product_id = m.product_id
JOIN usom.location l ON l.org_id = m.org_id AND l.location_id = m.location_id
LEFT JOIN usom.supply s ON s.org_id = m.org_id AND s.supply_id = m.supply_id
WHERE m.org_id = usom.current_org();
COMMENT ON VIEW usom.make_orders IS 'What is made for order lines of the caller''s organisation.';
COMMENT ON COLUMN usom.make_orders.make_no IS 'Number.';
COMMENT ON COLUMN usom.make_orders.order_no IS 'Order.';
COMMENT ON COLUMN usom.make_orders.line_no IS 'Line.';
COMMENT ON COLUMN usom.make_orders.sku IS 'Product.';
COMMENT ON COLUMN usom.make_orders.location IS 'Where it is made and received.';
COMMENT ON COLUMN usom.make_orders.quantity IS 'Units.';
COMMENT ON COLUMN usom.make_orders.due_at IS 'When it is needed.';
COMMENT ON COLUMN usom.make_orders.status IS 'requested, engineering, approved, in_production, received or cancelled.';
COMMENT ON COLUMN usom.make_orders.note IS 'What engineering decided, or why it was cancelled.';
COMMENT ON COLUMN usom.make_orders.supply_no IS 'Supply that its production is.';
COMMENT ON COLUMN usom.make_orders.received IS 'Units that came from production.';
COMMENT ON COLUMN usom.make_orders.expected_at IS 'When the rest is expected.';
COMMENT ON COLUMN usom.make_orders.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.make_orders.requested_by IS 'By whom.';
COMMENT ON COLUMN usom.make_orders.approved_at IS 'When engineering approved it.';
COMMENT ON COLUMN usom.make_orders.approved_by IS 'Who did.';
COMMENT ON COLUMN usom.make_orders.started_at IS 'When production began.';
COMMENT ON COLUMN usom.make_orders.ended_at IS 'When it was received to its end, or cancelled.';

SELECT usom._guard_cards('make_order');
SELECT usom._guard_kept('make_order', 'usom.request_make()');
SELECT usom._audit_table('make_order');
-- Who gets scarce stock: how backorders are filled, and the variants of
-- backorder_run() with their segments.
CREATE TABLE usom.fill_priority (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	rank usom.ordinal NOT NULL,
	expression text NOT NULL CONSTRAINT fill_priority_expression_known CHECK (usom._is_sort_expression(expression)),
	direction text NOT NULL DEFAULT 'asc' CONSTRAINT fill_priority_direction_known CHECK (direction IN ('asc', 'desc')),
	listed text[],
	PRIMARY KEY (org_id, rank),
	CONSTRAINT fill_priority_listed_iff_codes CHECK (usom._is_listed_right(expression, listed))
);
COMMENT ON TABLE usom.fill_priority IS 'Which backorder is filled first when stock comes: compared by these rows in the order of rank, then by the age of the order. Without rows: by priority, then by placed_at.';
COMMENT ON COLUMN usom.fill_priority.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fill_priority.rank IS 'Lower is compared first.';
COMMENT ON COLUMN usom.fill_priority.expression IS 'priority, placed_at (age), requested_at, value (total of the order), or channel, segment, service_level by their place in listed.';
COMMENT ON COLUMN usom.fill_priority.direction IS 'asc: the least first; desc: the most.';
COMMENT ON COLUMN usom.fill_priority.listed IS 'Codes of channels, segments or service levels, the first one first; others come after them.';

CREATE TABLE usom.backorder_variant (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	code text NOT NULL CONSTRAINT backorder_variant_code_given CHECK (code <> ''),
	name text,
	skus text[] CONSTRAINT backorder_variant_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT backorder_variant_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	on_exception text NOT NULL DEFAULT 'stop_item' CONSTRAINT backorder_variant_on_exception_known CHECK (on_exception IN ('stop_item', 'stop_run')),
	fallback text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, code),
	CONSTRAINT backorder_variant_fallback_of_item CHECK (fallback IS NULL OR on_exception = 'stop_item')
);
COMMENT ON TABLE usom.backorder_variant IS 'A way to deal scarce stock out again: what backorder_run() is told. Its segments say which lines are treated how.';
COMMENT ON COLUMN usom.backorder_variant.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_variant.code IS 'What backorder_run() names.';
COMMENT ON COLUMN usom.backorder_variant.name IS 'Name for people.';
COMMENT ON COLUMN usom.backorder_variant.skus IS 'Products it is about; null: any.';
COMMENT ON COLUMN usom.backorder_variant.categories IS 'Categories of products it is about; null: any.';
COMMENT ON COLUMN usom.backorder_variant.on_exception IS 'What happens when a line cannot have what its strategy promises: stop_item leaves its product as it is (or to fallback), stop_run leaves everything as it is.';
COMMENT ON COLUMN usom.backorder_variant.fallback IS 'Code of the variant that a product is left to after an exception; null: none.';
COMMENT ON COLUMN usom.backorder_variant.created_at IS 'When the row was made.';

CREATE TABLE usom.backorder_segment (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	variant text NOT NULL,
	rank usom.ordinal NOT NULL,
	name text,
	strategy text NOT NULL CONSTRAINT backorder_segment_strategy_known
		CHECK (strategy IN ('win', 'gain', 'improve', 'redistribute', 'fill', 'lose', 'skip')),
	channels text[] CONSTRAINT backorder_segment_channels_not_empty CHECK (cardinality(channels) > 0 AND array_position(channels, NULL) IS NULL),
	customers text[] CONSTRAINT backorder_segment_customers_not_empty CHECK (cardinality(customers) > 0 AND array_position(customers, NULL) IS NULL),
	segments text[] CONSTRAINT backorder_segment_segments_not_empty CHECK (cardinality(segments) > 0 AND array_position(segments, NULL) IS NULL),
	order_types text[] CONSTRAINT backorder_segment_order_types_not_empty CHECK (cardinality(order_types) > 0 AND array_position(order_types, NULL) IS NULL),
	countries text[] CONSTRAINT backorder_segment_countries_not_empty CHECK (cardinality(countries) > 0 AND array_position(countries, NULL) IS NULL),
	skus text[] CONSTRAINT backorder_segment_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT backorder_segment_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	priority_from integer,
	priority_to integer,
	placed_from timestamptz,
	placed_before timestamptz,
	PRIMARY KEY (org_id, variant, rank),
	CONSTRAINT backorder_segment_of_variant FOREIGN KEY (org_id, variant) REFERENCES usom.backorder_variant ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT backorder_segment_priorities_in_order CHECK (priority_from <= priority_to),
	CONSTRAINT backorder_segment_dates_in_order CHECK (placed_from < placed_before)
);
COMMENT ON TABLE usom.backorder_segment IS 'Lines that a variant treats alike: each belongs to the first segment by rank whose filters it passes. Lines of no segment are left as they are.';
COMMENT ON COLUMN usom.backorder_segment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_segment.variant IS 'Code of the variant.';
COMMENT ON COLUMN usom.backorder_segment.rank IS 'Lower is asked first, and served first within a strategy.';
COMMENT ON COLUMN usom.backorder_segment.name IS 'Name for people.';
COMMENT ON COLUMN usom.backorder_segment.strategy IS 'win, gain, improve, redistribute, fill, lose or skip, carried out in this order: see backorder_run().';
COMMENT ON COLUMN usom.backorder_segment.channels IS 'Codes of channels of the order; null: any.';
COMMENT ON COLUMN usom.backorder_segment.customers IS 'Codes of customers of the order; null: any, guests too.';
COMMENT ON COLUMN usom.backorder_segment.segments IS 'Segments of the customer; null: any.';
COMMENT ON COLUMN usom.backorder_segment.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.backorder_segment.countries IS 'ISO 3166 codes of two letters of the address; null: any.';
COMMENT ON COLUMN usom.backorder_segment.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.backorder_segment.categories IS 'Categories of the product of the line; null: any.';
COMMENT ON COLUMN usom.backorder_segment.priority_from IS 'Priority of the order at least; null: any.';
COMMENT ON COLUMN usom.backorder_segment.priority_to IS 'Priority of the order at most; null: any.';
COMMENT ON COLUMN usom.backorder_segment.placed_from IS 'Placed then or later; null: any.';
COMMENT ON COLUMN usom.backorder_segment.placed_before IS 'Placed before; null: any.';

CREATE TABLE usom.backorder_sort (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	variant text NOT NULL,
	segment_rank usom.ordinal NOT NULL,
	rank usom.ordinal NOT NULL,
	expression text NOT NULL CONSTRAINT backorder_sort_expression_known CHECK (usom._is_sort_expression(expression)),
	direction text NOT NULL DEFAULT 'asc' CONSTRAINT backorder_sort_direction_known CHECK (direction IN ('asc', 'desc')),
	listed text[],
	PRIMARY KEY (org_id, variant, segment_rank, rank),
	CONSTRAINT backorder_sort_of_segment FOREIGN KEY (org_id, variant, segment_rank) REFERENCES usom.backorder_segment ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT backorder_sort_listed_iff_codes CHECK (usom._is_listed_right(expression, listed))
);
COMMENT ON TABLE usom.backorder_sort IS 'Which line of a segment comes first: compared by these rows in the order of rank, then by the age of the order. Without rows: by priority, then by placed_at.';
COMMENT ON COLUMN usom.backorder_sort.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_sort.variant IS 'Code of the variant.';
COMMENT ON COLUMN usom.backorder_sort.segment_rank IS 'Rank of the segment.';
COMMENT ON COLUMN usom.backorder_sort.rank IS 'Lower is compared first.';
COMMENT ON COLUMN usom.backorder_sort.expression IS 'priority, placed_at (age), requested_at, value (total of the order), or channel, segment, service_level by their place in listed. The present promise is not among them: the run itself moves it.';
COMMENT ON COLUMN usom.backorder_sort.direction IS 'asc: the least first; desc: the most.';
COMMENT ON COLUMN usom.backorder_sort.listed IS 'Codes of channels, segments or service levels, the first one first; others come after them.';

CREATE TABLE usom.backorder_run (
	org_id bigint NOT NULL,
	backorder_run_id bigint NOT NULL,
	run_no text NOT NULL,
	variant text NOT NULL,
	simulated boolean NOT NULL,
	status text NOT NULL CONSTRAINT backorder_run_status_known CHECK (status IN ('done', 'stopped')),
	items integer NOT NULL,
	items_changed integer NOT NULL,
	lines_changed integer NOT NULL,
	orders_changed integer NOT NULL,
	exceptions jsonb NOT NULL,
	actor text NOT NULL DEFAULT session_user,
	app_user text,
	run_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, backorder_run_id),
	CONSTRAINT backorder_run_no_unique UNIQUE (org_id, run_no)
);
COMMENT ON TABLE usom.backorder_run IS 'Each backorder_run(), simulated ones too. Append-only.';
COMMENT ON COLUMN usom.backorder_run.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_run.backorder_run_id IS 'Key.';
COMMENT ON COLUMN usom.backorder_run.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_run.variant IS 'Code of the variant that was asked for.';
COMMENT ON COLUMN usom.backorder_run.simulated IS 'True: nothing was changed.';
COMMENT ON COLUMN usom.backorder_run.status IS 'done, or stopped by an exception before anything was changed.';
COMMENT ON COLUMN usom.backorder_run.items IS 'Products looked at.';
COMMENT ON COLUMN usom.backorder_run.items_changed IS 'Products dealt out otherwise.';
COMMENT ON COLUMN usom.backorder_run.lines_changed IS 'Lines with a row in backorder_change.';
COMMENT ON COLUMN usom.backorder_run.orders_changed IS 'Orders of these lines.';
COMMENT ON COLUMN usom.backorder_run.exceptions IS 'What could not be promised: an array of {sku, order_no, line_no, variant, strategy, wanted, possible}.';
COMMENT ON COLUMN usom.backorder_run.actor IS 'Session user.';
COMMENT ON COLUMN usom.backorder_run.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.backorder_run.run_at IS 'Time of the transaction.';

CREATE TABLE usom.backorder_change (
	org_id bigint NOT NULL,
	backorder_run_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	variant text NOT NULL,
	segment_rank integer NOT NULL,
	strategy text NOT NULL,
	quantity_wanted numeric NOT NULL,
	quantity_before numeric NOT NULL,
	quantity_after numeric NOT NULL,
	promised_before timestamptz,
	promised_after timestamptz,
	reason text NOT NULL,
	PRIMARY KEY (org_id, backorder_run_id, sales_order_id, line_no)
);
COMMENT ON TABLE usom.backorder_change IS 'What a backorder_run() changed, or would change: a row for each line. Append-only.';
COMMENT ON COLUMN usom.backorder_change.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_change.backorder_run_id IS 'Run.';
COMMENT ON COLUMN usom.backorder_change.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.backorder_change.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorder_change.product_id IS 'Product.';
COMMENT ON COLUMN usom.backorder_change.variant IS 'Variant that decided: the one asked for, or a fallback.';
COMMENT ON COLUMN usom.backorder_change.segment_rank IS 'Segment of the line.';
COMMENT ON COLUMN usom.backorder_change.strategy IS 'Strategy of the segment.';
COMMENT ON COLUMN usom.backorder_change.quantity_wanted IS 'Units that the line has or waits for, as far as the run may touch them.';
COMMENT ON COLUMN usom.backorder_change.quantity_before IS 'Units reserved, or promised from supply, before.';
COMMENT ON COLUMN usom.backorder_change.quantity_after IS 'The same after.';
COMMENT ON COLUMN usom.backorder_change.promised_before IS 'When the last of the units before was promised; null: there were none.';
COMMENT ON COLUMN usom.backorder_change.promised_after IS 'When the last of the units after is promised; null: there are none.';
COMMENT ON COLUMN usom.backorder_change.reason IS 'Why, in words.';

CREATE TRIGGER usom_variant BEFORE INSERT OR UPDATE ON usom.backorder_variant
	FOR EACH ROW EXECUTE FUNCTION usom._check_backorder_variant();
CREATE TRIGGER usom_segment BEFORE INSERT OR UPDATE ON usom.backorder_segment
	FOR EACH ROW EXECUTE FUNCTION usom._check_backorder_segment();

CREATE VIEW usom.backorder_runs WITH (security_invoker = true) AS
SELECT r.run_no, r.variant, r.simulated, r.status, r.items, r.items_changed, r.lines_changed, r.orders_changed, r.exceptions, r.actor, r.app_user, r.run_at
FROM usom.backorder_run r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.backorder_runs IS 'The backorder runs of the caller''s organisation, simulated ones too.';
COMMENT ON COLUMN usom.backorder_runs.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_runs.variant IS 'Code of the variant that was asked for.';
COMMENT ON COLUMN usom.backorder_runs.simulated IS 'True: nothing was changed.';
COMMENT ON COLUMN usom.backorder_runs.status IS 'done, or stopped by an exception before anything was changed.';
COMMENT ON COLUMN usom.backorder_runs.items IS 'Products looked at.';
COMMENT ON COLUMN usom.backorder_runs.items_changed IS 'Products dealt out otherwise.';
COMMENT ON COLUMN usom.backorder_runs.lines_changed IS 'Lines with a row in usom.backorder_changes.';
COMMENT ON COLUMN usom.backorder_runs.orders_changed IS 'Orders of these lines.';
COMMENT ON COLUMN usom.backorder_runs.exceptions IS 'What could not be promised: an array of {sku, order_no, line_no, variant, strategy, wanted, possible}.';
COMMENT ON COLUMN usom.backorder_runs.actor IS 'Session user.';
COMMENT ON COLUMN usom.backorder_runs.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.backorder_runs.run_at IS 'Time of the transaction.';

CREATE VIEW usom.backorder_changes WITH (security_invoker = true) AS
SELECT r.run_no, o.order_no, c.line_no, p.sku, c.variant, c.segment_rank, c.strategy, trim_scale(c.quantity_wanted) AS quantity_wanted,
	trim_scale(c.quantity_before) AS quantity_before, trim_scale(c.quantity_after) AS quantity_after, c.promised_before, c.promised_after,
	c.reason, r.simulated
FROM usom.backorder_change c
JOIN usom.backorder_run r ON r.org_id = c.org_id AND r.backorder_run_id = c.backorder_run_id
JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
JOIN usom.product p ON p.org_id = c.org_id AND p.product_id = c.product_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.backorder_changes IS 'What backorder runs of the caller''s organisation changed, or would change: a row for each line.';
COMMENT ON COLUMN usom.backorder_changes.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_changes.order_no IS 'Order.';
COMMENT ON COLUMN usom.backorder_changes.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorder_changes.sku IS 'Product.';
COMMENT ON COLUMN usom.backorder_changes.variant IS 'Variant that decided: the one asked for, or a fallback.';
COMMENT ON COLUMN usom.backorder_changes.segment_rank IS 'Segment of the line.';
COMMENT ON COLUMN usom.backorder_changes.strategy IS 'Strategy of the segment.';
COMMENT ON COLUMN usom.backorder_changes.quantity_wanted IS 'Units that the line has or waits for, as far as the run may touch them.';
COMMENT ON COLUMN usom.backorder_changes.quantity_before IS 'Units reserved, or promised from supply, before.';
COMMENT ON COLUMN usom.backorder_changes.quantity_after IS 'The same after.';
COMMENT ON COLUMN usom.backorder_changes.promised_before IS 'When the last of the units before was promised; null: there were none.';
COMMENT ON COLUMN usom.backorder_changes.promised_after IS 'When the last of the units after is promised; null: there are none.';
COMMENT ON COLUMN usom.backorder_changes.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.backorder_changes.simulated IS 'True: nothing was changed.';

SELECT usom._guard_cards('fill_priority');
SELECT usom._guard_cards('backorder_variant');
SELECT usom._guard_cards('backorder_segment');
SELECT usom._guard_cards('backorder_sort');
SELECT usom._guard_master('backorder_variant', 'code');
SELECT usom._guard_ledger('backorder_run', 'usom.backorder_run()');
SELECT usom._guard_ledger('backorder_change', 'usom.backorder_run()');

SELECT usom._audit_table('fill_priority');
SELECT usom._audit_table('backorder_variant');
SELECT usom._audit_table('backorder_segment');
SELECT usom._audit_table('backorder_sort');
SELECT usom._audit_table('backorder_run');
SELECT usom._audit_table('backorder_change');

CREATE VIEW usom.price_steps WITH (security_invoker = true) AS
SELECT o.order_no, s.version, s.step_no, s.line_no, s.step, s.rule, trim_scale(s.unit_price) AS unit_price,
	trim_scale(s.before) AS before, trim_scale(s.after) AS after, trim_scale(s.after - coalesce(s.before, 0)) AS change,
	o.currency::text AS currency, s.reason,
	s.version = (SELECT max(m.version) FROM usom.price_step m WHERE m.org_id = s.org_id AND m.sales_order_id = s.sales_order_id) AS counts
FROM usom.price_step s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.price_steps IS 'How the amounts of the orders of the caller''s organisation came about: each step that set or changed the amount of a line. usom.explain_price() shows an order as it counts.';
COMMENT ON COLUMN usom.price_steps.order_no IS 'Order.';
COMMENT ON COLUMN usom.price_steps.version IS 'Version of the order that was priced.';
COMMENT ON COLUMN usom.price_steps.step_no IS 'Number of the step.';
COMMENT ON COLUMN usom.price_steps.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_steps.step IS 'document, list, contract, break, promotion, coupon, manual, freight or tax.';
COMMENT ON COLUMN usom.price_steps.rule IS 'Which contract, minimum, promotion, coupon or rate.';
COMMENT ON COLUMN usom.price_steps.unit_price IS 'Price of one unit from this step on; null: it stays.';
COMMENT ON COLUMN usom.price_steps.before IS 'Amount of the whole line before; null: there was none.';
COMMENT ON COLUMN usom.price_steps.after IS 'Amount of the whole line after.';
COMMENT ON COLUMN usom.price_steps.change IS 'What the step added; less than zero: took off.';
COMMENT ON COLUMN usom.price_steps.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.price_steps.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.price_steps.counts IS 'True: of the version that was priced last.';

CREATE TABLE usom.check_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	check_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	check_code text NOT NULL,
	channel text,
	customer text,
	severity text NOT NULL DEFAULT 'warn' CONSTRAINT check_rule_severity_known CHECK (severity IN ('off', 'warn', 'hold', 'refuse')),
	hold_type text CONSTRAINT check_rule_hold_type_given CHECK (hold_type <> ''),
	hold_for interval CONSTRAINT check_rule_hold_for_positive CHECK (hold_for > interval '0'),
	looks_at text[] NOT NULL DEFAULT ARRAY['place', 'submit', 'change'] CONSTRAINT check_rule_looks_at_known
		CHECK (looks_at <@ ARRAY['place', 'submit', 'change', 'confirm', 'release', 'ship'] AND looks_at <> '{}'),
	parameters jsonb NOT NULL DEFAULT '{}',
	active boolean NOT NULL DEFAULT true,
	version integer NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, check_rule_id),
	CONSTRAINT check_rule_one_of_a_kind UNIQUE NULLS NOT DISTINCT (org_id, check_code, channel, customer)
);
COMMENT ON TABLE usom.check_rule IS 'How a check that usom knows (usom.checks()) is taken: off, warn, hold or refuse, for all, a channel, a customer, or both; the most specific active row counts. Written by plain SQL; older versions stand in the audit.';
COMMENT ON COLUMN usom.check_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.check_rule.check_rule_id IS 'Key.';
COMMENT ON COLUMN usom.check_rule.check_code IS 'Check, one of usom.checks().';
COMMENT ON COLUMN usom.check_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.check_rule.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.check_rule.severity IS 'off: not looked at; warn: said in the messages; hold: the order is put on hold; refuse: the order is refused (US804).';
COMMENT ON COLUMN usom.check_rule.hold_type IS 'Type of the holds it places; null: that of the check.';
COMMENT ON COLUMN usom.check_rule.hold_for IS 'How long its holds stand; null: until they are released.';
COMMENT ON COLUMN usom.check_rule.looks_at IS 'When it looks: place, submit (of a draft), change, confirm, release, ship.';
COMMENT ON COLUMN usom.check_rule.parameters IS 'What the check compares with, see usom.checks().';
COMMENT ON COLUMN usom.check_rule.active IS 'Off: the row does not count, and a less specific one may.';
COMMENT ON COLUMN usom.check_rule.version IS 'Counts the changes of the row; what check_hit names.';
COMMENT ON COLUMN usom.check_rule.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.check_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_check_rule();

CREATE TABLE usom.product_restriction (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_restriction_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text,
	category text CONSTRAINT product_restriction_category_given CHECK (category <> ''),
	channel text,
	country text CONSTRAINT product_restriction_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz NOT NULL DEFAULT 'infinity',
	reason text,
	PRIMARY KEY (org_id, product_restriction_id),
	CONSTRAINT product_restriction_one_of_a_kind UNIQUE NULLS NOT DISTINCT (org_id, sku, category, channel, country, valid_from),
	CONSTRAINT product_restriction_sku_or_category CHECK (num_nonnulls(sku, category) = 1),
	CONSTRAINT product_restriction_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.product_restriction IS 'What is not sold where: a product or category, in a channel, to a country, for a time. The check sellable (usom.check_rule) says what becomes of an order for it.';
COMMENT ON COLUMN usom.product_restriction.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product_restriction.product_restriction_id IS 'Key.';
COMMENT ON COLUMN usom.product_restriction.sku IS 'Product; null: those of the category.';
COMMENT ON COLUMN usom.product_restriction.category IS 'Category of products; null: the product.';
COMMENT ON COLUMN usom.product_restriction.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.product_restriction.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.product_restriction.valid_from IS 'From when it stands.';
COMMENT ON COLUMN usom.product_restriction.valid_to IS 'From then on it stands no more.';
COMMENT ON COLUMN usom.product_restriction.reason IS 'Why, for the people who ask.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.product_restriction
	FOR EACH ROW EXECUTE FUNCTION usom._check_product_restriction();

CREATE TABLE usom.check_hit (
	org_id bigint NOT NULL,
	check_hit_id bigint NOT NULL DEFAULT usom.next_id(),
	check_rule_id bigint NOT NULL,
	rule_version integer NOT NULL,
	check_code text NOT NULL,
	severity text NOT NULL,
	sales_order_id bigint,
	external_id text,
	path text,
	overridden boolean NOT NULL DEFAULT false,
	reason text,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, check_hit_id),
	CONSTRAINT check_hit_refused_has_no_order CHECK ((severity = 'refuse') = (sales_order_id IS NULL))
);
CREATE INDEX check_hit_of_rule ON usom.check_hit (org_id, check_rule_id);
CREATE INDEX check_hit_of_order ON usom.check_hit (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.check_hit IS 'One row each time a rule has found something. Refused documents are here if a batch refused them; what refuses a call as a whole leaves no trace. Append-only: no rule is a queue.';
COMMENT ON COLUMN usom.check_hit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.check_hit.check_hit_id IS 'Key.';
COMMENT ON COLUMN usom.check_hit.check_rule_id IS 'Rule.';
COMMENT ON COLUMN usom.check_hit.rule_version IS 'Version of the rule.';
COMMENT ON COLUMN usom.check_hit.check_code IS 'Check.';
COMMENT ON COLUMN usom.check_hit.severity IS 'warn, hold or refuse.';
COMMENT ON COLUMN usom.check_hit.sales_order_id IS 'Order; null: refused.';
COMMENT ON COLUMN usom.check_hit.external_id IS 'Of a refused document: the number that the channel gave it.';
COMMENT ON COLUMN usom.check_hit.path IS 'Field that it was about.';
COMMENT ON COLUMN usom.check_hit.overridden IS 'On: the document said that it is all right, and the hold was not placed.';
COMMENT ON COLUMN usom.check_hit.reason IS 'Why it is all right.';
COMMENT ON COLUMN usom.check_hit.occurred_at IS 'Time of the transaction.';

CREATE TABLE usom.order_fingerprint (
	org_id bigint NOT NULL,
	customer_id bigint NOT NULL,
	fingerprint bytea NOT NULL,
	sales_order_id bigint NOT NULL,
	previous_id bigint,
	PRIMARY KEY (org_id, customer_id, fingerprint)
);
COMMENT ON TABLE usom.order_fingerprint IS 'Which order of a customer had just these lines last, where a rule looks for duplicates. The row is the lock of two that are placed at once, taken before their headers are written, by key.';
COMMENT ON COLUMN usom.order_fingerprint.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_fingerprint.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.order_fingerprint.fingerprint IS 'SHA-256 of products and quantities.';
COMMENT ON COLUMN usom.order_fingerprint.sales_order_id IS 'The last order with these lines.';
COMMENT ON COLUMN usom.order_fingerprint.previous_id IS 'The one before it.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.check_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('check_rule');
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.product_restriction
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('product_restriction');
ALTER TABLE usom.check_rule ENABLE ALWAYS TRIGGER _memo_changed;
ALTER TABLE usom.product_restriction ENABLE ALWAYS TRIGGER _memo_changed;

CREATE VIEW usom.check_rules WITH (security_invoker = true) AS
SELECT r.check_code, r.channel, r.customer, r.severity, r.hold_type, r.hold_for::text AS hold_for, r.looks_at, r.parameters, r.active, r.version,
	h.hits, h.overridden + o.released AS overrides, h.last_hit_at
FROM usom.check_rule r
CROSS JOIN LATERAL (SELECT count(*) AS hits, count(*) FILTER (WHERE c.overridden) AS overridden, max(c.occurred_at) AS last_hit_at
	FROM usom.check_hit c WHERE c.org_id = r.org_id AND c.check_rule_id = r.check_rule_id) h
CROSS JOIN LATERAL (SELECT count(DISTINCT l.hold_id) AS released
	FROM usom.check_hit c
	JOIN usom.hold l ON l.org_id = c.org_id AND l.sales_order_id = c.sales_order_id AND l.check_code = c.check_code
		AND l.released_at IS NOT NULL AND NOT l.settled
	WHERE c.org_id = r.org_id AND c.check_rule_id = r.check_rule_id AND c.severity = 'hold' AND NOT c.overridden) o
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.check_rules IS 'The rules of checks of the caller''s organisation, with how often each has found something and how often somebody said that it is all right.';
COMMENT ON COLUMN usom.check_rules.check_code IS 'Check, see usom.checks().';
COMMENT ON COLUMN usom.check_rules.channel IS 'Channel; null: any.';
COMMENT ON COLUMN usom.check_rules.customer IS 'Customer; null: any.';
COMMENT ON COLUMN usom.check_rules.severity IS 'off, warn, hold or refuse.';
COMMENT ON COLUMN usom.check_rules.hold_type IS 'Type of its holds; null: that of the check.';
COMMENT ON COLUMN usom.check_rules.hold_for IS 'How long its holds stand, as an interval; null: until they are released.';
COMMENT ON COLUMN usom.check_rules.looks_at IS 'When it looks.';
COMMENT ON COLUMN usom.check_rules.parameters IS 'What the check compares with.';
COMMENT ON COLUMN usom.check_rules.active IS 'False: it does not count.';
COMMENT ON COLUMN usom.check_rules.version IS 'Version of the row.';
COMMENT ON COLUMN usom.check_rules.hits IS 'Findings of all its versions, see check_hits.';
COMMENT ON COLUMN usom.check_rules.overrides IS 'Of them, those that the document or somebody who released the hold said were all right.';
COMMENT ON COLUMN usom.check_rules.last_hit_at IS 'Time of the last one; null: none yet.';

CREATE VIEW usom.check_hits WITH (security_invoker = true) AS
SELECT o.order_no, coalesce(o.external_id, h.external_id) AS external_id, h.check_code, r.channel, r.customer, h.rule_version AS version,
	h.severity, h.path, h.overridden, h.reason, h.occurred_at
FROM usom.check_hit h
JOIN usom.check_rule r ON r.org_id = h.org_id AND r.check_rule_id = h.check_rule_id
LEFT JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.check_hits IS 'What the rules of checks of the caller''s organisation have found.';
COMMENT ON COLUMN usom.check_hits.order_no IS 'Order; null: the document was refused.';
COMMENT ON COLUMN usom.check_hits.external_id IS 'Number that the channel gave it.';
COMMENT ON COLUMN usom.check_hits.check_code IS 'Check.';
COMMENT ON COLUMN usom.check_hits.channel IS 'Channel that the rule is for; null: any.';
COMMENT ON COLUMN usom.check_hits.customer IS 'Customer that the rule is for; null: any.';
COMMENT ON COLUMN usom.check_hits.version IS 'Version of the rule.';
COMMENT ON COLUMN usom.check_hits.severity IS 'warn, hold or refuse.';
COMMENT ON COLUMN usom.check_hits.path IS 'Field that it was about; null: the order.';
COMMENT ON COLUMN usom.check_hits.overridden IS 'True: the document said that it is all right.';
COMMENT ON COLUMN usom.check_hits.reason IS 'Why it is all right.';
COMMENT ON COLUMN usom.check_hits.occurred_at IS 'When it was found.';

SELECT usom._guard_cards('check_rule');
SELECT usom._guard_cards('product_restriction');
SELECT usom._guard_cards('check_hit');
SELECT usom._guard_master('check_rule', 'check_code');
SELECT usom._guard_ledger('check_hit', 'the function that placed or changed the order');
SELECT usom._guard_kept('order_fingerprint', 'usom.place_order()');

SELECT usom._audit_table('check_rule');
SELECT usom._audit_table('product_restriction');
SELECT usom._audit_table('check_hit');
SELECT usom._audit_table('order_fingerprint');
