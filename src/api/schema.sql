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
