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

CREATE TABLE usom.tax_rate (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	tax_rate_id bigint NOT NULL DEFAULT usom.next_id(),
	jurisdiction text NOT NULL DEFAULT 'tax' CONSTRAINT tax_rate_jurisdiction_given CHECK (jurisdiction <> ''),
	country text CONSTRAINT tax_rate_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	region text CONSTRAINT tax_rate_region_iso CHECK (region ~ '^[0-9A-Z]{1,3}$'),
	postcode text CONSTRAINT tax_rate_postcode_plain CHECK (postcode ~ '^[0-9A-Z]{1,12}$'),
	tax_class text CONSTRAINT tax_rate_tax_class_given CHECK (tax_class ~ '^[^/]{1,60}$'),
	exemption text CONSTRAINT tax_rate_exemption_given CHECK (exemption ~ '^[^/]{1,60}$'),
	percent numeric(7,4) NOT NULL CONSTRAINT tax_rate_percent_sane CHECK (percent >= 0 AND percent <= 100),
	included boolean NOT NULL DEFAULT false,
	on_freight boolean NOT NULL DEFAULT true,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, tax_rate_id),
	CONSTRAINT tax_rate_place_in_country CHECK (country IS NOT NULL OR region IS NULL AND postcode IS NULL),
	CONSTRAINT tax_rate_valid_to_after_from CHECK (valid_to > valid_from),
	-- No two keys share 64 bits of hash; were it so, the second would have to be spelled otherwise.
	CONSTRAINT tax_rates_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		numrange(hashtextextended(coalesce(country, '') || '/' || coalesce(region, '') || '/' || coalesce(postcode, '') || '/' || coalesce(tax_class, '') || '//' || coalesce(exemption, ''), 0),
			hashtextextended(coalesce(country, '') || '/' || coalesce(region, '') || '/' || coalesce(postcode, '') || '/' || coalesce(tax_class, '') || '//' || coalesce(exemption, ''), 0), '[]') WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
COMMENT ON CONSTRAINT tax_rates_do_not_overlap ON usom.tax_rate IS 'One rate at a time for one exemption, tax class and place.';
COMMENT ON TABLE usom.tax_rate IS 'Tax by where goods go, what they are and who buys them. Of the rates that are in force when an order is placed the most specific one counts, and it alone: one for the customer''s exemption before one for none, then for the tax class, then the longest postal code, then the region, then the country. Without a rate: no tax.';
COMMENT ON COLUMN usom.tax_rate.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.tax_rate.tax_rate_id IS 'Key.';
COMMENT ON COLUMN usom.tax_rate.jurisdiction IS 'Whose tax it is, or its name: what explain_price() shows.';
COMMENT ON COLUMN usom.tax_rate.country IS 'ISO 3166 code of the country that goods are sent to; null: any, or none is known.';
COMMENT ON COLUMN usom.tax_rate.region IS 'State or province: the part of its ISO 3166-2 code after the country; null: any.';
COMMENT ON COLUMN usom.tax_rate.postcode IS 'How the postal code begins: capital letters and digits, nothing between; null: any.';
COMMENT ON COLUMN usom.tax_rate.tax_class IS 'Products with this tax class, 60 characters without a slash; null: all.';
COMMENT ON COLUMN usom.tax_rate.exemption IS 'Customers with this exemption, 60 characters without a slash; null: all.';
COMMENT ON COLUMN usom.tax_rate.percent IS 'Percent of the amount before tax: 19 is 19 %. 0: not taxed.';
COMMENT ON COLUMN usom.tax_rate.included IS 'On: prices and freight have the tax in them; off: it is added.';
COMMENT ON COLUMN usom.tax_rate.on_freight IS 'Off: the freight of such goods is not taxed.';
COMMENT ON COLUMN usom.tax_rate.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.tax_rate.valid_to IS 'Until when, that moment not; null: no end.';

CREATE TABLE usom.freight_charge (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	freight_charge_id bigint NOT NULL DEFAULT usom.next_id(),
	name text NOT NULL DEFAULT 'freight' CONSTRAINT freight_charge_name_given CHECK (name <> ''),
	channel text,
	order_type text,
	country text CONSTRAINT freight_charge_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	order_price usom.price_amount NOT NULL DEFAULT 0,
	weight_price usom.price_amount NOT NULL DEFAULT 0,
	unit_price usom.price_amount NOT NULL DEFAULT 0,
	free_from usom.price_amount,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, freight_charge_id),
	CONSTRAINT freight_charge_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT freight_charges_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		numrange(hashtextextended(currency || coalesce(country, '--') || coalesce(order_type, '') || '//' || coalesce(channel, ''), 0),
			hashtextextended(currency || coalesce(country, '--') || coalesce(order_type, '') || '//' || coalesce(channel, ''), 0), '[]') WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
COMMENT ON CONSTRAINT freight_charges_do_not_overlap ON usom.freight_charge IS 'One charge at a time for one channel, order type, country and currency.';
COMMENT ON TABLE usom.freight_charge IS 'What customers pay for delivery: a price for the order, for each kilogram and for each unit. Of the rows in the currency of the order that are in force when it is placed the most specific one counts: one for the channel before one for none, then for the order type, then for the country. Orders without goods that are sent, and pick-ups that no row names, pay nothing.';
COMMENT ON COLUMN usom.freight_charge.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.freight_charge.freight_charge_id IS 'Key.';
COMMENT ON COLUMN usom.freight_charge.name IS 'What explain_price() shows.';
COMMENT ON COLUMN usom.freight_charge.channel IS 'Orders of this channel; null: of all.';
COMMENT ON COLUMN usom.freight_charge.order_type IS 'Orders of this type, see usom.order_types(); null: of all types but pick_up.';
COMMENT ON COLUMN usom.freight_charge.country IS 'ISO 3166 code of the country that goods are sent to; null: any, or none is known.';
COMMENT ON COLUMN usom.freight_charge.currency IS 'Of the order, and of the prices of this row.';
COMMENT ON COLUMN usom.freight_charge.order_price IS 'For the order.';
COMMENT ON COLUMN usom.freight_charge.weight_price IS 'For each kilogram of its physical products and kits.';
COMMENT ON COLUMN usom.freight_charge.unit_price IS 'For each unit of its physical products and kits.';
COMMENT ON COLUMN usom.freight_charge.free_from IS 'Goods less discount that are worth so much are delivered free; null: never.';
COMMENT ON COLUMN usom.freight_charge.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.freight_charge.valid_to IS 'Until when, that moment not; null: no end.';
CREATE TRIGGER usom_check BEFORE INSERT OR UPDATE ON usom.freight_charge
	FOR EACH ROW EXECUTE FUNCTION usom._check_freight_charge();
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER usom_check;

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.tax_rate
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.tax_rate ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.freight_charge
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER _memo_changed;
SELECT usom._guard_cards('tax_rate');
SELECT usom._guard_cards('freight_charge');

SELECT usom._audit_table('price');
SELECT usom._audit_table('tax_rate');
SELECT usom._audit_table('freight_charge');
