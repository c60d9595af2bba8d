-- step 4
CREATE TABLE usom.stock_stripe (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	stripe smallint NOT NULL CONSTRAINT stock_stripe_counted CHECK (stripe BETWEEN 1 AND 256),
	free usom.quantity NOT NULL DEFAULT 0,
	takes bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, product_id, location_id, stripe)
) WITH (fillfactor = 20);
ALTER TABLE usom.stock_stripe SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE usom.stock_stripe IS 'Units of a product at a location that its row of stock has lent out, so that orders take them without a queue at that row: each locks one stripe that nobody else has. What a stripe has to give counts as reserved in stock. Written by usom alone; a lock, taken after that of the row of stock, by number.';
COMMENT ON COLUMN usom.stock_stripe.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_stripe.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_stripe.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock_stripe.stripe IS 'Number, from 1 to stripes of the row of stock.';
COMMENT ON COLUMN usom.stock_stripe.free IS 'Units that it has to give.';
COMMENT ON COLUMN usom.stock_stripe.takes IS 'How often units were taken from it.';
-- Which places are striped is remembered; what their stripes have is not.
CREATE INDEX stock_striped ON usom.stock (org_id, product_id, location_id) WHERE stripes > 0;
CREATE TRIGGER _memo_changed AFTER INSERT OR DELETE ON usom.stock_stripe
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('stock_stripe');
ALTER TABLE usom.stock_stripe ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_kept('stock_stripe', 'usom.set_stock_stripes()');
SELECT usom._audit_table('stock_stripe');

CREATE VIEW usom.stock_stripes WITH (security_invoker = true) AS
SELECT p.sku, lo.code AS location, t.stripe::integer AS stripe, trim_scale(t.free) AS free, t.takes
FROM usom.stock_stripe t
JOIN usom.product p ON p.org_id = t.org_id AND p.product_id = t.product_id
JOIN usom.location lo ON lo.org_id = t.org_id AND lo.location_id = t.location_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.stock_stripes IS 'Stripes of stock in the caller''s organisation, see usom.set_stock_stripes().';
COMMENT ON COLUMN usom.stock_stripes.sku IS 'Product.';
COMMENT ON COLUMN usom.stock_stripes.location IS 'Location.';
COMMENT ON COLUMN usom.stock_stripes.stripe IS 'Number of the stripe.';
COMMENT ON COLUMN usom.stock_stripes.free IS 'Units that it has to give; available in stock_position counts them.';
COMMENT ON COLUMN usom.stock_stripes.takes IS 'How often units were taken from it.';
