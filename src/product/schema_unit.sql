-- step 2
CREATE TABLE usom.product_unit (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sku text NOT NULL,
	unit text NOT NULL CONSTRAINT product_unit_given CHECK (unit <> '' AND length(unit) <= 60),
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	per usom.positive_quantity NOT NULL DEFAULT 1,
	divisible boolean NOT NULL DEFAULT true,
	active boolean NOT NULL DEFAULT true,
	PRIMARY KEY (org_id, sku, unit),
	CONSTRAINT product_unit_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.product_unit IS 'Other units that a product is ordered in: a box of 12. Stock, orders and shipments count in the product''s own unit (usom.product.unit); lines of documents may name one of these, and keep what it was then.';
COMMENT ON COLUMN usom.product_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product_unit.sku IS 'Product.';
COMMENT ON COLUMN usom.product_unit.unit IS 'Name of the unit, such as box. The product''s own unit needs no row: it is always one.';
COMMENT ON COLUMN usom.product_unit.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.product_unit.per IS '... are so many of this one: 12 and 1 for a box of twelve, 1 and 12 where one of a dozen is sold.';
COMMENT ON COLUMN usom.product_unit.divisible IS 'Off: only whole numbers of it are ordered.';
COMMENT ON COLUMN usom.product_unit.active IS 'Off: no new lines.';

SELECT usom._guard_cards('product_unit');
SELECT usom._audit_table('product_unit');

CREATE VIEW usom.product_units WITH (security_invoker = true) AS
SELECT p.sku, p.unit AS base_unit, u.unit, trim_scale(u.quantity) AS quantity, trim_scale(u.per) AS per, u.divisible, u.active
FROM usom.product p
JOIN usom.product_unit u ON u.org_id = p.org_id AND u.sku = p.sku
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.product_units IS 'The units that products of the caller''s organisation are ordered in, beside their own.';
COMMENT ON COLUMN usom.product_units.sku IS 'Product.';
COMMENT ON COLUMN usom.product_units.base_unit IS 'Its own unit, that stock and orders count in.';
COMMENT ON COLUMN usom.product_units.unit IS 'The other unit.';
COMMENT ON COLUMN usom.product_units.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.product_units.per IS '... are so many of the other one.';
COMMENT ON COLUMN usom.product_units.divisible IS 'False: only whole numbers of it are ordered.';
COMMENT ON COLUMN usom.product_units.active IS 'False: no new lines.';
