CREATE TYPE usom._hours AS (
	weekday integer,
	on_date date,
	opens time,
	closes time,
	cut_off time
);
COMMENT ON TYPE usom._hours IS 'A row of location_calendar, for usom._ship_time().';

CREATE FUNCTION usom._ship_time(hours usom._hours[], time_zone text, at timestamptz) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__ship_time'
STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._ship_time(usom._hours[], text, timestamptz) IS 'What usom.earliest_shipment() computes, over given hours. Errors: US301.';
REVOKE ALL ON FUNCTION usom._ship_time(usom._hours[], text, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._local_day(time_zone text, at timestamptz) RETURNS date
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__local_day'
STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._local_day(text, timestamptz) IS 'Day that a clock of the time zone shows. Errors: US301.';
REVOKE ALL ON FUNCTION usom._local_day(text, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.earliest_shipment(location text, at timestamptz DEFAULT now()) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_earliest_shipment'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.earliest_shipment(text, timestamptz) IS 'When an order of this moment leaves the location at the earliest: within the first hours of its calendar whose cut-off it meets, at the location''s own clock. Null if the location does not ship within a year. A local time that does not exist on the day the clock changes is the moment of the change; of one that comes twice, the first counts. Errors: US001, US006. Example: SELECT usom.earliest_shipment(''MAIN'');';

CREATE FUNCTION usom.distance_km(latitude_a numeric, longitude_a numeric, latitude_b numeric, longitude_b numeric) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_distance_km'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.distance_km(numeric, numeric, numeric, numeric) IS 'Kilometres along the great circle between two places, in degrees north and east, on a sphere with the mean radius of the earth (6371.0088 km). Errors: 22003 for degrees that are not on earth. Example: SELECT usom.distance_km(52.52, 13.405, 48.8566, 2.3522);';
