-- step 63
CREATE TABLE usom.fulfillment (
	org_id bigint NOT NULL,
	fulfillment_id bigint NOT NULL DEFAULT usom.next_id(),
	fulfillment_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	wms text,
	lines jsonb NOT NULL CONSTRAINT fulfillment_lines_listed CHECK (jsonb_typeof(lines) = 'array'),
	starts boolean NOT NULL,
	status text NOT NULL DEFAULT 'sent' CONSTRAINT fulfillment_status_known
		CHECK (status IN ('sent', 'accepted', 'picked', 'packed', 'partially_shipped', 'shipped', 'short', 'rejected', 'cancelled')),
	reference text,
	released_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, fulfillment_id),
	CONSTRAINT fulfillment_no_unique UNIQUE (org_id, fulfillment_no),
	CONSTRAINT fulfillment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX fulfillment_by_order ON usom.fulfillment (org_id, sales_order_id);
COMMENT ON TABLE usom.fulfillment IS 'What one release handed over to one location: written where an outside system runs the warehouse, or cut-offs count from the release. Written under the lock of the order.';
COMMENT ON COLUMN usom.fulfillment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fulfillment.fulfillment_id IS 'Key.';
COMMENT ON COLUMN usom.fulfillment.fulfillment_no IS 'Number that the outside system answers with.';
COMMENT ON COLUMN usom.fulfillment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.fulfillment.location_id IS 'Location.';
COMMENT ON COLUMN usom.fulfillment.wms IS 'Outside system that it was handed over to; null: none.';
COMMENT ON COLUMN usom.fulfillment.lines IS 'Units handed over: [{"line_no": 1, "sku": "A", "quantity": 2}].';
COMMENT ON COLUMN usom.fulfillment.starts IS 'On: nothing else of the order was at work there.';
COMMENT ON COLUMN usom.fulfillment.status IS 'What follows from its messages: sent, accepted, picked, packed, partially_shipped; all of it is dealt with: shipped, short, rejected or cancelled.';
COMMENT ON COLUMN usom.fulfillment.reference IS 'Number that the outside system gave it.';
COMMENT ON COLUMN usom.fulfillment.released_at IS 'When it was released; cut-offs count from here.';

CREATE TABLE usom.fulfillment_message (
	org_id bigint NOT NULL,
	fulfillment_message_id bigint NOT NULL DEFAULT usom.next_id(),
	fulfillment_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	message_id text,
	kind text NOT NULL CONSTRAINT fulfillment_message_kind_known
		CHECK (kind IN ('accepted', 'rejected', 'short', 'picked', 'packed', 'shipped', 'cancelled', 'cancel_refused', 'taken_back')),
	lines jsonb CONSTRAINT fulfillment_message_lines_listed CHECK (jsonb_typeof(lines) = 'array'),
	digest bytea,
	outcome text CONSTRAINT fulfillment_message_outcome_known CHECK (outcome IN ('applied', 'partly', 'late')),
	shipment_no text,
	reference text,
	reason text,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	actor text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, fulfillment_message_id),
	CONSTRAINT fulfillment_message_once UNIQUE (org_id, fulfillment_id, message_id),
	CONSTRAINT fulfillment_message_told_has_no_id CHECK (kind = 'shipped' OR (kind = 'taken_back') = (message_id IS NULL)),
	CONSTRAINT fulfillment_message_answer_iff_digest CHECK ((message_id IS NULL) = (digest IS NULL) AND (message_id IS NULL) = (outcome IS NULL)),
	CONSTRAINT fulfillment_message_of_fulfillment FOREIGN KEY (org_id, fulfillment_id) REFERENCES usom.fulfillment ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.fulfillment_message IS 'What outside systems answered about a hand-over, each message once, and what they were told was taken back or shipped without them. Append-only: the status of the hand-over follows from it, in whatever order messages come.';
COMMENT ON COLUMN usom.fulfillment_message.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fulfillment_message.fulfillment_message_id IS 'Key.';
COMMENT ON COLUMN usom.fulfillment_message.fulfillment_id IS 'Hand-over.';
COMMENT ON COLUMN usom.fulfillment_message.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.fulfillment_message.message_id IS 'Key that the outside system gave its message; null: it was told, units were taken back or shipped by others.';
COMMENT ON COLUMN usom.fulfillment_message.kind IS 'accepted, rejected, short, picked, packed, shipped, cancelled, cancel_refused; taken_back: units that it was told to leave; shipped without a message_id: units that others shipped.';
COMMENT ON COLUMN usom.fulfillment_message.lines IS 'Units it is about: [{"line_no": 1, "quantity": 2}]; null: none.';
COMMENT ON COLUMN usom.fulfillment_message.digest IS 'SHA-256 of the message as it came, to tell a repeated one from another of the same key.';
COMMENT ON COLUMN usom.fulfillment_message.outcome IS 'applied; partly: some units were not there any more; late: nothing was left to do.';
COMMENT ON COLUMN usom.fulfillment_message.shipment_no IS 'Shipment that it made.';
COMMENT ON COLUMN usom.fulfillment_message.reference IS 'Number or tracking number that it brought.';
COMMENT ON COLUMN usom.fulfillment_message.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.fulfillment_message.recorded_at IS 'Time of the transaction.';
COMMENT ON COLUMN usom.fulfillment_message.actor IS 'Session user who recorded it.';

CREATE TABLE usom.cut_off (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	cut_off_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT cut_off_code_given CHECK (code <> ''),
	location text,
	action text NOT NULL DEFAULT 'cancel' CONSTRAINT cut_off_action_known CHECK (action IN ('cancel', 'change', 'address')),
	stage text NOT NULL DEFAULT 'released' CONSTRAINT cut_off_stage_known CHECK (stage IN ('released', 'picked', 'packed')),
	minutes integer CONSTRAINT cut_off_minutes_sane CHECK (minutes BETWEEN 0 AND 527040),
	until_time time,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, cut_off_id),
	CONSTRAINT cut_off_code_unique UNIQUE (org_id, code),
	CONSTRAINT cut_off_minutes_or_time CHECK (minutes IS NULL OR until_time IS NULL)
);
CREATE UNIQUE INDEX cut_off_once ON usom.cut_off (org_id, location, action, stage) NULLS NOT DISTINCT WHERE active;
COMMENT ON TABLE usom.cut_off IS 'Until when units that are released may be cancelled, changed or sent elsewhere by us alone; from then on the warehouse is asked. Where no row fits: what is only released may be cancelled, picked and packed units may not, none may be changed, and the address may be.';
COMMENT ON COLUMN usom.cut_off.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.cut_off.cut_off_id IS 'Key.';
COMMENT ON COLUMN usom.cut_off.code IS 'Name that people use.';
COMMENT ON COLUMN usom.cut_off.location IS 'Code of the location; null: all that have no row of their own.';
COMMENT ON COLUMN usom.cut_off.action IS 'cancel, change (fewer units, or none), or address.';
COMMENT ON COLUMN usom.cut_off.stage IS 'State of the units: released, picked or packed.';
COMMENT ON COLUMN usom.cut_off.minutes IS 'So many minutes after the release; 0: never by us alone.';
COMMENT ON COLUMN usom.cut_off.until_time IS 'Until the clock of the location next shows this time after the release. Null, as minutes: no limit.';
COMMENT ON COLUMN usom.cut_off.active IS 'Off: does not count.';
COMMENT ON COLUMN usom.cut_off.created_at IS 'When the row was made.';

CREATE TABLE usom.warehouse_request (
	org_id bigint NOT NULL,
	warehouse_request_id bigint NOT NULL DEFAULT usom.next_id(),
	request_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	action text NOT NULL CONSTRAINT warehouse_request_action_known CHECK (action IN ('cancel', 'change', 'address')),
	lines jsonb CONSTRAINT warehouse_request_lines_listed CHECK (jsonb_typeof(lines) = 'array'),
	address_id bigint,
	reason text,
	status text NOT NULL DEFAULT 'pending' CONSTRAINT warehouse_request_status_known CHECK (status IN ('pending', 'accepted', 'refused')),
	asked_at timestamptz NOT NULL DEFAULT now(),
	asked_by text NOT NULL DEFAULT session_user,
	answered_at timestamptz,
	answered_by text,
	answer text,
	PRIMARY KEY (org_id, warehouse_request_id),
	CONSTRAINT warehouse_request_no_unique UNIQUE (org_id, request_no),
	CONSTRAINT warehouse_request_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT warehouse_request_address_iff CHECK ((action = 'address') = (lines IS NULL)),
	CONSTRAINT warehouse_request_answered_iff CHECK ((status = 'pending') = (answered_at IS NULL) AND (status = 'pending') = (answered_by IS NULL))
);
CREATE INDEX warehouse_request_by_order ON usom.warehouse_request (org_id, sales_order_id);
CREATE INDEX warehouse_request_pending ON usom.warehouse_request (org_id, location_id) WHERE status = 'pending';
COMMENT ON TABLE usom.warehouse_request IS 'What a warehouse is asked to do after a cut-off, and may refuse: to give units back, or to send them elsewhere. Written under the lock of the order.';
COMMENT ON COLUMN usom.warehouse_request.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.warehouse_request.warehouse_request_id IS 'Key.';
COMMENT ON COLUMN usom.warehouse_request.request_no IS 'Number for people and outside systems.';
COMMENT ON COLUMN usom.warehouse_request.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.warehouse_request.location_id IS 'Location that is asked.';
COMMENT ON COLUMN usom.warehouse_request.action IS 'cancel (units become cancelled), change (units are not ordered any more) or address.';
COMMENT ON COLUMN usom.warehouse_request.lines IS 'Units to give back: [{"line_no": 1, "quantity": 2}]; null: an address.';
COMMENT ON COLUMN usom.warehouse_request.address_id IS 'Of action address: where to send them; null: the order is to have none.';
COMMENT ON COLUMN usom.warehouse_request.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.warehouse_request.status IS 'pending, accepted or refused.';
COMMENT ON COLUMN usom.warehouse_request.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.warehouse_request.asked_by IS 'Session user who asked.';
COMMENT ON COLUMN usom.warehouse_request.answered_at IS 'When it was answered; null: not yet.';
COMMENT ON COLUMN usom.warehouse_request.answered_by IS 'Session user who answered.';
COMMENT ON COLUMN usom.warehouse_request.answer IS 'What the warehouse said.';

-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.cut_off
	FOR EACH ROW EXECUTE FUNCTION usom._check_cut_off();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.cut_off
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.cut_off ENABLE ALWAYS TRIGGER _memo_changed;

CREATE VIEW usom.fulfillments WITH (security_invoker = true) AS
SELECT f.fulfillment_no, o.order_no, l.code AS location, f.wms, f.status, f.reference, f.lines, f.released_at,
	trim_scale(p.units) AS units_at_work
FROM usom.fulfillment f
JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id
LEFT JOIN usom.location l ON l.org_id = f.org_id AND l.location_id = f.location_id
CROSS JOIN LATERAL (
	SELECT coalesce(sum(p.quantity), 0) AS units FROM usom.fulfillment_line p
	WHERE p.org_id = f.org_id AND p.sales_order_id = f.sales_order_id AND p.location_id = f.location_id AND p.status BETWEEN 'released' AND 'packed') p
WHERE f.org_id = usom.current_org() AND f.wms IS NOT NULL;
COMMENT ON VIEW usom.fulfillments IS 'What was handed over to the outside systems of warehouses.';
COMMENT ON COLUMN usom.fulfillments.fulfillment_no IS 'Number, for usom.record_fulfillment().';
COMMENT ON COLUMN usom.fulfillments.order_no IS 'Order.';
COMMENT ON COLUMN usom.fulfillments.location IS 'Location.';
COMMENT ON COLUMN usom.fulfillments.wms IS 'Outside system.';
COMMENT ON COLUMN usom.fulfillments.status IS 'What follows from its answers: sent, accepted, picked, packed, partially_shipped; all of it is dealt with: shipped, short, rejected or cancelled.';
COMMENT ON COLUMN usom.fulfillments.reference IS 'Number that the outside system gave it.';
COMMENT ON COLUMN usom.fulfillments.lines IS 'Units handed over: line_no, sku, quantity.';
COMMENT ON COLUMN usom.fulfillments.released_at IS 'When.';
COMMENT ON COLUMN usom.fulfillments.units_at_work IS 'Units of the order that are released, picked or packed at the location, by whatever hand-over.';

CREATE VIEW usom.warehouse_requests WITH (security_invoker = true) AS
SELECT r.request_no, o.order_no, l.code AS location, r.action, r.lines, r.reason, r.status, r.asked_at, r.asked_by, r.answered_at, r.answered_by, r.answer
FROM usom.warehouse_request r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.location l ON l.org_id = r.org_id AND l.location_id = r.location_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.warehouse_requests IS 'What warehouses are asked to do after a cut-off; WHERE status = ''pending'' is what waits for an answer.';
COMMENT ON COLUMN usom.warehouse_requests.request_no IS 'Number, for usom.answer_request().';
COMMENT ON COLUMN usom.warehouse_requests.order_no IS 'Order.';
COMMENT ON COLUMN usom.warehouse_requests.location IS 'Location that is asked.';
COMMENT ON COLUMN usom.warehouse_requests.action IS 'cancel, change or address.';
COMMENT ON COLUMN usom.warehouse_requests.lines IS 'Units to give back: line_no, quantity; null: an address.';
COMMENT ON COLUMN usom.warehouse_requests.reason IS 'Why.';
COMMENT ON COLUMN usom.warehouse_requests.status IS 'pending, accepted or refused.';
COMMENT ON COLUMN usom.warehouse_requests.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.warehouse_requests.asked_by IS 'Session user who asked.';
COMMENT ON COLUMN usom.warehouse_requests.answered_at IS 'When it was answered; null: not yet.';
COMMENT ON COLUMN usom.warehouse_requests.answered_by IS 'Session user who answered.';
COMMENT ON COLUMN usom.warehouse_requests.answer IS 'What the warehouse said.';

CREATE VIEW usom.cut_offs WITH (security_invoker = true) AS
SELECT c.code, c.location, c.action, c.stage, c.minutes, c.until_time::text AS until_time, c.active
FROM usom.cut_off c
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.cut_offs IS 'Until when released units are cancelled, changed or sent elsewhere without asking the warehouse.';
COMMENT ON COLUMN usom.cut_offs.code IS 'Name that people use.';
COMMENT ON COLUMN usom.cut_offs.location IS 'Location; null: all that have no row of their own.';
COMMENT ON COLUMN usom.cut_offs.action IS 'cancel, change or address.';
COMMENT ON COLUMN usom.cut_offs.stage IS 'released, picked or packed.';
COMMENT ON COLUMN usom.cut_offs.minutes IS 'Minutes after the release; null: see until_time.';
COMMENT ON COLUMN usom.cut_offs.until_time IS 'Time of day at the location; null, as minutes: no limit.';
COMMENT ON COLUMN usom.cut_offs.active IS 'False: does not count.';

SELECT usom._guard_cards('fulfillment');
SELECT usom._guard_cards('fulfillment_message');
SELECT usom._guard_cards('cut_off');
SELECT usom._guard_cards('warehouse_request');
SELECT usom._guard_kept('fulfillment', 'usom.release_order() or usom.record_fulfillment()');
SELECT usom._guard_ledger('fulfillment_message', 'usom.record_fulfillment()');
SELECT usom._guard_kept('warehouse_request', 'usom.cancel_line(), usom.change_order() or usom.answer_request()');
SELECT usom._guard_master('cut_off', 'code');
SELECT usom._audit_table('fulfillment');
SELECT usom._audit_table('fulfillment_message');
SELECT usom._audit_table('cut_off');
SELECT usom._audit_table('warehouse_request');
