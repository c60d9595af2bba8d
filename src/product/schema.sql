-- step 1
CREATE TABLE usom.product (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL CONSTRAINT product_sku_given CHECK (sku <> ''),
	name text,
	kind text NOT NULL DEFAULT 'physical' CONSTRAINT product_kind_known CHECK (kind IN ('physical', 'service')),
	unit text NOT NULL DEFAULT 'each',
	category text CONSTRAINT product_category_given CHECK (category <> ''),
	weight usom.quantity NOT NULL DEFAULT 0,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id),
	CONSTRAINT product_sku_unique UNIQUE (org_id, sku)
);
COMMENT ON TABLE usom.product IS 'What is sold. Physical products are held in stock; services (postage, fees) are not.';
COMMENT ON COLUMN usom.product.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product.product_id IS 'Key.';
COMMENT ON COLUMN usom.product.sku IS 'What order documents name.';
COMMENT ON COLUMN usom.product.name IS 'Name for people.';
COMMENT ON COLUMN usom.product.kind IS 'physical or service.';
COMMENT ON COLUMN usom.product.unit IS 'Unit of every quantity of the product.';
COMMENT ON COLUMN usom.product.category IS 'Group of products that sourcing rules may name; null: none.';
COMMENT ON COLUMN usom.product.weight IS 'Kilograms of one unit, for freight.';
COMMENT ON COLUMN usom.product.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.product.created_at IS 'When the row was made.';

SELECT usom._guard_cards('product');
SELECT usom._guard_master('product', 'sku');
SELECT usom._audit_table('product');
