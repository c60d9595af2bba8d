-- step 1
CREATE TABLE usom._schema_step (
	version integer NOT NULL,
	number integer NOT NULL,
	room text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (version, number)
);
COMMENT ON TABLE usom._schema_step IS 'Migration steps that install() and upgrade() have run in this database.';
COMMENT ON COLUMN usom._schema_step.version IS 'Schema version the step belongs to.';
COMMENT ON COLUMN usom._schema_step.number IS 'Number of the step within the version.';
COMMENT ON COLUMN usom._schema_step.room IS 'Room whose schema.sql holds the step.';
COMMENT ON COLUMN usom._schema_step.applied_at IS 'When the step was run.';

CREATE SEQUENCE usom.id_seq;
COMMENT ON SEQUENCE usom.id_seq IS 'The local part of usom.next_id().';
CREATE SEQUENCE usom.order_no_seq;
COMMENT ON SEQUENCE usom.order_no_seq IS 'Order numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.consolidation_no_seq;
COMMENT ON SEQUENCE usom.consolidation_no_seq IS 'Numbers of consolidations where the counter is not gap-free.';
CREATE SEQUENCE usom.package_no_seq;
COMMENT ON SEQUENCE usom.package_no_seq IS 'Package numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.manifest_no_seq;
COMMENT ON SEQUENCE usom.manifest_no_seq IS 'Manifest numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.appointment_no_seq;
COMMENT ON SEQUENCE usom.appointment_no_seq IS 'Appointment numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.draft_no_seq;
COMMENT ON SEQUENCE usom.draft_no_seq IS 'Numbers of drafts where the counter is not gap-free.';
CREATE SEQUENCE usom.message_no_seq;
COMMENT ON SEQUENCE usom.message_no_seq IS 'Numbers of messages where the counter is not gap-free.';
CREATE SEQUENCE usom.fulfillment_no_seq;
COMMENT ON SEQUENCE usom.fulfillment_no_seq IS 'Numbers of hand-overs to warehouses where the counter is not gap-free.';
CREATE SEQUENCE usom.request_no_seq;
COMMENT ON SEQUENCE usom.request_no_seq IS 'Numbers of requests to warehouses where the counter is not gap-free.';
CREATE SEQUENCE usom.wave_no_seq;
COMMENT ON SEQUENCE usom.wave_no_seq IS 'Numbers of waves where the counter is not gap-free.';
CREATE SEQUENCE usom.shipment_no_seq;
COMMENT ON SEQUENCE usom.shipment_no_seq IS 'Shipment numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.return_no_seq;
COMMENT ON SEQUENCE usom.return_no_seq IS 'Return numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.supply_no_seq;
COMMENT ON SEQUENCE usom.supply_no_seq IS 'Supply numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.run_no_seq;
COMMENT ON SEQUENCE usom.run_no_seq IS 'Numbers of backorder runs where the counter is not gap-free.';
CREATE SEQUENCE usom.make_no_seq;
COMMENT ON SEQUENCE usom.make_no_seq IS 'Numbers of make orders where the counter is not gap-free.';

CREATE TABLE usom.document_counter (
	org_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT document_counter_kind_known CHECK (kind IN ('order', 'shipment', 'return', 'supply', 'make', 'run', 'consolidation', 'package', 'manifest', 'appointment', 'message', 'draft', 'fulfillment', 'request', 'wave')),
	prefix text NOT NULL,
	digits integer NOT NULL DEFAULT 6 CONSTRAINT document_counter_digits_sane CHECK (digits BETWEEN 1 AND 18),
	gap_free boolean NOT NULL DEFAULT false,
	last_value bigint NOT NULL DEFAULT 0 CONSTRAINT document_counter_not_negative CHECK (last_value >= 0),
	PRIMARY KEY (org_id, kind)
);
COMMENT ON TABLE usom.document_counter IS 'How an organisation numbers its documents. Gap-free counters are drawn under a row lock and serialise their writers; the others come from a sequence.';
COMMENT ON COLUMN usom.document_counter.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.document_counter.kind IS 'order, shipment, return, supply, make, run (of backorders), consolidation, package, manifest, appointment, fulfillment (hand-over to a warehouse), request (to a warehouse), wave or message (of the inbox).';
COMMENT ON COLUMN usom.document_counter.prefix IS 'Put before the digits.';
COMMENT ON COLUMN usom.document_counter.digits IS 'The number is padded with zeros to so many digits.';
COMMENT ON COLUMN usom.document_counter.gap_free IS 'On: no number is lost by a rollback, at the price of a queue. Set last_value to the last number used when you switch it on.';
COMMENT ON COLUMN usom.document_counter.last_value IS 'Last number given out by the gap-free counter.';

SELECT usom._guard_master('document_counter', 'kind');
-- Not at each number that is drawn.
CREATE TRIGGER _memo_changed AFTER INSERT OR DELETE OR UPDATE OF org_id, kind, prefix, digits, gap_free ON usom.document_counter
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.document_counter ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom._in_use (
	org_id bigint NOT NULL,
	in_use_id bigint NOT NULL DEFAULT usom.next_id(),
	relation text NOT NULL,
	PRIMARY KEY (org_id, in_use_id)
);
COMMENT ON TABLE usom._in_use IS 'Tables of rules that an organisation has ever had rows in: backends do not look into the others. Written by triggers of those tables; a table may stand here more than once.';
COMMENT ON COLUMN usom._in_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom._in_use.in_use_id IS 'Key.';
COMMENT ON COLUMN usom._in_use.relation IS 'Table of schema usom.';
SELECT usom._guard_kept('_in_use', 'usom.verify_in_use(), which tells what is missing');
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom._in_use
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom._in_use ENABLE ALWAYS TRIGGER _memo_changed;
