-- step 1
-- What the planner is fed from.  With none of these tables filled in, every
-- location ships at once, without limit and for nothing.
--
-- Rows that overlap are refused by exclusion constraints over ranges alone,
-- which need no operator class of an extension: a key is the range of itself.
CREATE TABLE usom.location_calendar (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_calendar_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	weekday integer CONSTRAINT location_calendar_weekday_known CHECK (weekday BETWEEN 1 AND 7),
	on_date date CONSTRAINT location_calendar_date_sane CHECK (on_date BETWEEN '1900-01-01' AND '9999-12-31'),
	opens time,
	closes time,
	cut_off time,
	PRIMARY KEY (org_id, location_calendar_id),
	CONSTRAINT location_calendar_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT location_calendar_weekly_or_once CHECK ((weekday IS NULL) <> (on_date IS NULL)),
	CONSTRAINT location_calendar_closed_only_once CHECK (opens IS NOT NULL OR on_date IS NOT NULL),
	CONSTRAINT location_calendar_closes_iff_opens CHECK ((opens IS NULL) = (closes IS NULL)),
	CONSTRAINT location_calendar_closes_after_opening CHECK (opens < closes),
	CONSTRAINT location_calendar_cut_off_while_open CHECK (cut_off IS NULL OR (opens IS NOT NULL AND cut_off >= opens AND cut_off <= closes)),
	CONSTRAINT location_calendar_does_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(location_id, location_id, '[]') WITH =,
		tsrange(coalesce(on_date, date '0001-01-01' + (weekday - 1)) + coalesce(opens, time '00:00'),
			coalesce(on_date, date '0001-01-01' + (weekday - 1)) + coalesce(closes, time '24:00')) WITH &&)
);
COMMENT ON TABLE usom.location_calendar IS 'When a location ships, by its own clock: hours of each weekday, and exceptions for single dates, which take the place of all hours of their weekday. A location without hours of weekdays is open day and night but for its exceptions. Hours that end at 24:00 and begin at 00:00 go on over midnight.';
COMMENT ON COLUMN usom.location_calendar.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_calendar.location_calendar_id IS 'Key.';
COMMENT ON COLUMN usom.location_calendar.location_id IS 'Location, see usom.location_id().';
COMMENT ON COLUMN usom.location_calendar.weekday IS '1 Monday to 7 Sunday, every week; or null.';
COMMENT ON COLUMN usom.location_calendar.on_date IS 'One date, instead of what is usual on it; or null.';
COMMENT ON COLUMN usom.location_calendar.opens IS 'Local time from which on orders leave; null with a date: closed all day.';
COMMENT ON COLUMN usom.location_calendar.closes IS 'Local time at which the last order leaves; 24:00 is the end of the day.';
COMMENT ON COLUMN usom.location_calendar.cut_off IS 'Local time by which an order must be there to leave within these hours; null: until closes.';

COMMENT ON CONSTRAINT location_calendar_does_not_overlap ON usom.location_calendar IS 'Hours of one weekday, or of one date, stand beside each other. A date that is closed has no hours.';

CREATE INDEX location_calendar_of_location_by_day ON usom.location_calendar (org_id, location_id, on_date, weekday);

CREATE TABLE usom.service_level (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	service_level_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT service_level_code_given CHECK (code <> ''),
	name text,
	cut_off time,
	late_cost usom.price_amount NOT NULL DEFAULT 0,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, service_level_id),
	CONSTRAINT service_level_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.service_level IS 'How fast a delivery is promised to be: standard, express. How many days it takes is in transit_time, what it costs in freight_rate.';
COMMENT ON COLUMN usom.service_level.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_level.service_level_id IS 'Key.';
COMMENT ON COLUMN usom.service_level.code IS 'What rules and rates name.';
COMMENT ON COLUMN usom.service_level.name IS 'Name for people.';
COMMENT ON COLUMN usom.service_level.cut_off IS 'Local time at the location by which an order must be there to leave the same day; null: what the location''s calendar says. The earlier one counts.';
COMMENT ON COLUMN usom.service_level.late_cost IS 'What a day costs by which a unit comes later than requested, in the currency of the organisation.';
COMMENT ON COLUMN usom.service_level.active IS 'Off: not chosen any more.';
COMMENT ON COLUMN usom.service_level.created_at IS 'When the row was made.';

CREATE TABLE usom.transit_time (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	transit_time_id bigint NOT NULL DEFAULT usom.next_id(),
	service_level_id bigint NOT NULL,
	country text CONSTRAINT transit_time_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	distance_from numeric(9,3) NOT NULL DEFAULT 0 CONSTRAINT transit_time_distance_not_negative CHECK (distance_from >= 0 AND distance_from < 1e6),
	distance_to numeric(9,3),
	days numeric(6,2) NOT NULL CONSTRAINT transit_time_days_sane CHECK (days >= 0 AND days <= 1000),
	PRIMARY KEY (org_id, transit_time_id),
	CONSTRAINT transit_time_of_service_level FOREIGN KEY (org_id, service_level_id) REFERENCES usom.service_level ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT transit_time_distance_to_after_from CHECK (distance_to > distance_from AND distance_to < 1e6),
	CONSTRAINT transit_time_bands_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(service_level_id, service_level_id, '[]') WITH =,
		int4range(coalesce(ascii(country) * 128 + ascii(right(country, 1)), 0), coalesce(ascii(country) * 128 + ascii(right(country, 1)), 0), '[]') WITH =,
		numrange(distance_from, distance_to) WITH &&)
);
COMMENT ON CONSTRAINT transit_time_bands_do_not_overlap ON usom.transit_time IS 'Distances of one service level and country stand beside each other.';
COMMENT ON TABLE usom.transit_time IS 'How many days a service level takes, by country and distance. Rows of a country come before those of none. Without a row: no time at all.';
COMMENT ON COLUMN usom.transit_time.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.transit_time.transit_time_id IS 'Key.';
COMMENT ON COLUMN usom.transit_time.service_level_id IS 'Service level.';
COMMENT ON COLUMN usom.transit_time.country IS 'ISO 3166 code of two letters of the address; null: any that has no rows of its own.';
COMMENT ON COLUMN usom.transit_time.distance_from IS 'Kilometres as the crow flies from which on the row holds. An unknown distance is in the last band.';
COMMENT ON COLUMN usom.transit_time.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.transit_time.days IS 'Days of 24 hours from the shipment to the delivery.';

CREATE TABLE usom.freight_rate (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	freight_rate_id bigint NOT NULL DEFAULT usom.next_id(),
	service_level_id bigint NOT NULL,
	carrier text NOT NULL DEFAULT '',
	location_id bigint,
	country text CONSTRAINT freight_rate_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	distance_from numeric(9,3) NOT NULL DEFAULT 0 CONSTRAINT freight_rate_distance_not_negative CHECK (distance_from >= 0 AND distance_from < 1e6),
	distance_to numeric(9,3),
	weight_from numeric(12,3) NOT NULL DEFAULT 0 CONSTRAINT freight_rate_weight_not_negative CHECK (weight_from >= 0 AND weight_from < 1e9),
	weight_to numeric(12,3),
	shipment_price usom.price_amount NOT NULL DEFAULT 0,
	weight_price usom.price_amount NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, freight_rate_id),
	CONSTRAINT freight_rate_of_service_level FOREIGN KEY (org_id, service_level_id) REFERENCES usom.service_level ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT freight_rate_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT freight_rate_distance_to_after_from CHECK (distance_to > distance_from AND distance_to < 1e6),
	CONSTRAINT freight_rate_weight_to_after_from CHECK (weight_to > weight_from AND weight_to < 1e9),
	-- No two carriers share 64 bits of hash; were it so, the second would have to be spelled otherwise.
	CONSTRAINT freight_rate_bands_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(service_level_id, service_level_id, '[]') WITH =,
		int8range(coalesce(location_id, 0), coalesce(location_id, 0), '[]') WITH =,
		numrange(hashtextextended(currency || coalesce(country, '--') || carrier, 0), hashtextextended(currency || coalesce(country, '--') || carrier, 0), '[]') WITH =,
		numrange(distance_from, distance_to) WITH &&,
		numrange(weight_from, weight_to) WITH &&)
);
COMMENT ON CONSTRAINT freight_rate_bands_do_not_overlap ON usom.freight_rate IS 'Distances and weights of one service level, carrier, location, country and currency stand beside each other.';
COMMENT ON TABLE usom.freight_rate IS 'What a shipment costs, by service level and carrier, distance and weight. Rows of a location come before those of none, rows of a country before those of none. Without a row: nothing.';
COMMENT ON COLUMN usom.freight_rate.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.freight_rate.freight_rate_id IS 'Key.';
COMMENT ON COLUMN usom.freight_rate.service_level_id IS 'Service level.';
COMMENT ON COLUMN usom.freight_rate.carrier IS 'Carrier; empty where there is one only.';
COMMENT ON COLUMN usom.freight_rate.location_id IS 'Location it is shipped from; null: any that has no rates of its own.';
COMMENT ON COLUMN usom.freight_rate.country IS 'ISO 3166 code of two letters of the address; null: any that has no rates of its own.';
COMMENT ON COLUMN usom.freight_rate.currency IS 'ISO 4217 code of the prices.';
COMMENT ON COLUMN usom.freight_rate.distance_from IS 'Kilometres as the crow flies from which on the row holds. An unknown distance is in the last band.';
COMMENT ON COLUMN usom.freight_rate.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rate.weight_from IS 'Kilograms of the shipment from which on the row holds.';
COMMENT ON COLUMN usom.freight_rate.weight_to IS 'Kilograms below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rate.shipment_price IS 'Price of the shipment, in currency.';
COMMENT ON COLUMN usom.freight_rate.weight_price IS 'Price of each kilogram, in currency, added to it.';

CREATE TABLE usom.postcode_centroid (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	country text NOT NULL CONSTRAINT postcode_centroid_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	postcode text COLLATE "C" NOT NULL CONSTRAINT postcode_centroid_postcode_plain CHECK (postcode ~ '^[0-9A-Z]{0,12}$'),
	latitude double precision NOT NULL CONSTRAINT postcode_centroid_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision NOT NULL CONSTRAINT postcode_centroid_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	PRIMARY KEY (org_id, country, postcode)
);
COMMENT ON TABLE usom.postcode_centroid IS 'Where addresses without coordinates are taken to be: the longest beginning of their postal code that is here. COPY usom.postcode_centroid (country, postcode, latitude, longitude) FROM STDIN loads it.';
COMMENT ON COLUMN usom.postcode_centroid.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.postcode_centroid.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.postcode_centroid.postcode IS 'Postal code or its beginning, capitals and digits without spaces and dashes; empty: the whole country.';
COMMENT ON COLUMN usom.postcode_centroid.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.postcode_centroid.longitude IS 'Degrees east.';

CREATE TABLE usom.sourcing_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sourcing_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT sourcing_rule_code_given CHECK (code <> ''),
	name text,
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	channels text[] CONSTRAINT sourcing_rule_channels_not_empty CHECK (cardinality(channels) > 0 AND array_position(channels, NULL) IS NULL),
	customers text[] CONSTRAINT sourcing_rule_customers_not_empty CHECK (cardinality(customers) > 0 AND array_position(customers, NULL) IS NULL),
	countries text[] CONSTRAINT sourcing_rule_countries_iso CHECK (array_to_string(countries, ' ', '?') ~ '^[A-Z]{2}( [A-Z]{2})*$'),
	order_types text[] CONSTRAINT sourcing_rule_order_types_not_empty CHECK (cardinality(order_types) > 0 AND array_position(order_types, NULL) IS NULL),
	skus text[] CONSTRAINT sourcing_rule_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT sourcing_rule_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	locations text[] CONSTRAINT sourcing_rule_locations_not_empty CHECK (cardinality(locations) > 0 AND array_position(locations, NULL) IS NULL),
	excluded_locations text[] CONSTRAINT sourcing_rule_excluded_locations_not_empty CHECK (cardinality(excluded_locations) > 0 AND array_position(excluded_locations, NULL) IS NULL),
	location_kinds text[] CONSTRAINT sourcing_rule_location_kinds_known
		CHECK (cardinality(location_kinds) > 0 AND location_kinds <@ ARRAY['warehouse', 'store', 'supplier', 'third_party']),
	most_distance numeric(9,3) CONSTRAINT sourcing_rule_distance_sane CHECK (most_distance > 0 AND most_distance < 1e6),
	location_order text NOT NULL DEFAULT 'cost' CONSTRAINT sourcing_rule_location_order_known CHECK (location_order IN ('cost', 'priority', 'distance', 'listed')),
	service_level text,
	shipment_cost usom.price_amount NOT NULL DEFAULT 0,
	distance_cost usom.price_amount NOT NULL DEFAULT 0,
	late_cost usom.price_amount,
	most_shipments usom.ordinal,
	most_parts usom.ordinal,
	smallest_part usom.positive_quantity,
	ship_complete boolean,
	when_short text NOT NULL DEFAULT 'backorder' CONSTRAINT sourcing_rule_when_short_known CHECK (when_short IN ('backorder', 'next_rule', 'exception')),
	next_rule text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sourcing_rule_id),
	CONSTRAINT sourcing_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT sourcing_rule_next_only_when_short CHECK (next_rule IS NULL OR when_short = 'next_rule'),
	CONSTRAINT sourcing_rule_listed_needs_list CHECK (location_order <> 'listed' OR locations IS NOT NULL)
);
COMMENT ON TABLE usom.sourcing_rule IS 'Which locations serve which lines, at what cost and within which limits. For each line the first active rule by priority, then code, whose filters it passes. Without rules: any location that ships, cheapest first, no limits, backorder what is short.';
COMMENT ON COLUMN usom.sourcing_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.sourcing_rule.sourcing_rule_id IS 'Key.';
COMMENT ON COLUMN usom.sourcing_rule.code IS 'Name that explanations and other rules use.';
COMMENT ON COLUMN usom.sourcing_rule.name IS 'Name for people.';
COMMENT ON COLUMN usom.sourcing_rule.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.sourcing_rule.active IS 'Off: passed over.';
COMMENT ON COLUMN usom.sourcing_rule.channels IS 'Codes of channels of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.customers IS 'Codes of customers of the order; null: any, guests too.';
COMMENT ON COLUMN usom.sourcing_rule.countries IS 'ISO 3166 codes of two letters of the address; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.categories IS 'Categories of the product of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.locations IS 'Codes of the locations that may serve, and no others; null: all.';
COMMENT ON COLUMN usom.sourcing_rule.excluded_locations IS 'Codes of locations that may not serve.';
COMMENT ON COLUMN usom.sourcing_rule.location_kinds IS 'Kinds of locations that may serve: warehouse, store, supplier, third_party; null: all.';
COMMENT ON COLUMN usom.sourcing_rule.most_distance IS 'Kilometres to the address at most; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.location_order IS 'What makes a location better: cost, priority, distance, or its place in locations (listed). Cost decides between equals.';
COMMENT ON COLUMN usom.sourcing_rule.service_level IS 'Code of the service level that freight and transit are taken from; null: the cheapest.';
COMMENT ON COLUMN usom.sourcing_rule.shipment_cost IS 'Added for each shipment, in the currency of the organisation: the higher, the fewer.';
COMMENT ON COLUMN usom.sourcing_rule.distance_cost IS 'Added for each kilometre of a shipment, in the currency of the organisation.';
COMMENT ON COLUMN usom.sourcing_rule.late_cost IS 'Cost of a day that a unit comes later than requested, in the currency of the organisation; null: that of the service level.';
COMMENT ON COLUMN usom.sourcing_rule.most_shipments IS 'Shipments of an order at most; null: any number.';
COMMENT ON COLUMN usom.sourcing_rule.most_parts IS 'Locations that may share a line; null: any number.';
COMMENT ON COLUMN usom.sourcing_rule.smallest_part IS 'Units of a part that is worth its while, when a line is shared; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.ship_complete IS 'True: all of the order or nothing; null: as the order says.';
COMMENT ON COLUMN usom.sourcing_rule.when_short IS 'What happens to units that the rule cannot place: backorder, next_rule, or exception (they wait, and a case of kind unsourced is open until they do no more).';
COMMENT ON COLUMN usom.sourcing_rule.next_rule IS 'Code of the rule that is tried next; null: the next one by priority that fits.';
COMMENT ON COLUMN usom.sourcing_rule.created_at IS 'When the row was made.';

-- Rows that replication brings were checked where they came from, and may come before what they name, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.sourcing_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_sourcing_rule();

CREATE VIEW usom.location_hours WITH (security_invoker = true) AS
SELECT l.code AS location, c.weekday, c.on_date, to_char(c.opens, 'HH24:MI') AS opens, to_char(c.closes, 'HH24:MI') AS closes,
	to_char(coalesce(c.cut_off, c.closes), 'HH24:MI') AS cut_off, c.opens IS NULL AS closed, l.time_zone
FROM usom.location_calendar c
JOIN usom.location l ON l.org_id = c.org_id AND l.location_id = c.location_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.location_hours IS 'When the locations of the caller''s organisation ship.';
COMMENT ON COLUMN usom.location_hours.location IS 'Code of the location.';
COMMENT ON COLUMN usom.location_hours.weekday IS '1 Monday to 7 Sunday, every week; null: an exception.';
COMMENT ON COLUMN usom.location_hours.on_date IS 'Date of the exception.';
COMMENT ON COLUMN usom.location_hours.opens IS 'Local time from which on orders leave.';
COMMENT ON COLUMN usom.location_hours.closes IS 'Local time at which the last one leaves.';
COMMENT ON COLUMN usom.location_hours.cut_off IS 'Local time by which an order must be there.';
COMMENT ON COLUMN usom.location_hours.closed IS 'True: closed all day.';
COMMENT ON COLUMN usom.location_hours.time_zone IS 'Clock of the location.';

CREATE VIEW usom.freight_rates WITH (security_invoker = true) AS
SELECT s.code AS service_level, nullif(f.carrier, '') AS carrier, l.code AS location, f.country, f.currency::text AS currency,
	trim_scale(f.distance_from) AS distance_from, trim_scale(f.distance_to) AS distance_to,
	trim_scale(f.weight_from) AS weight_from, trim_scale(f.weight_to) AS weight_to,
	trim_scale(f.shipment_price) AS shipment_price, trim_scale(f.weight_price) AS weight_price
FROM usom.freight_rate f
JOIN usom.service_level s ON s.org_id = f.org_id AND s.service_level_id = f.service_level_id
LEFT JOIN usom.location l ON l.org_id = f.org_id AND l.location_id = f.location_id
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.freight_rates IS 'What shipments of the caller''s organisation cost.';
COMMENT ON COLUMN usom.freight_rates.service_level IS 'Code of the service level.';
COMMENT ON COLUMN usom.freight_rates.carrier IS 'Carrier; null where there is one only.';
COMMENT ON COLUMN usom.freight_rates.location IS 'Location it is shipped from; null: any.';
COMMENT ON COLUMN usom.freight_rates.country IS 'Country of the address; null: any.';
COMMENT ON COLUMN usom.freight_rates.currency IS 'ISO 4217 code of the prices.';
COMMENT ON COLUMN usom.freight_rates.distance_from IS 'Kilometres from which on the row holds.';
COMMENT ON COLUMN usom.freight_rates.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rates.weight_from IS 'Kilograms from which on the row holds.';
COMMENT ON COLUMN usom.freight_rates.weight_to IS 'Kilograms below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rates.shipment_price IS 'Price of the shipment, in currency.';
COMMENT ON COLUMN usom.freight_rates.weight_price IS 'Price of each kilogram, in currency.';

CREATE VIEW usom.sourcing_rules WITH (security_invoker = true) AS
SELECT r.code AS rule, r.name, r.priority, r.active, r.channels, r.customers, r.countries, r.order_types, r.skus, r.categories,
	r.locations, r.excluded_locations, r.location_kinds, trim_scale(r.most_distance) AS most_distance, r.location_order, r.service_level,
	trim_scale(r.shipment_cost) AS shipment_cost, trim_scale(r.distance_cost) AS distance_cost, trim_scale(r.late_cost) AS late_cost,
	r.most_shipments::integer AS most_shipments, r.most_parts::integer AS most_parts, trim_scale(r.smallest_part) AS smallest_part,
	r.ship_complete, r.when_short, r.next_rule
FROM usom.sourcing_rule r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.sourcing_rules IS 'The sourcing rules of the caller''s organisation; ORDER BY priority, rule shows them as they are asked.';
COMMENT ON COLUMN usom.sourcing_rules.rule IS 'Code of the rule.';
COMMENT ON COLUMN usom.sourcing_rules.name IS 'Name for people.';
COMMENT ON COLUMN usom.sourcing_rules.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.sourcing_rules.active IS 'False: passed over.';
COMMENT ON COLUMN usom.sourcing_rules.channels IS 'Channels of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.customers IS 'Customers of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.countries IS 'Countries of the address; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.categories IS 'Categories of the product; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.locations IS 'Locations that may serve; null: all.';
COMMENT ON COLUMN usom.sourcing_rules.excluded_locations IS 'Locations that may not.';
COMMENT ON COLUMN usom.sourcing_rules.location_kinds IS 'Kinds of locations that may serve; null: all.';
COMMENT ON COLUMN usom.sourcing_rules.most_distance IS 'Kilometres at most; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.location_order IS 'What makes a location better: cost, priority, distance or listed.';
COMMENT ON COLUMN usom.sourcing_rules.service_level IS 'Service level; null: the cheapest.';
COMMENT ON COLUMN usom.sourcing_rules.shipment_cost IS 'Added for each shipment.';
COMMENT ON COLUMN usom.sourcing_rules.distance_cost IS 'Added for each kilometre of a shipment.';
COMMENT ON COLUMN usom.sourcing_rules.late_cost IS 'Of a day that a unit comes late; null: that of the service level.';
COMMENT ON COLUMN usom.sourcing_rules.most_shipments IS 'Shipments of an order at most; null: any number.';
COMMENT ON COLUMN usom.sourcing_rules.most_parts IS 'Locations that may share a line; null: any number.';
COMMENT ON COLUMN usom.sourcing_rules.smallest_part IS 'Units of a part at least; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.ship_complete IS 'True: all of the order or nothing; null: as the order says.';
COMMENT ON COLUMN usom.sourcing_rules.when_short IS 'backorder, next_rule or exception.';
COMMENT ON COLUMN usom.sourcing_rules.next_rule IS 'Rule that is tried next; null: by priority.';

-- What backends remember of these tables (configured.c, master.c and stock/site.c) is forgotten.
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.location ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location_calendar
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('location_calendar');
ALTER TABLE usom.location_calendar ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location_capacity
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('location_capacity');
ALTER TABLE usom.location_capacity ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.service_level
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.service_level ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.transit_time
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.transit_time ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.freight_rate
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('freight_rate');
ALTER TABLE usom.freight_rate ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.sourcing_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('sourcing_rule');
ALTER TABLE usom.sourcing_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('service_level');
SELECT usom._guard_cards('transit_time');
SELECT usom._guard_cards('freight_rate');
SELECT usom._guard_cards('postcode_centroid');
SELECT usom._guard_cards('sourcing_rule');
SELECT usom._guard_master('service_level', 'code');
SELECT usom._guard_master('sourcing_rule', 'code');

SELECT usom._audit_table('location_calendar');
SELECT usom._audit_table('service_level');
SELECT usom._audit_table('transit_time');
SELECT usom._audit_table('freight_rate');
SELECT usom._audit_table('postcode_centroid');
SELECT usom._audit_table('sourcing_rule');
