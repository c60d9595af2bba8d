-- step 60
CREATE TABLE usom.migrated_order (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	batch text NOT NULL,
	digest bytea NOT NULL,
	lines integer NOT NULL,
	quantity numeric NOT NULL,
	quantity_shipped numeric NOT NULL,
	quantity_delivered numeric NOT NULL,
	quantity_returned numeric NOT NULL,
	quantity_cancelled numeric NOT NULL,
	total usom.amount NOT NULL,
	migrated_at timestamptz NOT NULL DEFAULT now(),
	migrated_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, sales_order_id),
	CONSTRAINT migrated_order_ended CHECK (quantity = quantity_shipped + quantity_delivered + quantity_returned + quantity_cancelled)
);
CREATE INDEX migrated_order_of_batch ON usom.migrated_order (org_id, batch);
COMMENT ON TABLE usom.migrated_order IS 'Orders that ended in another system and were brought by usom.load_history(), as they were brought. What of them was shipped never was in this stock. Rows are only added.';
COMMENT ON COLUMN usom.migrated_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.migrated_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.migrated_order.batch IS 'Batch that it came with.';
COMMENT ON COLUMN usom.migrated_order.digest IS 'HMAC-SHA-256 of the document under the organisation''s key: tells a repeat from another document.';
COMMENT ON COLUMN usom.migrated_order.lines IS 'Lines.';
COMMENT ON COLUMN usom.migrated_order.quantity IS 'Units of all lines.';
COMMENT ON COLUMN usom.migrated_order.quantity_shipped IS 'Units that were on their way.';
COMMENT ON COLUMN usom.migrated_order.quantity_delivered IS 'Units that the customer had.';
COMMENT ON COLUMN usom.migrated_order.quantity_returned IS 'Units that had come back.';
COMMENT ON COLUMN usom.migrated_order.quantity_cancelled IS 'Units that were cancelled.';
COMMENT ON COLUMN usom.migrated_order.total IS 'Total of the order.';
COMMENT ON COLUMN usom.migrated_order.migrated_at IS 'When it was brought.';
COMMENT ON COLUMN usom.migrated_order.migrated_by IS 'Session user who brought it.';

SELECT usom._guard_cards('migrated_order');
SELECT usom._guard_ledger('migrated_order', 'usom.load_history()');
SELECT usom._audit_table('migrated_order');
