CREATE FUNCTION usom._minor_digits(currency text) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__minor_digits'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._minor_digits(text) IS 'Decimals of the smallest unit of a currency, by ISO 4217; null if it has no such code.';
REVOKE ALL ON FUNCTION usom._minor_digits(text) FROM PUBLIC;

CREATE FUNCTION usom._check_currency(code text) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_currency'
IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._check_currency(text) IS 'The CHECK of usom.currency_code: true, or US401 if ISO 4217 has no such code.';
REVOKE ALL ON FUNCTION usom._check_currency(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_currency(text) TO PUBLIC;

ALTER DOMAIN usom.currency_code ADD CONSTRAINT currency_known CHECK (usom._check_currency(VALUE));
COMMENT ON DOMAIN usom.currency_code IS 'ISO 4217 code: three capital letters, one of usom.currencies(). Anything else is US401 (or 23514).';

CREATE FUNCTION usom.currencies() RETURNS TABLE (currency text, decimals integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom_currencies'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.currencies() IS
'The currencies that amounts may be in: their ISO 4217 code and the decimals of their smallest unit, which shares, taxes and discounts are rounded to (JPY 0, EUR 2, BHD 3).
Source: ISO 4217, list one, active codes with a minor unit. Errors: none. Example: SELECT decimals FROM usom.currencies() WHERE currency = ''BHD'';';
