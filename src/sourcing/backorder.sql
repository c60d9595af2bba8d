CREATE FUNCTION usom._shares(amount numeric, weights numeric[], decimals integer DEFAULT 2) RETURNS numeric[]
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__shares'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._shares(numeric, numeric[], integer) IS 'An amount cut in proportion to weights by largest remainder, to so many decimals (more if the amount has more): the shares sum to the amount. Errors: 22003, 22023 for what is no amount or weight.';
REVOKE ALL ON FUNCTION usom._shares(numeric, numeric[], integer) FROM PUBLIC;

CREATE FUNCTION usom._minor_digits(currency text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE
		WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
		WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
		WHEN currency IN ('CLF', 'UYW') THEN 4
		ELSE 2
	END
$$;
COMMENT ON FUNCTION usom._minor_digits(text) IS 'Decimals of the smallest unit of a currency: ISO 4217, table A.1.';
REVOKE ALL ON FUNCTION usom._minor_digits(text) FROM PUBLIC;
