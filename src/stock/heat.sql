-- Products that everybody wants: tick() divides their stock into stripes.
CREATE FUNCTION usom._stock_waits(looks integer, pause integer) RETURNS TABLE (org_id bigint, product_id bigint, location_id bigint, waiters integer)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'usom__stock_waits'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._stock_waits(integer, integer) IS 'Stock of all organisations that transactions wait for just now: how many, on the average of so many looks (1 to 100) with pauses of so many milliseconds (1 to 1000). Nobody is kept waiting by it. Part of tick().';
REVOKE ALL ON FUNCTION usom._stock_waits(integer, integer) FROM PUBLIC;

CREATE FUNCTION usom._stripes_due(org_id bigint, waits jsonb) RETURNS TABLE (product_id bigint, location_id bigint, was integer, stripes integer, waiters integer, rests boolean)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'usom__stripes_due'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._stripes_due(bigint, jsonb) IS 'Stock of an organisation whose stripes are to be more, or merged, by what was seen (rows of usom._stock_waits() as an array), what its stripes have served since the last look, and the settings of the organisation. Part of tick().';
REVOKE ALL ON FUNCTION usom._stripes_due(bigint, jsonb) FROM PUBLIC;

-- Who holds the stock row for longer than this has it left as it is.
CREATE FUNCTION usom._follow_heat(org_id bigint, product_id bigint, location_id bigint, was integer, stripes integer, waiters integer, rests boolean) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'usom__follow_heat'
SET search_path = pg_catalog, usom, pg_temp SET lock_timeout = '2s';
COMMENT ON FUNCTION usom._follow_heat(bigint, bigint, bigint, integer, integer, integer, boolean) IS 'Divides the stock of a product at a location into so many stripes, or merges it (0), and remembers it; false: its number of stripes was another meanwhile. Errors: 55P03 after two seconds. Part of tick().';
REVOKE ALL ON FUNCTION usom._follow_heat(bigint, bigint, bigint, integer, integer, integer, boolean) FROM PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.
CREATE PROCEDURE usom._tend_stripes(waits jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
	organisation bigint;
	due record;
BEGIN
	FOREACH organisation IN ARRAY ARRAY(SELECT o.org_id FROM usom.organisation AS o ORDER BY o.org_id) LOOP
		FOR due IN SELECT d.* FROM usom._stripes_due(organisation, waits) AS d LOOP
			BEGIN
				PERFORM usom._follow_heat(organisation, due.product_id, due.location_id, due.was, due.stripes, due.waiters, due.rests);
			EXCEPTION WHEN lock_not_available THEN
				NULL;	-- Somebody has the stock for long: another time.
			END;
			COMMIT;
		END LOOP;
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE usom._tend_stripes(jsonb) IS 'Makes more stripes of stock that many wait for, and merges what is wanted no more, each in a transaction of its own. waits: rows of usom._stock_waits() as an array. Part of tick().';
REVOKE ALL ON PROCEDURE usom._tend_stripes(jsonb) FROM PUBLIC;

CREATE FUNCTION usom._seen_waits() RETURNS jsonb
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]') FROM usom._stock_waits(5, 20) w$$;
COMMENT ON FUNCTION usom._seen_waits() IS 'usom._stock_waits() of a tenth of a second, for usom._tend_stripes().';
REVOKE ALL ON FUNCTION usom._seen_waits() FROM PUBLIC;
