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
	expires_at timestamptz,
	is_blind boolean NOT NULL DEFAULT false,
	exchange_order_id bigint,
	migrated boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, return_order_id),
	CONSTRAINT return_order_no_unique UNIQUE (org_id, return_no),
	CONSTRAINT return_order_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_order_received_iff_dated CHECK ((status IN ('received', 'inspected')) = (received_at IS NOT NULL))
);
CREATE INDEX return_order_of_order ON usom.return_order (org_id, sales_order_id);
COMMENT ON TABLE usom.return_order IS 'Leave to send goods back, and what came.';
COMMENT ON COLUMN usom.return_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_order.return_order_id IS 'Key.';
COMMENT ON COLUMN usom.return_order.return_no IS 'Number for people.';
COMMENT ON COLUMN usom.return_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.return_order.status IS 'requested, authorized, partially_received, received, inspected, refused or cancelled. Requested and refused are decisions, the others follow from the units of the lines.';
COMMENT ON COLUMN usom.return_order.reason IS 'Why the customer sends it back.';
COMMENT ON COLUMN usom.return_order.authorized_at IS 'When it was allowed.';
COMMENT ON COLUMN usom.return_order.received_at IS 'When the last unit came.';
COMMENT ON COLUMN usom.return_order.expires_at IS 'Until when the goods must have come; null: no end. What has not come by then is not expected any more.';
COMMENT ON COLUMN usom.return_order.is_blind IS 'The goods came without leave.';
COMMENT ON COLUMN usom.return_order.exchange_order_id IS 'Order of what the customer gets instead; null: none.';
COMMENT ON COLUMN usom.return_order.migrated IS 'On: it came with an order of another system, and its units never came into this stock.';

CREATE TABLE usom.return_line (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	quantity usom.quantity NOT NULL CONSTRAINT return_line_of_something CHECK (quantity > 0),
	quantity_received usom.quantity NOT NULL DEFAULT 0,
	quantity_accepted usom.quantity NOT NULL DEFAULT 0,
	quantity_rejected usom.quantity NOT NULL DEFAULT 0,
	quantity_given_up usom.quantity NOT NULL DEFAULT 0,
	inspects boolean NOT NULL DEFAULT false,
	disposition text NOT NULL DEFAULT 'restock' CONSTRAINT return_line_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor')),
	rule text,
	PRIMARY KEY (org_id, return_order_id, line_no),
	CONSTRAINT return_line_of_return FOREIGN KEY (org_id, return_order_id) REFERENCES usom.return_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_line_not_over_received CHECK (quantity_received + quantity_given_up <= quantity),
	CONSTRAINT return_line_not_over_inspected CHECK (quantity_accepted + quantity_rejected <= quantity_received),
	CONSTRAINT return_line_waits_only_for_inspection CHECK (inspects OR (quantity_accepted = quantity_received AND quantity_rejected = 0))
);
COMMENT ON TABLE usom.return_line IS 'Units of an order line that may come back, and that came.';
COMMENT ON COLUMN usom.return_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_line.return_order_id IS 'Return.';
COMMENT ON COLUMN usom.return_line.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.return_line.quantity IS 'Units authorised.';
COMMENT ON COLUMN usom.return_line.quantity_received IS 'Units that came.';
COMMENT ON COLUMN usom.return_line.quantity_accepted IS 'Units of those that were taken back: returned units of the order.';
COMMENT ON COLUMN usom.return_line.quantity_rejected IS 'Units of those that were not taken back: they go to the customer again.';
COMMENT ON COLUMN usom.return_line.quantity_given_up IS 'Units that will not come: the return, or what was left of it, was cancelled or refused.';
COMMENT ON COLUMN usom.return_line.inspects IS 'Units are taken back when they have been inspected, not when they come.';
COMMENT ON COLUMN usom.return_line.disposition IS 'What becomes of its units, unless the inspection says something else: restock, refurbish, scrap or to_vendor.';
COMMENT ON COLUMN usom.return_line.rule IS 'Code of the return rule that it was judged by; null: none.';

CREATE TABLE usom.return_piece (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	return_piece_no integer NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	disposition text CONSTRAINT return_piece_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor', 'reject')),
	piece_no integer,
	location_id bigint,
	condition text,
	received_at timestamptz NOT NULL,
	inspected_at timestamptz,
	PRIMARY KEY (org_id, return_order_id, line_no, return_piece_no),
	CONSTRAINT return_piece_of_line FOREIGN KEY (org_id, return_order_id, line_no) REFERENCES usom.return_line ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_piece_of_piece_iff_taken_back CHECK ((piece_no IS NOT NULL) = (disposition IS NOT NULL AND disposition <> 'reject')),
	CONSTRAINT return_piece_inspected_iff_dated CHECK ((disposition IS NOT NULL) = (inspected_at IS NOT NULL))
);
COMMENT ON TABLE usom.return_piece IS 'Units that came back together, and what became of them.';
COMMENT ON COLUMN usom.return_piece.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_piece.return_order_id IS 'Return.';
COMMENT ON COLUMN usom.return_piece.line_no IS 'Line of the return and of the order.';
COMMENT ON COLUMN usom.return_piece.return_piece_no IS 'Counts within the line of the return.';
COMMENT ON COLUMN usom.return_piece.quantity IS 'Units.';
COMMENT ON COLUMN usom.return_piece.disposition IS 'restock, refurbish, scrap, to_vendor or reject; null: they wait for inspection.';
COMMENT ON COLUMN usom.return_piece.piece_no IS 'Piece of the order line that they are; null: not taken back.';
COMMENT ON COLUMN usom.return_piece.location_id IS 'Where they came to; null: where they were shipped from.';
COMMENT ON COLUMN usom.return_piece.condition IS 'What the inspection found, in the words of who did it.';
COMMENT ON COLUMN usom.return_piece.received_at IS 'When they came.';
COMMENT ON COLUMN usom.return_piece.inspected_at IS 'When it was last decided what becomes of them.';

SELECT usom._guard_cards('return_order');
SELECT usom._guard_kept('return_order', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._guard_kept('return_line', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._guard_cards('return_piece');
SELECT usom._guard_kept('return_piece', 'usom.receive_return() or usom.inspect_return()');
SELECT usom._audit_table('return_order');
SELECT usom._audit_table('return_line');
SELECT usom._audit_table('return_piece');
