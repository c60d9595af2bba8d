-- step 1
CREATE TABLE usom.price (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	unit_price usom.price_amount NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	per usom.positive_quantity NOT NULL DEFAULT 1,
	unit text NOT NULL DEFAULT '',
	PRIMARY KEY (org_id, price_id),
	CONSTRAINT price_once_at_a_time UNIQUE (org_id, sku, unit, currency, valid_from),
	CONSTRAINT price_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_exact_for_one_unit CHECK (per = 1 OR round(unit_price / per, 4) * per = unit_price),
	CONSTRAINT price_ranges_apart EXCLUDE USING gist (usom._rule_range(org_id, sku, nullif(unit, ''), NULL, NULL, currency, NULL) WITH =,
		tstzrange(valid_from, valid_to) WITH &&) WHERE (valid_to IS NOT NULL),
	CONSTRAINT price_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.price IS 'List prices. An order line without a unit price takes the one that is valid when the order is placed; of several, the one that began last. Prices that have an end do not overlap.';
COMMENT ON COLUMN usom.price.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price.price_id IS 'Key.';
COMMENT ON COLUMN usom.price.sku IS 'Product.';
COMMENT ON COLUMN usom.price.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN usom.price.unit_price IS 'Price of as many units as per says.';
COMMENT ON COLUMN usom.price.valid_from IS 'From when on; until the next row of the same product and currency.';
COMMENT ON COLUMN usom.price.valid_to IS 'From then on it is not valid, and the price that began before counts again; null: no end.';
COMMENT ON COLUMN usom.price.per IS 'Units that the price is for, such as 100. What one unit costs must come out exact, in four decimals.';
COMMENT ON COLUMN usom.price.unit IS 'Unit of usom.product_unit that the price is for, for lines that are ordered in it; empty: the product''s own. What a box costs need not be twelve times what one costs, nor come out exact for one.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price
	FOR EACH ROW EXECUTE FUNCTION usom._check_price();

CREATE TABLE usom.price_contract (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_contract_id bigint NOT NULL DEFAULT usom.next_id(),
	customer text,
	segment text,
	sku text,
	category text,
	currency usom.currency_code,
	unit_price usom.price_amount,
	percent numeric(7,4) CONSTRAINT price_contract_percent_sane CHECK (percent > 0 AND percent <= 100),
	discountable boolean NOT NULL DEFAULT true,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, price_contract_id),
	CONSTRAINT price_contract_with_somebody CHECK (num_nonnulls(customer, segment) = 1),
	CONSTRAINT price_contract_about_something CHECK (num_nonnulls(sku, category) = 1),
	CONSTRAINT price_contract_price_or_percent CHECK (num_nonnulls(unit_price, percent) = 1),
	CONSTRAINT price_contract_price_has_currency CHECK (unit_price IS NULL OR currency IS NOT NULL),
	CONSTRAINT price_contract_price_of_product CHECK (unit_price IS NULL OR sku IS NOT NULL),
	CONSTRAINT price_contract_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_contract_one_at_a_time EXCLUDE USING gist (usom._rule_range(org_id, sku, category, customer, segment, currency, NULL) WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
CREATE INDEX price_contract_of_customer ON usom.price_contract (org_id, customer, sku, category) WHERE customer IS NOT NULL;
CREATE INDEX price_contract_of_segment ON usom.price_contract (org_id, segment, sku, category) WHERE segment IS NOT NULL;
COMMENT ON TABLE usom.price_contract IS 'What was agreed with a customer or a segment: a price of a product, or a percentage off the list price of a product or category. Of several that fit, the customer''s counts before the segment''s, that of the product before that of its category, that of the currency before that of any. Two of the same are never valid at once.';
COMMENT ON COLUMN usom.price_contract.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_contract.price_contract_id IS 'Key.';
COMMENT ON COLUMN usom.price_contract.customer IS 'Code of the customer; null: it is with a segment.';
COMMENT ON COLUMN usom.price_contract.segment IS 'Segment of customers; null: it is with one customer.';
COMMENT ON COLUMN usom.price_contract.sku IS 'Product; null: it is about a category.';
COMMENT ON COLUMN usom.price_contract.category IS 'Category of products; null: it is about one product.';
COMMENT ON COLUMN usom.price_contract.currency IS 'ISO 4217 code; null: any, for a percentage.';
COMMENT ON COLUMN usom.price_contract.unit_price IS 'Price of one unit; null: it is a percentage.';
COMMENT ON COLUMN usom.price_contract.percent IS 'Percent off the list price; null: it is a price.';
COMMENT ON COLUMN usom.price_contract.discountable IS 'Off: the price is net, quantity breaks, promotions and coupons take nothing off it.';
COMMENT ON COLUMN usom.price_contract.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.price_contract.valid_to IS 'From then on it is not valid; null: no end.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price_contract
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_contract();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_contract
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('price_contract');
ALTER TABLE usom.price_contract ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.price_break (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_break_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text,
	category text,
	level text NOT NULL DEFAULT 'line' CONSTRAINT price_break_level_known CHECK (level IN ('line', 'order')),
	min_quantity usom.positive_quantity,
	min_value usom.price_amount,
	currency usom.currency_code,
	unit_price usom.price_amount,
	percent numeric(7,4) CONSTRAINT price_break_percent_sane CHECK (percent > 0 AND percent <= 100),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, price_break_id),
	CONSTRAINT price_break_sku_or_category CHECK (num_nonnulls(sku, category) <= 1),
	CONSTRAINT price_break_line_by_quantity CHECK ((level = 'line') = (min_quantity IS NOT NULL)),
	CONSTRAINT price_break_order_by_value CHECK ((level = 'order') = (min_value IS NOT NULL)),
	CONSTRAINT price_break_price_or_percent CHECK (num_nonnulls(unit_price, percent) = 1),
	CONSTRAINT price_break_price_of_product CHECK (unit_price IS NULL OR (sku IS NOT NULL AND level = 'line')),
	CONSTRAINT price_break_amount_has_currency CHECK (currency IS NOT NULL OR (unit_price IS NULL AND min_value IS NULL)),
	CONSTRAINT price_break_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_break_one_at_a_time EXCLUDE USING gist (usom._rule_range(org_id, sku, category, level, NULL, currency, coalesce(min_quantity, min_value)) WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
CREATE INDEX price_break_of_scope ON usom.price_break (org_id, sku, category, min_quantity) WHERE level = 'line';
COMMENT ON TABLE usom.price_break IS 'What more costs less: from a quantity of a product on (level line), or from a value of the goods of an order on (level order). A break of the product counts before one of its category, that before one of all products; among those, the one with the highest minimum that is reached. A break never raises a price.';
COMMENT ON COLUMN usom.price_break.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_break.price_break_id IS 'Key.';
COMMENT ON COLUMN usom.price_break.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.price_break.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.price_break.level IS 'line: by the units of each product; order: by the value of the goods that it is about, taken off them all.';
COMMENT ON COLUMN usom.price_break.min_quantity IS 'Level line: from so many units of the product in the order on.';
COMMENT ON COLUMN usom.price_break.min_value IS 'Level order: from such a value of the goods on.';
COMMENT ON COLUMN usom.price_break.currency IS 'ISO 4217 code; null: any, for a percentage by quantity.';
COMMENT ON COLUMN usom.price_break.unit_price IS 'Price of one unit, if that is less; null: it is a percentage.';
COMMENT ON COLUMN usom.price_break.percent IS 'Percent off the price so far; null: it is a price.';
COMMENT ON COLUMN usom.price_break.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.price_break.valid_to IS 'From then on it is not valid; null: no end.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price_break
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_break();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_break
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('price_break');
ALTER TABLE usom.price_break ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.promotion (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	promotion_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT promotion_code_given CHECK (code <> ''),
	name text,
	level text NOT NULL DEFAULT 'line' CONSTRAINT promotion_level_known CHECK (level IN ('line', 'order')),
	segment text,
	channel text,
	skus text[] CONSTRAINT promotion_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	category text,
	min_quantity usom.positive_quantity,
	max_quantity usom.positive_quantity,
	min_value usom.price_amount,
	currency usom.currency_code,
	percent numeric(7,4) CONSTRAINT promotion_percent_sane CHECK (percent > 0 AND percent <= 100),
	amount usom.price_amount CONSTRAINT promotion_amount_above_zero CHECK (amount > 0),
	unit_price usom.price_amount,
	priority integer NOT NULL DEFAULT 100,
	stacks boolean NOT NULL DEFAULT true,
	exclusion_group text CONSTRAINT promotion_exclusion_group_given CHECK (exclusion_group <> ''),
	needs_coupon boolean NOT NULL DEFAULT false,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, promotion_id),
	CONSTRAINT promotion_code_unique UNIQUE (org_id, code),
	CONSTRAINT promotion_does_one_thing CHECK (num_nonnulls(percent, amount, unit_price) = 1),
	CONSTRAINT promotion_price_of_line CHECK (unit_price IS NULL OR level = 'line'),
	CONSTRAINT promotion_amount_has_currency CHECK (currency IS NOT NULL OR num_nonnulls(amount, unit_price, min_value) = 0),
	CONSTRAINT promotion_max_quantity_from_min CHECK (max_quantity >= min_quantity),
	CONSTRAINT promotion_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.promotion IS 'What takes something off for a time: percent, an amount, or down to a fixed price, where all of its conditions hold. Those of level line come before those of level order; among them the lower priority first, then by code.';
COMMENT ON COLUMN usom.promotion.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.promotion.promotion_id IS 'Key.';
COMMENT ON COLUMN usom.promotion.code IS 'Name that explanations and coupons use.';
COMMENT ON COLUMN usom.promotion.name IS 'Name for people.';
COMMENT ON COLUMN usom.promotion.level IS 'line: each line by itself; order: all lines that it is about together, shared by their amounts.';
COMMENT ON COLUMN usom.promotion.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.promotion.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.promotion.skus IS 'Products that it is about; null: those of the category, or all.';
COMMENT ON COLUMN usom.promotion.category IS 'Category of products that it is about; null: any.';
COMMENT ON COLUMN usom.promotion.min_quantity IS 'Units of the product in the order, at least; null: any number.';
COMMENT ON COLUMN usom.promotion.max_quantity IS 'Units of the product in the order, at most; null: any number.';
COMMENT ON COLUMN usom.promotion.min_value IS 'Value of all goods of the order before promotions, at least; null: any.';
COMMENT ON COLUMN usom.promotion.currency IS 'ISO 4217 code of orders that it is about; null: any, for a percentage.';
COMMENT ON COLUMN usom.promotion.percent IS 'Percent off.';
COMMENT ON COLUMN usom.promotion.amount IS 'Amount off: of each unit (level line), of the order (level order); never more than there is.';
COMMENT ON COLUMN usom.promotion.unit_price IS 'Level line: one unit costs so much, if that is less.';
COMMENT ON COLUMN usom.promotion.priority IS 'Lower is tried first.';
COMMENT ON COLUMN usom.promotion.stacks IS 'Off: it applies only to lines that no other promotion applies to.';
COMMENT ON COLUMN usom.promotion.exclusion_group IS 'Of promotions of one group, only the first that fits applies to a line; null: no group.';
COMMENT ON COLUMN usom.promotion.needs_coupon IS 'On: only for orders that bring a coupon of it.';
COMMENT ON COLUMN usom.promotion.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.promotion.valid_to IS 'From then on it is not valid; null: no end.';
COMMENT ON COLUMN usom.promotion.active IS 'Off: it applies to no order that is priced from now on.';
COMMENT ON COLUMN usom.promotion.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.promotion
	FOR EACH ROW EXECUTE FUNCTION usom._check_promotion();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.promotion
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('promotion');
ALTER TABLE usom.promotion ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.coupon (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	coupon_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT coupon_code_given CHECK (code <> ''),
	promotion text NOT NULL,
	limit_uses integer CONSTRAINT coupon_limit_uses_not_negative CHECK (limit_uses >= 0),
	limit_per_customer integer CONSTRAINT coupon_limit_per_customer_some CHECK (limit_per_customer > 0),
	redeemed integer NOT NULL DEFAULT 0 CONSTRAINT coupon_redeemed_not_negative CHECK (redeemed >= 0),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, coupon_id),
	CONSTRAINT coupon_code_unique UNIQUE (org_id, code),
	CONSTRAINT coupon_not_over_redeemed CHECK (redeemed <= limit_uses),
	CONSTRAINT coupon_valid_to_after_from CHECK (valid_to > valid_from)
) WITH (fillfactor = 70);
COMMENT ON TABLE usom.coupon IS 'A code that brings an order a promotion. The row is the lock of its counter, taken after the orders and credit, before stock, by key.';
COMMENT ON COLUMN usom.coupon.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.coupon.coupon_id IS 'Key.';
COMMENT ON COLUMN usom.coupon.code IS 'What the order document names.';
COMMENT ON COLUMN usom.coupon.promotion IS 'Code of the promotion that it brings.';
COMMENT ON COLUMN usom.coupon.limit_uses IS 'Orders that may use it; null: any number. Not below what is redeemed.';
COMMENT ON COLUMN usom.coupon.limit_per_customer IS 'Orders of one customer that may use it, and none of guests; null: any number.';
COMMENT ON COLUMN usom.coupon.redeemed IS 'Orders that use it. Kept by usom from coupon_redemption.';
COMMENT ON COLUMN usom.coupon.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.coupon.valid_to IS 'From then on it is not valid; null: no end.';
COMMENT ON COLUMN usom.coupon.active IS 'Off: no new order may use it.';
COMMENT ON COLUMN usom.coupon.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE OF code, promotion, valid_from, valid_to ON usom.coupon
	FOR EACH ROW EXECUTE FUNCTION usom._check_coupon();
CREATE TRIGGER usom_guard_counter BEFORE UPDATE OF redeemed ON usom.coupon
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'coupon.redeemed', 'usom.place_order() or usom.cancel_order()');
ALTER TABLE usom.coupon ENABLE ALWAYS TRIGGER usom_guard_counter;
-- That there are coupons is remembered, not what they are: counting them makes nobody forget.
CREATE TRIGGER _memo_changed AFTER INSERT ON usom.coupon
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('coupon');
ALTER TABLE usom.coupon ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.coupon_redemption (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	coupon_id bigint NOT NULL,
	customer_id bigint,
	redeemed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	released_at timestamptz,
	PRIMARY KEY (org_id, sales_order_id, coupon_id)
);
CREATE INDEX coupon_redemption_of_customer ON usom.coupon_redemption (org_id, coupon_id, customer_id) WHERE released_at IS NULL;
COMMENT ON TABLE usom.coupon_redemption IS 'Which order uses which coupon: the truth that coupon.redeemed sums up. Written under the locks of the order and of the coupon.';
COMMENT ON COLUMN usom.coupon_redemption.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.coupon_redemption.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.coupon_redemption.coupon_id IS 'Coupon.';
COMMENT ON COLUMN usom.coupon_redemption.customer_id IS 'Customer of the order; null: a guest.';
COMMENT ON COLUMN usom.coupon_redemption.redeemed_at IS 'When the order took it.';
COMMENT ON COLUMN usom.coupon_redemption.released_at IS 'When the order was cancelled or rejected, or changed so that the coupon is off it; null: it counts.';

CREATE TABLE usom.price_step (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	version integer NOT NULL,
	step_no integer NOT NULL,
	line_no integer NOT NULL,
	step text NOT NULL CONSTRAINT price_step_known CHECK (step IN ('document', 'list', 'contract', 'break', 'promotion', 'coupon', 'manual', 'freight', 'tax')),
	rule text,
	unit_price usom.price_amount,
	before usom.amount,
	after usom.amount NOT NULL,
	reason text,
	PRIMARY KEY (org_id, sales_order_id, version, step_no)
);
COMMENT ON TABLE usom.price_step IS 'How the amounts of orders came about: a row for each step of the price waterfall that set or changed the amount of a line. Of each line, a step begins with what the one before it left; the last one leaves what the whole line costs.';
COMMENT ON COLUMN usom.price_step.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_step.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.price_step.version IS 'Version of the order that was priced; the highest one counts.';
COMMENT ON COLUMN usom.price_step.step_no IS 'Number of the step with the order, in the order in which they are taken.';
COMMENT ON COLUMN usom.price_step.line_no IS 'Line. What is taken off the order is shared over its lines.';
COMMENT ON COLUMN usom.price_step.step IS 'document, list, contract, break, promotion, coupon, manual, freight or tax.';
COMMENT ON COLUMN usom.price_step.rule IS 'Which rule: code of the promotion, coupon or rate; whose contract; which minimum.';
COMMENT ON COLUMN usom.price_step.unit_price IS 'Price of one unit from this step on; null: it stays.';
COMMENT ON COLUMN usom.price_step.before IS 'Amount of the whole line before, in the currency of the order; null: there was none.';
COMMENT ON COLUMN usom.price_step.after IS 'Amount of the whole line after.';
COMMENT ON COLUMN usom.price_step.reason IS 'Why, in words.';

SELECT usom._guard_cards('price');
SELECT usom._guard_cards('price_contract');
SELECT usom._guard_cards('price_break');
SELECT usom._guard_cards('promotion');
SELECT usom._guard_cards('coupon');
SELECT usom._guard_master('promotion', 'code');
SELECT usom._guard_master('coupon', 'code');
SELECT usom._guard_kept('coupon_redemption', 'usom.place_order() or usom.cancel_order()');
SELECT usom._guard_ledger('price_step', 'usom.change_order()');

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
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('tax_rate');
ALTER TABLE usom.tax_rate ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.freight_charge
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('freight_charge');
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER _memo_changed;
SELECT usom._guard_cards('tax_rate');
SELECT usom._guard_cards('freight_charge');

SELECT usom._audit_table('price');
SELECT usom._audit_table('tax_rate');
SELECT usom._audit_table('freight_charge');
SELECT usom._audit_table('price_contract');
SELECT usom._audit_table('price_break');
SELECT usom._audit_table('promotion');
SELECT usom._audit_table('coupon');
SELECT usom._audit_table('coupon_redemption');
SELECT usom._audit_table('price_step');
