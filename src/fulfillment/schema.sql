-- step 1
CREATE TABLE usom.shipment (
	org_id bigint NOT NULL,
	shipment_id bigint NOT NULL DEFAULT usom.next_id(),
	shipment_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint,
	carrier text,
	tracking text,
	consolidation_id bigint,
	service text,
	manifest_id bigint,
	status usom.shipment_status NOT NULL,
	shipped_at timestamptz NOT NULL DEFAULT now(),
	delivered_at timestamptz,
	voided_at timestamptz,
	told_at timestamptz,
	PRIMARY KEY (org_id, shipment_id),
	CONSTRAINT shipment_no_unique UNIQUE (org_id, shipment_no),
	CONSTRAINT shipment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT shipment_voided_iff_dated CHECK ((status = 'voided') = (voided_at IS NOT NULL)),
	CONSTRAINT shipment_delivered_iff_dated CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX shipment_ready ON usom.shipment (org_id, location_id) WHERE manifest_id IS NULL AND status = 'shipped';
CREATE INDEX shipment_by_tracking ON usom.shipment (org_id, tracking) WHERE tracking IS NOT NULL;
CREATE INDEX shipment_of_order ON usom.shipment (org_id, sales_order_id);
COMMENT ON TABLE usom.shipment IS 'What left one location for one order at one time.';
COMMENT ON COLUMN usom.shipment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.shipment.shipment_id IS 'Key.';
COMMENT ON COLUMN usom.shipment.shipment_no IS 'Number for people and carriers.';
COMMENT ON COLUMN usom.shipment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.shipment.location_id IS 'Where it left from; null for services alone.';
COMMENT ON COLUMN usom.shipment.carrier IS 'Who carries it.';
COMMENT ON COLUMN usom.shipment.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.shipment.consolidation_id IS 'Consolidation that it left with; null: on its own.';
COMMENT ON COLUMN usom.shipment.service IS 'Service of the carrier: express, standard.';
COMMENT ON COLUMN usom.shipment.manifest_id IS 'Manifest that it was taken along with; null: not yet, or without one.';
COMMENT ON COLUMN usom.shipment.status IS 'See usom.lifecycle(''shipment'').';
COMMENT ON COLUMN usom.shipment.shipped_at IS 'When it left.';
COMMENT ON COLUMN usom.shipment.delivered_at IS 'When it arrived.';
COMMENT ON COLUMN usom.shipment.voided_at IS 'When it was made void; null: it was not.';
COMMENT ON COLUMN usom.shipment.told_at IS 'Time of the carrier''s last word that counted; null: nothing was heard.';

CREATE TABLE usom.consolidation (
	org_id bigint NOT NULL,
	consolidation_id bigint NOT NULL DEFAULT usom.next_id(),
	consolidation_no text NOT NULL,
	customer_id bigint NOT NULL,
	location_id bigint NOT NULL,
	reason text,
	created_at timestamptz NOT NULL DEFAULT now(),
	created_by text NOT NULL DEFAULT session_user,
	shipped_at timestamptz,
	PRIMARY KEY (org_id, consolidation_id),
	CONSTRAINT consolidation_no_unique UNIQUE (org_id, consolidation_no)
);
COMMENT ON TABLE usom.consolidation IS 'Orders of one customer to one address that leave a location as one shipment.';
COMMENT ON COLUMN usom.consolidation.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.consolidation.consolidation_id IS 'Key.';
COMMENT ON COLUMN usom.consolidation.consolidation_no IS 'Number for people.';
COMMENT ON COLUMN usom.consolidation.customer_id IS 'Customer of all its orders.';
COMMENT ON COLUMN usom.consolidation.location_id IS 'Where they leave from.';
COMMENT ON COLUMN usom.consolidation.reason IS 'Why.';
COMMENT ON COLUMN usom.consolidation.created_at IS 'When they were released together.';
COMMENT ON COLUMN usom.consolidation.created_by IS 'Session user who did it.';
COMMENT ON COLUMN usom.consolidation.shipped_at IS 'When it first left; null: not yet.';

CREATE TABLE usom.consolidation_order (
	org_id bigint NOT NULL,
	consolidation_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, consolidation_id, sales_order_id),
	CONSTRAINT consolidation_order_of_consolidation FOREIGN KEY (org_id, consolidation_id) REFERENCES usom.consolidation ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX consolidation_order_by_order ON usom.consolidation_order (org_id, sales_order_id);
COMMENT ON TABLE usom.consolidation_order IS 'Orders of a consolidation, also those that were cancelled meanwhile.';
COMMENT ON COLUMN usom.consolidation_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.consolidation_order.consolidation_id IS 'Consolidation.';
COMMENT ON COLUMN usom.consolidation_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.consolidation_order.units IS 'Units of it that were released with the others, services aside.';

CREATE VIEW usom.consolidations WITH (security_invoker = true) AS
SELECT c.consolidation_no, u.code AS customer, l.code AS location, o.orders, c.reason, c.created_at, c.created_by, c.shipped_at
FROM usom.consolidation c
CROSS JOIN LATERAL (
	SELECT array_agg(s.order_no ORDER BY s.sales_order_id) AS orders
	FROM usom.consolidation_order m
	JOIN usom.sales_order s ON s.org_id = m.org_id AND s.sales_order_id = m.sales_order_id
	WHERE m.org_id = c.org_id AND m.consolidation_id = c.consolidation_id) o
LEFT JOIN usom.customer u ON u.org_id = c.org_id AND u.customer_id = c.customer_id
LEFT JOIN usom.location l ON l.org_id = c.org_id AND l.location_id = c.location_id
WHERE c.org_id = usom.current_org() AND o.orders IS NOT NULL;
COMMENT ON VIEW usom.consolidations IS 'Orders of the caller''s organisation that leave as one shipment, as far as the caller sees them.';
COMMENT ON COLUMN usom.consolidations.consolidation_no IS 'Number, for usom.ship_consolidated().';
COMMENT ON COLUMN usom.consolidations.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.consolidations.location IS 'Where they leave from.';
COMMENT ON COLUMN usom.consolidations.orders IS 'Numbers of the orders.';
COMMENT ON COLUMN usom.consolidations.reason IS 'Why.';
COMMENT ON COLUMN usom.consolidations.created_at IS 'When they were released together.';
COMMENT ON COLUMN usom.consolidations.created_by IS 'Session user who did it.';
COMMENT ON COLUMN usom.consolidations.shipped_at IS 'When it first left; null: not yet.';

SELECT usom._guard_cards('consolidation');
SELECT usom._guard_kept('consolidation', 'usom.consolidate()');
SELECT usom._guard_kept('consolidation_order', 'usom.consolidate()');
SELECT usom._audit_table('consolidation');
SELECT usom._audit_table('consolidation_order');

SELECT usom._guard_cards('shipment');
SELECT usom._guard_kept('shipment', 'usom.ship(), usom.deliver() or usom.void_shipment()');
SELECT usom._audit_table('shipment');
