-- step 1
CREATE TABLE usom.location (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT location_code_given CHECK (code <> ''),
	name text,
	kind text NOT NULL DEFAULT 'warehouse' CONSTRAINT location_kind_known CHECK (kind IN ('warehouse', 'store', 'supplier', 'third_party')),
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	latitude double precision CONSTRAINT location_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision CONSTRAINT location_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	time_zone text NOT NULL DEFAULT 'UTC',
	ships boolean NOT NULL DEFAULT true,
	picks_up boolean NOT NULL DEFAULT false,
	ships_from text NOT NULL DEFAULT 'released' CONSTRAINT location_ships_from_known CHECK (ships_from IN ('released', 'picked', 'packed')),
	pickup_days integer NOT NULL DEFAULT 7 CONSTRAINT location_pickup_days_sane CHECK (pickup_days BETWEEN 0 AND 365),
	order_cost usom.price_amount NOT NULL DEFAULT 0,
	unit_cost usom.price_amount NOT NULL DEFAULT 0,
	handling_cost usom.price_amount NOT NULL DEFAULT 0,
	protected_quantity usom.quantity NOT NULL DEFAULT 0,
	wms text CONSTRAINT location_wms_given CHECK (wms <> ''),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, location_id),
	CONSTRAINT location_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.location IS 'Where stock is held and orders are shipped from.';
COMMENT ON COLUMN usom.location.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location.location_id IS 'Key.';
COMMENT ON COLUMN usom.location.code IS 'What documents and functions name.';
COMMENT ON COLUMN usom.location.name IS 'Name for people.';
COMMENT ON COLUMN usom.location.kind IS 'warehouse, store, supplier (drop ship) or third_party (3PL).';
COMMENT ON COLUMN usom.location.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.location.active IS 'Off: nothing new is reserved here.';
COMMENT ON COLUMN usom.location.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.location.longitude IS 'Degrees east.';
COMMENT ON COLUMN usom.location.time_zone IS 'Clock of its opening hours and capacity: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.location.ships IS 'Off: serves no order that is to be sent.';
COMMENT ON COLUMN usom.location.picks_up IS 'On: customers may fetch their orders here.';
COMMENT ON COLUMN usom.location.ships_from IS 'Least state that units leave from: released (picking and packing may be skipped), picked, or packed.';
COMMENT ON COLUMN usom.location.pickup_days IS 'So many days after the one when it became ready an order is kept for the customer who fetches it, to the end of the last one.';
COMMENT ON COLUMN usom.location.order_cost IS 'What it costs that an order is served from here at all, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.unit_cost IS 'What each unit costs that is served from here, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.handling_cost IS 'What each shipment costs to pick and pack, freight aside, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.protected_quantity IS 'Units of each product that orders to be sent leave to the shop.';
COMMENT ON COLUMN usom.location.wms IS 'Outside system that runs the warehouse: what is released here is handed over to it, and it answers by usom.record_fulfillment(). Null: none.';
COMMENT ON COLUMN usom.location.created_at IS 'When the row was made.';

CREATE TABLE usom.stock (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	on_hand usom.quantity NOT NULL DEFAULT 0,
	reserved usom.quantity NOT NULL DEFAULT 0,
	held usom.quantity NOT NULL DEFAULT 0,
	held_until timestamptz,
	safety usom.quantity NOT NULL DEFAULT 0,
	usable_until timestamptz,
	stripes smallint NOT NULL DEFAULT 0,
	lent usom.quantity NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, product_id, location_id, lot),
	CONSTRAINT stock_not_oversold CHECK (reserved <= on_hand),
	CONSTRAINT stock_is_sound CHECK (usom._stock_is_sound(held, held_until, stripes, lent, lot))
) WITH (fillfactor = 50);
ALTER TABLE usom.stock SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE usom.stock IS 'Balance of a product, location and lot, kept from stock_movement (on_hand), fulfillment_line (reserved) and reservation (held). Written by usom alone; the rows are the locks of the stock, taken in key order.';
COMMENT ON COLUMN usom.stock.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.stock.on_hand IS 'Units on the shelf: the sum of the movements.';
COMMENT ON COLUMN usom.stock.reserved IS 'Units promised to order pieces that are not shipped yet, and those that stripes have to give.';
COMMENT ON COLUMN usom.stock.held IS 'Units under soft reservations: the sum of their rows. Once held_until has passed, those that have run out are subtracted.';
COMMENT ON COLUMN usom.stock.held_until IS 'Earliest expiry among the soft reservations; null if there is none.';
COMMENT ON COLUMN usom.stock.safety IS 'Units that are never promised.';
COMMENT ON COLUMN usom.stock.usable_until IS 'From then on nothing of it is promised, reserved or shipped: when the lot expires; -infinity: it is blocked; null: for ever. Kept from usom.lot.';
COMMENT ON COLUMN usom.stock.stripes IS 'Rows of stock_stripe that orders take units from without this row; 0: none.';
COMMENT ON COLUMN usom.stock.lent IS 'Units that were last lent to the stripes; what they have still is free in stock_stripe, and counted in reserved. 0: nothing is lent.';

CREATE TABLE usom.stock_movement (
	org_id bigint NOT NULL,
	stock_movement_id bigint NOT NULL DEFAULT usom.next_id(),
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	kind text NOT NULL CONSTRAINT stock_movement_kind_known CHECK (kind IN ('receipt', 'reversal', 'adjustment', 'count', 'shipment', 'void', 'return', 'transfer', 'scrap', 'refurbish', 'to_vendor')),
	delta numeric(18,6) NOT NULL CONSTRAINT stock_movement_moves CHECK (delta <> 0 AND delta > -1e12 AND delta < 1e12),
	reference text,
	reason text,
	sales_order_id bigint,
	moved_at timestamptz NOT NULL DEFAULT now(),
	actor text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, stock_movement_id)
);
CREATE INDEX stock_movement_of_receipt ON usom.stock_movement (org_id, reference, product_id) WHERE kind IN ('receipt', 'reversal') AND reference IS NOT NULL;
COMMENT ON TABLE usom.stock_movement IS 'The ledger of stock: every change of on_hand, once, for ever. The truth that stock sums up.';
COMMENT ON COLUMN usom.stock_movement.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_movement.stock_movement_id IS 'Key.';
COMMENT ON COLUMN usom.stock_movement.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_movement.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock_movement.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.stock_movement.kind IS 'receipt, reversal, adjustment, count, shipment, void (of a shipment that no carrier took) or return; transfer, scrap, refurbish or to_vendor of what came back.';
COMMENT ON COLUMN usom.stock_movement.delta IS 'Units in (positive) or out (negative).';
COMMENT ON COLUMN usom.stock_movement.reference IS 'Document of the outside world, or number of the shipment or return.';
COMMENT ON COLUMN usom.stock_movement.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.stock_movement.sales_order_id IS 'Order that shipped or returned the units.';
COMMENT ON COLUMN usom.stock_movement.moved_at IS 'When the movement was booked.';
COMMENT ON COLUMN usom.stock_movement.actor IS 'Session user who booked it.';

CREATE TABLE usom.reservation (
	org_id bigint NOT NULL,
	reservation_id bigint NOT NULL DEFAULT usom.next_id(),
	owner text NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	quantity usom.quantity NOT NULL CONSTRAINT reservation_of_something CHECK (quantity > 0),
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, reservation_id),
	CONSTRAINT reservation_once_per_owner UNIQUE (org_id, product_id, location_id, lot, owner)
);
COMMENT ON TABLE usom.reservation IS 'Soft reservations: units kept for a cart or an agent until expires_at, without a job that sweeps them.';
COMMENT ON COLUMN usom.reservation.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.reservation.reservation_id IS 'Key; what reserve_stock returns.';
COMMENT ON COLUMN usom.reservation.owner IS 'Cart, session or agent; a second reservation of the same owner replaces the first.';
COMMENT ON COLUMN usom.reservation.product_id IS 'Product.';
COMMENT ON COLUMN usom.reservation.location_id IS 'Location.';
COMMENT ON COLUMN usom.reservation.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.reservation.quantity IS 'Units kept.';
COMMENT ON COLUMN usom.reservation.expires_at IS 'From then on the row counts no more.';
COMMENT ON COLUMN usom.reservation.created_at IS 'When the row was made.';

CREATE INDEX reservation_by_expiry ON usom.reservation (org_id, product_id, location_id, lot, expires_at);
CREATE INDEX reservation_of_owner ON usom.reservation (org_id, owner);

CREATE TABLE usom.location_capacity (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_capacity_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	on_date date,
	units usom.quantity,
	orders integer CONSTRAINT location_capacity_orders_not_negative CHECK (orders >= 0),
	PRIMARY KEY (org_id, location_capacity_id),
	CONSTRAINT location_capacity_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT location_capacity_once_a_day UNIQUE NULLS NOT DISTINCT (org_id, location_id, on_date)
);
COMMENT ON TABLE usom.location_capacity IS 'How much a location ships in a day. Days and hours begin at the location''s own clock. Work is counted from the first row of a location on.';
COMMENT ON COLUMN usom.location_capacity.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_capacity.location_capacity_id IS 'Key.';
COMMENT ON COLUMN usom.location_capacity.location_id IS 'Location, see usom.location_id().';
COMMENT ON COLUMN usom.location_capacity.on_date IS 'The one local day that the row is for, instead of the usual; null: every day.';
COMMENT ON COLUMN usom.location_capacity.units IS 'Units at most; null: no limit.';
COMMENT ON COLUMN usom.location_capacity.orders IS 'Orders at most; null: no limit.';

CREATE TABLE usom.location_load (
	org_id bigint NOT NULL,
	location_id bigint NOT NULL,
	on_date date NOT NULL,
	units usom.quantity NOT NULL DEFAULT 0,
	orders integer NOT NULL DEFAULT 0 CONSTRAINT location_load_orders_not_negative CHECK (orders >= 0),
	PRIMARY KEY (org_id, location_id, on_date)
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.location_load IS 'What of a location''s day is taken, kept from capacity_use. The rows are the locks of the capacity: taken after those of stock, by location and day.';
COMMENT ON COLUMN usom.location_load.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_load.location_id IS 'Location.';
COMMENT ON COLUMN usom.location_load.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.location_load.units IS 'Units to be shipped that day.';
COMMENT ON COLUMN usom.location_load.orders IS 'Orders they are of.';

CREATE TABLE usom.capacity_use (
	org_id bigint NOT NULL,
	location_id bigint NOT NULL,
	on_date date NOT NULL,
	sales_order_id bigint NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, sales_order_id, location_id, on_date)
);
COMMENT ON TABLE usom.capacity_use IS 'What an order takes of a location''s day: the truth that location_load sums up. Written under the lock of the order.';
COMMENT ON COLUMN usom.capacity_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.capacity_use.location_id IS 'Location.';
COMMENT ON COLUMN usom.capacity_use.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.capacity_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.capacity_use.units IS 'Units of it to be shipped from there that day.';
CREATE TABLE usom.supply (
	org_id bigint NOT NULL,
	supply_id bigint NOT NULL,
	supply_no text NOT NULL CONSTRAINT supply_no_given CHECK (supply_no <> ''),
	kind text NOT NULL CONSTRAINT supply_kind_known CHECK (kind IN ('purchase', 'production', 'transfer', 'return', 'drop_ship')),
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	received usom.quantity NOT NULL DEFAULT 0,
	rejected usom.quantity NOT NULL DEFAULT 0,
	pegged usom.quantity NOT NULL DEFAULT 0,
	expected_at timestamptz NOT NULL,
	confidence numeric(4,3) NOT NULL DEFAULT 1 CONSTRAINT supply_confidence_is_share CHECK (confidence > 0 AND confidence <= 1),
	status text NOT NULL DEFAULT 'expected' CONSTRAINT supply_status_known CHECK (status IN ('expected', 'received', 'cancelled')),
	reference text,
	sales_order_id bigint,
	line_no integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, supply_id),
	CONSTRAINT supply_no_unique UNIQUE (org_id, supply_no),
	CONSTRAINT supply_expected_iff_rest CHECK ((status = 'expected' AND received < quantity) OR status <> 'expected'),
	CONSTRAINT supply_not_overpegged CHECK (pegged <= CASE status WHEN 'expected' THEN quantity - received ELSE 0 END),
	CONSTRAINT supply_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX supply_of_line ON usom.supply (org_id, sales_order_id, line_no) WHERE sales_order_id IS NOT NULL;
CREATE INDEX supply_expected ON usom.supply (org_id, product_id, expected_at) WHERE status = 'expected';
COMMENT ON TABLE usom.supply IS 'Stock that is under way: a purchase, a production order, a transfer. Pieces that wait are pegged to it and promised for its date. Written by usom alone; the rows are locks, taken in key order after those of stock.';
COMMENT ON COLUMN usom.supply.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.supply.supply_id IS 'Key.';
COMMENT ON COLUMN usom.supply.supply_no IS 'Number of the document, given by the caller or by the counter.';
COMMENT ON COLUMN usom.supply.kind IS 'purchase, production, transfer, return or drop_ship.';
COMMENT ON COLUMN usom.supply.product_id IS 'Product.';
COMMENT ON COLUMN usom.supply.location_id IS 'Location where it arrives.';
COMMENT ON COLUMN usom.supply.quantity IS 'Units under way when nothing of it has arrived.';
COMMENT ON COLUMN usom.supply.received IS 'Units that have arrived; more than quantity if too many came.';
COMMENT ON COLUMN usom.supply.rejected IS 'Units that came and were not taken in.';
COMMENT ON COLUMN usom.supply.pegged IS 'Units that waiting pieces count on: the sum of the pieces that name it.';
COMMENT ON COLUMN usom.supply.expected_at IS 'When it is expected.';
COMMENT ON COLUMN usom.supply.confidence IS 'How sure quantity and date are: above 0, 1 is certain.';
COMMENT ON COLUMN usom.supply.status IS 'expected, received (nothing more comes) or cancelled.';
COMMENT ON COLUMN usom.supply.reference IS 'Number of the document of the outside world.';
COMMENT ON COLUMN usom.supply.sales_order_id IS 'Order it is for and for no other; null: for all.';
COMMENT ON COLUMN usom.supply.line_no IS 'Line of that order; null if it is for all.';
COMMENT ON COLUMN usom.supply.created_at IS 'When the row was made.';

CREATE TRIGGER _note_in_use AFTER INSERT ON usom.supply
	FOR EACH ROW EXECUTE FUNCTION usom._note_in_use('supply');
ALTER TABLE usom.supply ENABLE ALWAYS TRIGGER _note_in_use;

CREATE TABLE usom.stock_interest (
	org_id bigint NOT NULL,
	stock_interest_id bigint NOT NULL DEFAULT usom.next_id(),
	customer_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint,
	quantity usom.positive_quantity NOT NULL,
	watched_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	told_at timestamptz,
	PRIMARY KEY (org_id, stock_interest_id)
);
CREATE UNIQUE INDEX stock_interest_once ON usom.stock_interest (org_id, product_id, location_id, customer_id) NULLS NOT DISTINCT WHERE told_at IS NULL;
COMMENT ON TABLE usom.stock_interest IS 'Who wants to be told when a product is in stock again. Reserves nothing.';
COMMENT ON COLUMN usom.stock_interest.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_interest.stock_interest_id IS 'Key.';
COMMENT ON COLUMN usom.stock_interest.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.stock_interest.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_interest.location_id IS 'Location; null: any.';
COMMENT ON COLUMN usom.stock_interest.quantity IS 'Units the customer wants.';
COMMENT ON COLUMN usom.stock_interest.watched_at IS 'When the customer asked: the order in which they are told.';
COMMENT ON COLUMN usom.stock_interest.expires_at IS 'From then on the interest counts no more; null: until told.';
COMMENT ON COLUMN usom.stock_interest.told_at IS 'When the event was written; null: not yet.';
SELECT usom._guard_kept('stock_interest', 'usom.watch_stock() or usom.unwatch_stock()');
SELECT usom._audit_table('stock_interest');

CREATE TABLE usom.quota (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	quota_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT quota_code_given CHECK (code <> ''),
	name text,
	meaning text NOT NULL DEFAULT 'ceiling' CONSTRAINT quota_meaning_known CHECK (meaning IN ('ceiling', 'protection')),
	sku text,
	category text,
	channel text,
	customer text,
	segment text,
	country text CONSTRAINT quota_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	quantity usom.quantity NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT now(),
	valid_to timestamptz,
	every text CONSTRAINT quota_every_known CHECK (every IN ('day', 'week', 'month')),
	time_zone text NOT NULL DEFAULT 'UTC',
	borrows_from text[] CONSTRAINT quota_borrows_from_not_empty CHECK (cardinality(borrows_from) > 0 AND array_position(borrows_from, NULL) IS NULL),
	takes_rest boolean NOT NULL DEFAULT true,
	release_at timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, quota_id),
	CONSTRAINT quota_code_unique UNIQUE (org_id, code),
	CONSTRAINT quota_sku_or_category CHECK (sku IS NULL OR category IS NULL),
	CONSTRAINT quota_protects_a_product CHECK (meaning <> 'protection' OR sku IS NOT NULL),
	CONSTRAINT quota_protects_for_somebody CHECK (meaning <> 'protection' OR num_nonnulls(channel, customer, segment, country) > 0),
	CONSTRAINT quota_released_if_protected CHECK (release_at IS NULL OR meaning = 'protection'),
	CONSTRAINT quota_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.quota IS 'Who may have how much of what is scarce. A ceiling: its members get so many units of a product or category in a period at most. A protection: so many units of a product are kept for its members. Members are orders that all of channel, customer, segment and country fit. The row is the lock of what is used of it, taken after those of stock and supply, by key.';
COMMENT ON COLUMN usom.quota.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota.quota_id IS 'Key.';
COMMENT ON COLUMN usom.quota.code IS 'Name that messages and other quotas use.';
COMMENT ON COLUMN usom.quota.name IS 'Name for people.';
COMMENT ON COLUMN usom.quota.meaning IS 'ceiling or protection.';
COMMENT ON COLUMN usom.quota.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.quota.category IS 'Category of products, their units added up; null: any.';
COMMENT ON COLUMN usom.quota.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.quota.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.quota.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.quota.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.quota.quantity IS 'Units in each period.';
COMMENT ON COLUMN usom.quota.valid_from IS 'From when it is in force; where it does not repeat, also the name of its period: a new one begins with nothing used.';
COMMENT ON COLUMN usom.quota.valid_to IS 'From then on it is not in force; null: for ever.';
COMMENT ON COLUMN usom.quota.every IS 'day, week (from Monday) or month: anew each time; null: once.';
COMMENT ON COLUMN usom.quota.time_zone IS 'Clock at which days, weeks and months begin: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.quota.borrows_from IS 'Codes of quotas whose units members may have when there are no others, in this order; null: none.';
COMMENT ON COLUMN usom.quota.takes_rest IS 'Protection. On: members may have unprotected units when theirs are used up.';
COMMENT ON COLUMN usom.quota.release_at IS 'Protection: from then on the unused units are for all; null: never.';
COMMENT ON COLUMN usom.quota.active IS 'Off: neither limits nor protects, and counts no more.';
COMMENT ON COLUMN usom.quota.created_at IS 'When the row was made.';

CREATE TABLE usom.quota_load (
	org_id bigint NOT NULL,
	quota_id bigint NOT NULL,
	starts_at timestamptz NOT NULL,
	used usom.quantity NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, quota_id, starts_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.quota_load IS 'What of a quota''s period is used, kept from quota_use. Written under the lock of the quota.';
COMMENT ON COLUMN usom.quota_load.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota_load.quota_id IS 'Quota.';
COMMENT ON COLUMN usom.quota_load.starts_at IS 'When the period began.';
COMMENT ON COLUMN usom.quota_load.used IS 'Units allocated.';

CREATE TABLE usom.quota_use (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	quota_id bigint NOT NULL,
	lender_id bigint NOT NULL,
	starts_at timestamptz NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, sales_order_id, line_no, quota_id, lender_id, starts_at)
);
CREATE INDEX quota_use_of_lender ON usom.quota_use (org_id, lender_id, starts_at);
COMMENT ON TABLE usom.quota_use IS 'What an order line uses of a quota: the truth that quota_load sums up. Written under the locks of the order and of the quota.';
COMMENT ON COLUMN usom.quota_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.quota_use.line_no IS 'Line.';
COMMENT ON COLUMN usom.quota_use.quota_id IS 'Quota that the line is a member of.';
COMMENT ON COLUMN usom.quota_use.lender_id IS 'Quota whose units they are; the same unless they are borrowed.';
COMMENT ON COLUMN usom.quota_use.starts_at IS 'Period of the lender.';
COMMENT ON COLUMN usom.quota_use.units IS 'Units.';

CREATE TABLE usom.pre_order_offer (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	pre_order_offer_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL,
	opens_at timestamptz NOT NULL DEFAULT now(),
	release_at timestamptz NOT NULL,
	quantity usom.quantity,
	when_full text NOT NULL DEFAULT 'refuse' CONSTRAINT pre_order_offer_when_full_known CHECK (when_full IN ('refuse', 'wait')),
	ended_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, pre_order_offer_id),
	CONSTRAINT pre_order_offer_opens_before_release CHECK (opens_at < release_at)
);
CREATE UNIQUE INDEX pre_order_offer_one_at_a_time ON usom.pre_order_offer (org_id, sku) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.pre_order_offer IS 'A product that is sold before its release. From opens_at to release_at its units wait, whoever orders; lines count against quantity, in quota_load and quota_use. From release_at on what they wait for is kept for them until the last one is served. The row is a lock, taken after those of quotas, by key.';
COMMENT ON COLUMN usom.pre_order_offer.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.pre_order_offer.pre_order_offer_id IS 'Key.';
COMMENT ON COLUMN usom.pre_order_offer.sku IS 'Product.';
COMMENT ON COLUMN usom.pre_order_offer.opens_at IS 'From when it is sold.';
COMMENT ON COLUMN usom.pre_order_offer.release_at IS 'From when it is allocated; the promise of its pre-orders.';
COMMENT ON COLUMN usom.pre_order_offer.quantity IS 'Units that are sold before the release; null: any number.';
COMMENT ON COLUMN usom.pre_order_offer.when_full IS 'refuse: an order for more is refused (US208); wait: its line waits like any other, without a promise.';
COMMENT ON COLUMN usom.pre_order_offer.ended_at IS 'When the last pre-order was served, or the offer was ended by hand; null: it stands.';
COMMENT ON COLUMN usom.pre_order_offer.created_at IS 'When the row was made.';
CREATE TRIGGER usom_pre_order BEFORE INSERT OR UPDATE ON usom.pre_order_offer
	FOR EACH ROW EXECUTE FUNCTION usom._check_pre_order();
CREATE TRIGGER _note_in_use AFTER INSERT ON usom.pre_order_offer
	FOR EACH ROW EXECUTE FUNCTION usom._note_in_use('pre_order_offer');
ALTER TABLE usom.pre_order_offer ENABLE ALWAYS TRIGGER _note_in_use;

-- Rows that replication brings were checked where they came from, and may come before what they name, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_quota BEFORE INSERT OR UPDATE ON usom.quota
	FOR EACH ROW EXECUTE FUNCTION usom._check_quota();
CREATE TRIGGER _note_in_use AFTER INSERT ON usom.quota
	FOR EACH ROW EXECUTE FUNCTION usom._note_in_use('quota');
ALTER TABLE usom.quota ENABLE ALWAYS TRIGGER _note_in_use;

CREATE VIEW usom.quotas WITH (security_invoker = true) AS
SELECT q.code AS quota, q.name, q.meaning, q.sku, q.category, q.channel, q.customer, q.segment, q.country, trim_scale(q.quantity) AS quantity,
	coalesce(trim_scale(l.used), 0) AS used, trim_scale(greatest(q.quantity - coalesce(l.used, 0), 0)) AS "left",
	t.starts_at AS period_start, q.every, q.time_zone, q.valid_from, q.valid_to, q.release_at,
	q.active AND q.valid_from <= statement_timestamp() AND coalesce(q.valid_to > statement_timestamp(), true)
		AND coalesce(q.release_at > statement_timestamp(), true) AS in_force,
	q.borrows_from, q.takes_rest
FROM usom.quota q
CROSS JOIN LATERAL (SELECT CASE WHEN q.every IS NULL THEN q.valid_from
	ELSE date_trunc(q.every, statement_timestamp() AT TIME ZONE q.time_zone) AT TIME ZONE q.time_zone END AS starts_at) t
LEFT JOIN usom.quota_load l ON l.org_id = q.org_id AND l.quota_id = q.quota_id AND l.starts_at = t.starts_at
WHERE q.org_id = usom.current_org();
COMMENT ON VIEW usom.quotas IS 'The quotas of the caller''s organisation, with what is used of the present period.';
COMMENT ON COLUMN usom.quotas.quota IS 'Code.';
COMMENT ON COLUMN usom.quotas.name IS 'Name for people.';
COMMENT ON COLUMN usom.quotas.meaning IS 'ceiling or protection.';
COMMENT ON COLUMN usom.quotas.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.quotas.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.quotas.channel IS 'Channel of the order; null: any.';
COMMENT ON COLUMN usom.quotas.customer IS 'Customer of the order; null: any.';
COMMENT ON COLUMN usom.quotas.segment IS 'Segment of the customer; null: any.';
COMMENT ON COLUMN usom.quotas.country IS 'Country of the address; null: any.';
COMMENT ON COLUMN usom.quotas.quantity IS 'Units in each period.';
COMMENT ON COLUMN usom.quotas.used IS 'Units allocated in the present one.';
COMMENT ON COLUMN usom.quotas."left" IS 'Units that can be allocated still.';
COMMENT ON COLUMN usom.quotas.period_start IS 'When the present period began.';
COMMENT ON COLUMN usom.quotas.every IS 'day, week or month; null: once.';
COMMENT ON COLUMN usom.quotas.time_zone IS 'Clock at which periods begin.';
COMMENT ON COLUMN usom.quotas.valid_from IS 'From when it is in force.';
COMMENT ON COLUMN usom.quotas.valid_to IS 'From then on it is not; null: for ever.';
COMMENT ON COLUMN usom.quotas.release_at IS 'Protection: from then on the unused units are for all.';
COMMENT ON COLUMN usom.quotas.in_force IS 'True: it limits or protects now.';
COMMENT ON COLUMN usom.quotas.borrows_from IS 'Quotas whose units members may have when there are no others.';
COMMENT ON COLUMN usom.quotas.takes_rest IS 'Protection. True: members may have unprotected units, too.';

CREATE TRIGGER usom_time_zone BEFORE INSERT OR UPDATE ON usom.location
	FOR EACH ROW EXECUTE FUNCTION usom._check_time_zone();
ALTER TABLE usom.location ENABLE ALWAYS TRIGGER usom_time_zone;

CREATE VIEW usom.locations WITH (security_invoker = true) AS
SELECT l.code AS location, l.name, l.kind, l.active, l.priority, l.ships, l.picks_up, l.time_zone,
	l.latitude::numeric AS latitude, l.longitude::numeric AS longitude,
	trim_scale(l.order_cost) AS order_cost, trim_scale(l.unit_cost) AS unit_cost, trim_scale(l.handling_cost) AS handling_cost,
	trim_scale(l.protected_quantity) AS protected_quantity, l.ships_from, l.wms
FROM usom.location l
WHERE l.org_id = usom.current_org();
COMMENT ON VIEW usom.locations IS 'The locations of the caller''s organisation.';
COMMENT ON COLUMN usom.locations.location IS 'Code.';
COMMENT ON COLUMN usom.locations.name IS 'Name for people.';
COMMENT ON COLUMN usom.locations.kind IS 'warehouse, store, supplier (drop ship) or third_party (3PL).';
COMMENT ON COLUMN usom.locations.active IS 'False: nothing new is reserved here.';
COMMENT ON COLUMN usom.locations.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.locations.ships IS 'False: serves no order that is to be sent.';
COMMENT ON COLUMN usom.locations.picks_up IS 'True: customers may fetch their orders here.';
COMMENT ON COLUMN usom.locations.time_zone IS 'Clock of its opening hours and capacity.';
COMMENT ON COLUMN usom.locations.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.locations.longitude IS 'Degrees east.';
COMMENT ON COLUMN usom.locations.order_cost IS 'What it costs that an order is served from here at all, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.unit_cost IS 'What each unit costs, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.handling_cost IS 'What each shipment costs, freight aside, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.protected_quantity IS 'Units of each product that orders to be sent leave to the shop.';
COMMENT ON COLUMN usom.locations.ships_from IS 'Least state that units leave from: released, picked or packed.';
COMMENT ON COLUMN usom.locations.wms IS 'Outside system that runs the warehouse; null: none.';

CREATE VIEW usom.location_loads WITH (security_invoker = true) AS
SELECT l.code AS location, d.on_date, trim_scale(d.units) AS units, d.orders,
	trim_scale(c.units) AS units_limit, c.orders AS orders_limit,
	CASE WHEN c.units IS NOT NULL THEN trim_scale(greatest(c.units - d.units, 0)) END AS units_free,
	CASE WHEN c.orders IS NOT NULL THEN greatest(c.orders - d.orders, 0) END AS orders_free
FROM usom.location_load d
JOIN usom.location l ON l.org_id = d.org_id AND l.location_id = d.location_id
LEFT JOIN LATERAL (
	SELECT c.units, c.orders FROM usom.location_capacity c
	WHERE c.org_id = d.org_id AND c.location_id = d.location_id AND (c.on_date = d.on_date OR c.on_date IS NULL)
	ORDER BY c.on_date LIMIT 1) c ON true
WHERE d.org_id = usom.current_org();
COMMENT ON VIEW usom.location_loads IS 'How full the days of the locations of the caller''s organisation are: a row for each local day with work at a location whose capacity is limited.';
COMMENT ON COLUMN usom.location_loads.location IS 'Code of the location.';
COMMENT ON COLUMN usom.location_loads.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.location_loads.units IS 'Units to be shipped that day.';
COMMENT ON COLUMN usom.location_loads.orders IS 'Orders they are of.';
COMMENT ON COLUMN usom.location_loads.units_limit IS 'Units at most; null: no limit.';
COMMENT ON COLUMN usom.location_loads.orders_limit IS 'Orders at most; null: no limit.';
COMMENT ON COLUMN usom.location_loads.units_free IS 'Units that can be added; null: no limit.';
COMMENT ON COLUMN usom.location_loads.orders_free IS 'Orders that can be added; null: no limit.';

SELECT usom._guard_cards('location');
SELECT usom._guard_cards('reservation');
SELECT usom._guard_cards('supply');
SELECT usom._guard_cards('quota');
SELECT usom._guard_cards('pre_order_offer');
SELECT usom._guard_master('pre_order_offer', 'sku');
SELECT usom._guard_master('quota', 'code');
SELECT usom._guard_kept('quota_load', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('quota_use', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_master('location', 'code');
SELECT usom._guard_kept('stock', 'usom.receive_stock(), usom.adjust_stock(), usom.count_stock() or usom.set_safety()');
SELECT usom._guard_ledger('stock_movement', 'usom.adjust_stock()');
SELECT usom._guard_kept('reservation', 'usom.reserve_stock() or usom.release_stock()');
SELECT usom._guard_kept('location_load', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('capacity_use', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('supply', 'usom.add_supply(), usom.change_supply(), usom.receive_supply() or usom.cancel_supply()');

SELECT usom._audit_table('location');
SELECT usom._audit_table('stock');
SELECT usom._audit_table('reservation');
SELECT usom._audit_table('supply');
SELECT usom._audit_table('stock_movement');
SELECT usom._audit_table('quota');
SELECT usom._audit_table('pre_order_offer');
SELECT usom._audit_table('quota_load');
SELECT usom._audit_table('quota_use');
SELECT usom._audit_table('location_capacity');
SELECT usom._audit_table('location_load');
SELECT usom._audit_table('capacity_use');
