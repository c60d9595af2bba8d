CREATE FUNCTION usom._shares(amount numeric, weights numeric[], decimals integer DEFAULT 2) RETURNS numeric[]
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__shares'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._shares(numeric, numeric[], integer) IS 'An amount cut in proportion to weights by largest remainder, to so many decimals (more if the amount has more): the shares sum to the amount. Errors: 22003, 22023 for what is no amount or weight.';
REVOKE ALL ON FUNCTION usom._shares(numeric, numeric[], integer) FROM PUBLIC;

CREATE FUNCTION usom._part(amount numeric, units numeric, all_units numeric, decimals integer) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__part'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._part(numeric, numeric, numeric, integer) IS 'The part of an amount that some of all units have, rounded to so many decimals, halves up: what units added one by one get adds up to the amount.';
REVOKE ALL ON FUNCTION usom._part(numeric, numeric, numeric, integer) FROM PUBLIC;
