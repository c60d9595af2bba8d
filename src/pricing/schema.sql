-- step 1
CREATE TABLE usom.price (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	unit_price usom.price_amount NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	PRIMARY KEY (org_id, price_id),
	CONSTRAINT price_once_at_a_time UNIQUE (org_id, sku, currency, valid_from),
	CONSTRAINT price_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.price IS 'List prices. An order line without a unit price takes the newest one that is valid when the order is placed.';
COMMENT ON COLUMN usom.price.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price.price_id IS 'Key.';
COMMENT ON COLUMN usom.price.sku IS 'Product.';
COMMENT ON COLUMN usom.price.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN usom.price.unit_price IS 'Price of one unit.';
COMMENT ON COLUMN usom.price.valid_from IS 'From when on; until the next row of the same product and currency.';

SELECT usom._audit_table('price');
