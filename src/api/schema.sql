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
