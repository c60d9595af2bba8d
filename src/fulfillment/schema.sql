-- step 1
CREATE TABLE usom.shipment (
	org_id bigint NOT NULL,
	shipment_id bigint NOT NULL DEFAULT usom.next_id(),
	shipment_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint,
	carrier text,
	tracking text,
	status usom.shipment_status NOT NULL,
	shipped_at timestamptz NOT NULL DEFAULT now(),
	delivered_at timestamptz,
	PRIMARY KEY (org_id, shipment_id),
	CONSTRAINT shipment_no_unique UNIQUE (org_id, shipment_no),
	CONSTRAINT shipment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT shipment_delivered_iff_dated CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX shipment_of_order ON usom.shipment (org_id, sales_order_id);
COMMENT ON TABLE usom.shipment IS 'What left one location for one order at one time.';
COMMENT ON COLUMN usom.shipment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.shipment.shipment_id IS 'Key.';
COMMENT ON COLUMN usom.shipment.shipment_no IS 'Number for people and carriers.';
COMMENT ON COLUMN usom.shipment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.shipment.location_id IS 'Where it left from; null for services alone.';
COMMENT ON COLUMN usom.shipment.carrier IS 'Who carries it.';
COMMENT ON COLUMN usom.shipment.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.shipment.status IS 'shipped or delivered.';
COMMENT ON COLUMN usom.shipment.shipped_at IS 'When it left.';
COMMENT ON COLUMN usom.shipment.delivered_at IS 'When it arrived.';

SELECT usom._guard_cards('shipment');
SELECT usom._guard_kept('shipment', 'usom.ship() or usom.deliver()');
SELECT usom._audit_table('shipment');
