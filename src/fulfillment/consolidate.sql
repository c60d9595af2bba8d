CREATE FUNCTION usom._place_of(org_id bigint, address_id bigint) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN bool_and(v.sealed IS NULL OR v.clear IS NOT NULL) AND bool_or(v.n = 2 AND v.clear <> '')
		THEN string_agg(lower(regexp_replace(btrim(coalesce(v.clear, '')), '[[:space:]]+', ' ', 'g')), E'\n' ORDER BY v.n) END
	FROM usom.address a
		CROSS JOIN LATERAL (VALUES (1, a.name), (2, a.line1), (3, a.line2), (4, a.postcode), (5, a.city), (6, a.region), (7, a.country)) t (n, sealed)
		CROSS JOIN LATERAL (SELECT t.n, t.sealed, usom._open(a.org_id, t.sealed) AS clear) v
	WHERE a.org_id = _place_of.org_id AND a.address_id = _place_of.address_id AND (t.n <> 6 OR t.sealed IS NOT NULL)
$$;
COMMENT ON FUNCTION usom._place_of(bigint, bigint) IS 'An address in clear, to compare with another: small letters, single blanks. Null where it has no line1, or some of it cannot be opened.';
REVOKE ALL ON FUNCTION usom._place_of(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom.consolidation_candidates(customer text DEFAULT NULL)
RETURNS TABLE (buyer text, address text, location text, orders text[], units numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	wanted bigint;
BEGIN
	PERFORM usom._check_card('customer', consolidation_candidates.customer);
	PERFORM usom._check_installed();
	wanted := usom.customer_id(consolidation_candidates.customer);
	RETURN QUERY
		WITH ready AS (
			SELECT o.sales_order_id, o.order_no, o.customer_id, o.placed_at, o.address_id, f.location_id, f.units
			FROM usom.sales_order o
			CROSS JOIN LATERAL (
				SELECT f.location_id, sum(f.quantity) AS units FROM usom.fulfillment_line f
				WHERE f.org_id = org AND f.sales_order_id = o.sales_order_id AND f.status = 'reserved' AND f.location_id IS NOT NULL
				GROUP BY f.location_id) f
			WHERE o.org_id = org AND usom._status_text(o.status) = ANY ('{confirmed,processing,partially_shipped}') AND o.order_type <> 'pick_up'
				AND o.customer_id IS NOT NULL AND (wanted IS NULL OR o.customer_id = wanted)
				AND NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.released_at IS NULL
					AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()) AND 'release' = ANY (h.blocks))
				AND NOT (o.ship_complete AND EXISTS (SELECT FROM usom.fulfillment_line w WHERE w.org_id = org AND w.sales_order_id = o.sales_order_id
					AND (w.status = 'backordered' OR (w.status BETWEEN 'reserved' AND 'packed' AND w.location_id <> f.location_id))))
		), several AS (
			-- addresses are opened only where there is something to compare
			SELECT r.*, count(*) OVER (PARTITION BY r.customer_id, r.location_id) AS orders FROM ready r
		), placed AS (
			SELECT s.*, usom._place_of(org, s.address_id) AS place FROM several s WHERE s.orders > 1
		)
		SELECT u.code, replace(regexp_replace(p.place, E'\n+', E'\n', 'g'), E'\n', ', '), l.code,
			array_agg(p.order_no ORDER BY p.placed_at, p.order_no), trim_scale(sum(p.units))
		FROM placed p
		JOIN usom.customer u ON u.org_id = org AND u.customer_id = p.customer_id
		JOIN usom.location l ON l.org_id = org AND l.location_id = p.location_id
		WHERE p.place IS NOT NULL
		GROUP BY u.code, p.place, l.code
		HAVING count(*) > 1
		ORDER BY u.code, p.place, l.code;
END
$$;
COMMENT ON FUNCTION usom.consolidation_candidates(text) IS
'Orders that can be released as one shipment: of one customer, to one address, with units reserved at one location and not released; not on hold, and complete there if they ship complete. Pick-ups and guests are not among them.
customer: code; null: all.
Returns a row for each customer (buyer), address (in small letters) and location with two orders or more, oldest first, and the units they have there. Only roles that may open addresses see any.
Errors: US006 unknown customer.
Example: SELECT * FROM usom.consolidation_candidates(''17850'');';

CREATE FUNCTION usom.consolidate(order_nos text[], reason text, location text DEFAULT NULL) RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_consolidate'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.consolidate(text[], text, text) IS
'Release orders of one customer to one address together, to leave as one shipment: what they have reserved at one location, and their services.
order_nos: two orders or more, see usom.consolidation_candidates(). reason: kept in the audit. location: where they leave from; null: where all of them have units reserved, with several the one with most.
Returns the number of the consolidation, for usom.ship_consolidated(). An order that is cancelled meanwhile leaves the others as they are.
Errors: US105 unknown order, US006 unknown location, US307 the orders are of several customers, of guests, to several addresses, have nothing at one location, or an order that ships complete has units elsewhere; US102 a hold blocks release, US101 an order is not confirmed or has ended, US201 an order ships complete and waits for stock.
Example: SELECT usom.consolidate(ARRAY[''SO-000001'', ''SO-000002''], ''one parcel'');';

CREATE FUNCTION usom.ship_consolidated(consolidation_no text, carrier text DEFAULT NULL, tracking text DEFAULT NULL)
RETURNS TABLE (order_no text, shipment_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ship_consolidated'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ship_consolidated(text, text, text) IS
'Ship what is released of the orders of a consolidation: one parcel, a shipment for each order, all with its carrier, tracking and number.
consolidation_no: as usom.consolidate() gave it. carrier, tracking: for the customer.
Returns a row for each order that had something to ship; those that were cancelled or shipped on their own have none.
Errors: US307 unknown consolidation, US102 a hold blocks ship, US101 nothing of it is released, US201 an order ships complete and units would stay behind.
Example: SELECT * FROM usom.ship_consolidated(''CN-000001'', ''DHL'', ''JD014600003'');';
