-- step 65
--
-- Products that everybody wants, as tick() has seen them.
CREATE TABLE usom.stock_heat (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	stripes smallint NOT NULL CONSTRAINT stock_heat_stripes_not_negative CHECK (stripes >= 0),
	waiters integer NOT NULL CONSTRAINT stock_heat_waiters_not_negative CHECK (waiters >= 0),
	changed_at timestamptz NOT NULL,
	looked_at timestamptz NOT NULL,
	busy_at timestamptz NOT NULL,
	takes bigint NOT NULL,
	rests_until timestamptz,
	PRIMARY KEY (org_id, product_id, location_id)
);
COMMENT ON TABLE usom.stock_heat IS 'Stock that tick() has divided into stripes because many waited for it; kept when it is in one row again. Stripes that are set by hand have no row.';
COMMENT ON COLUMN usom.stock_heat.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_heat.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_heat.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock_heat.stripes IS 'Stripes that tick() made of it; 0: it is in one row again. Where the stock has another number, that is set by hand.';
COMMENT ON COLUMN usom.stock_heat.waiters IS 'How many waited for it, on the average of a look, when that was done.';
COMMENT ON COLUMN usom.stock_heat.changed_at IS 'When that was done.';
COMMENT ON COLUMN usom.stock_heat.looked_at IS 'When tick() last looked at the stripes.';
COMMENT ON COLUMN usom.stock_heat.busy_at IS 'When it last found that they had served an order a second or more since the look before.';
COMMENT ON COLUMN usom.stock_heat.takes IS 'Orders that the stripes had served by then.';
COMMENT ON COLUMN usom.stock_heat.rests_until IS 'tick() does not divide it before that, since stripes served nobody although many waited; null: it may.';
SELECT usom._guard_kept('stock_heat', 'usom.set_stock_stripes()');
SELECT usom._audit_table('stock_heat');

CREATE VIEW usom.hot_products WITH (security_invoker = true) AS
SELECT p.sku, l.code AS location, s.stripes::integer AS stripes, h.stripes = s.stripes AS by_tick, h.waiters, h.changed_at, h.busy_at, h.rests_until
FROM usom.stock_heat h
JOIN usom.product p ON p.org_id = h.org_id AND p.product_id = h.product_id
JOIN usom.location l ON l.org_id = h.org_id AND l.location_id = h.location_id
JOIN usom.stock s ON s.org_id = h.org_id AND s.product_id = h.product_id AND s.location_id = h.location_id AND s.lot = ''
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.hot_products IS 'Products that so many waited for that tick() divided their stock into stripes, and what became of it. Example: SELECT sku, location, stripes, waiters FROM usom.hot_products ORDER BY changed_at DESC;';
COMMENT ON COLUMN usom.hot_products.sku IS 'Product.';
COMMENT ON COLUMN usom.hot_products.location IS 'Location.';
COMMENT ON COLUMN usom.hot_products.stripes IS 'Stripes of its stock now; 0: it is in one row.';
COMMENT ON COLUMN usom.hot_products.by_tick IS 'True: tick() set that number, and changes it; false: it was set by hand since.';
COMMENT ON COLUMN usom.hot_products.waiters IS 'How many waited for it, on the average, when tick() changed the number last.';
COMMENT ON COLUMN usom.hot_products.changed_at IS 'When that was.';
COMMENT ON COLUMN usom.hot_products.busy_at IS 'When its stripes were last seen to serve an order a second or more.';
COMMENT ON COLUMN usom.hot_products.rests_until IS 'tick() leaves it in one row until then, since stripes served nobody although many waited; null: it does not rest.';
