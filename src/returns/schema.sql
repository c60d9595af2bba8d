-- step 1
CREATE TABLE usom.return_order (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL DEFAULT usom.next_id(),
	return_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	status usom.return_status NOT NULL,
	reason text,
	authorized_at timestamptz NOT NULL DEFAULT now(),
	received_at timestamptz,
	PRIMARY KEY (org_id, return_order_id),
	CONSTRAINT return_order_no_unique UNIQUE (org_id, return_no),
	CONSTRAINT return_order_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_order_received_iff_dated CHECK ((status = 'received') = (received_at IS NOT NULL))
);
CREATE INDEX return_order_of_order ON usom.return_order (org_id, sales_order_id);
COMMENT ON TABLE usom.return_order IS 'Leave to send goods back, and what came.';
COMMENT ON COLUMN usom.return_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_order.return_order_id IS 'Key.';
COMMENT ON COLUMN usom.return_order.return_no IS 'Number for people.';
COMMENT ON COLUMN usom.return_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.return_order.status IS 'authorized, partially_received or received.';
COMMENT ON COLUMN usom.return_order.reason IS 'Why the customer sends it back.';
COMMENT ON COLUMN usom.return_order.authorized_at IS 'When it was allowed.';
COMMENT ON COLUMN usom.return_order.received_at IS 'When the last unit came.';

CREATE TABLE usom.return_line (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	quantity usom.quantity NOT NULL CONSTRAINT return_line_of_something CHECK (quantity > 0),
	quantity_received usom.quantity NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, return_order_id, line_no),
	CONSTRAINT return_line_of_return FOREIGN KEY (org_id, return_order_id) REFERENCES usom.return_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_line_not_over_received CHECK (quantity_received <= quantity)
);
COMMENT ON TABLE usom.return_line IS 'Units of an order line that may come back, and that came.';
COMMENT ON COLUMN usom.return_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_line.return_order_id IS 'Return.';
COMMENT ON COLUMN usom.return_line.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.return_line.quantity IS 'Units authorised.';
COMMENT ON COLUMN usom.return_line.quantity_received IS 'Units that came.';

SELECT usom._guard_cards('return_order');
SELECT usom._guard_kept('return_order', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._guard_kept('return_line', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._audit_table('return_order');
SELECT usom._audit_table('return_line');
