CREATE TYPE usom._demand AS (
	product_id bigint,
	location_id bigint,
	quantity numeric,
	partial boolean
);
COMMENT ON TYPE usom._demand IS 'What is to be served, for usom._plan(): location_id 0 is any location, partial allows to cut.';

CREATE TYPE usom._stock_available AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	priority integer,
	available numeric
);
COMMENT ON TYPE usom._stock_available IS 'What there is, for usom._plan(): units of a lot at a location of a priority.';

CREATE FUNCTION usom._plan(demands usom._demand[], stock usom._stock_available[])
RETURNS TABLE (demand integer, location_id bigint, lot text, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__plan'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) IS 'The planner that place_order uses, over given arrays: which location and lot serves which demand (numbered from 1), null for what is backordered. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) FROM PUBLIC;

CREATE TYPE usom._sourcing_need AS (
	product integer,
	quantity numeric,
	smallest numeric,
	most_parts integer,
	partial boolean,
	weight double precision,
	late_cost double precision,
	requested_at timestamptz,
	excluded integer[]
);
COMMENT ON TYPE usom._sourcing_need IS 'What is to be served, for usom._source(): units of a product (numbered from 1), the smallest part and the most parts (0: any) it may be cut into, whether a rest may stay, the weight of a unit, what a unit costs for a day late, and the sites (numbered from 1) that may not serve it.';

CREATE TYPE usom._sourcing_site AS (
	location_id bigint,
	arrives_at timestamptz,
	freight double precision,
	freight_by_weight double precision,
	handling double precision,
	fixed double precision,
	penalty double precision,
	unit_cost double precision,
	capacity numeric
);
COMMENT ON TYPE usom._sourcing_site IS 'A location on a day, for usom._source(): when a shipment arrives, what it costs (freight, handling, fixed, penalty, and by weight and unit), and how many units it can ship (null: any number).';

CREATE TYPE usom._sourcing_stock AS (
	product integer,
	site integer,
	quantity numeric,
	kept numeric
);
COMMENT ON TYPE usom._sourcing_stock IS 'What there is, for usom._source(): units of a product at a site, and how many of them it keeps for itself.';

CREATE FUNCTION usom._source(needs usom._sourcing_need[], sites usom._sourcing_site[], stock usom._sourcing_stock[],
	most_shipments integer, ship_complete boolean) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__source'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._source(usom._sourcing_need[], usom._sourcing_site[], usom._sourcing_stock[], integer, boolean) IS 'The planner of least cost over given arrays: parts, what is unserved, cost by kind, whether the plan is proven to be the best and what no plan can beat, and for each need and site why it was not chosen. First the most units are served, then the cost is least. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._source(usom._sourcing_need[], usom._sourcing_site[], usom._sourcing_stock[], integer, boolean) FROM PUBLIC;

CREATE TYPE usom._sourcing_want AS (
	ordinal integer,
	sales_order_id bigint,
	product_id bigint
);
COMMENT ON TYPE usom._sourcing_want IS 'Units that want to be served, on their way from C, by unnest(): the order with the first of its units, null with the others.';

CREATE TYPE usom._sourcing_place AS (
	ordinal integer,
	country text,
	postcode text
);
COMMENT ON TYPE usom._sourcing_place IS 'An address without coordinates, on its way from C, by unnest(): capitals and digits of its postal code.';

CREATE TYPE usom._sourcing_group AS (
	ordinal integer,
	sourcing_rule_id bigint,
	latitude double precision,
	longitude double precision,
	country text,
	weight double precision
);
COMMENT ON TYPE usom._sourcing_group IS 'An order under a rule (0: under none), for usom._lanes().';

CREATE FUNCTION usom._lanes(groups usom._sourcing_group[], locations bigint[], at timestamptz)
RETURNS TABLE (ordinal integer, location text, distance double precision, verdict text, rank double precision, fixed double precision,
	unit_cost double precision, handling double precision, freight double precision, freight_by_weight double precision,
	late_cost double precision, protected_quantity numeric, arrives_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__lanes'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._lanes(usom._sourcing_group[], bigint[], timestamptz) IS 'What each location is to each order under its rule, as place_order sees it: distance (null: unknown), why it cannot serve (empty: it can), its rank by the order of the rule, costs, and when an order of the moment arrives (null: never). For tests. Raises 22004 for null elements, XX000 for a rule that is not active.';
REVOKE ALL ON FUNCTION usom._lanes(usom._sourcing_group[], bigint[], timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._distance(latitude_a double precision, longitude_a double precision, latitude_b double precision, longitude_b double precision)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'usom__distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._distance(double precision, double precision, double precision, double precision) IS 'What usom.distance_km() computes, unrounded and unchecked.';
REVOKE ALL ON FUNCTION usom._distance(double precision, double precision, double precision, double precision) FROM PUBLIC;
