CREATE FUNCTION usom.ration(supply numeric, demands numeric[], weights numeric[] DEFAULT NULL, minimum numeric DEFAULT 0,
	multiple numeric DEFAULT 1, mode text DEFAULT 'proportional', groups text[] DEFAULT NULL, caps jsonb DEFAULT NULL)
RETURNS TABLE (ordinal integer, demand numeric, share numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ration'
IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ration(numeric, numeric[], numeric[], numeric, numeric, text, text[], jsonb) IS
'Fair shares of a scarce supply, over any rows: give what they ask for as an array, join the shares back by ordinal.
supply, demands: in one unit, whichever; six decimals. mode: proportional (to the demands), equal (the same for all, as far as they ask for it) or weighted (by weights, one for each demand, above 0).
minimum: who gets less than this gets nothing. multiple: shares are whole multiples of it. groups, caps: a group for each demand, and the most a group gets, as {"web": 100}; groups without a cap, and null, have none.
Returns a row for each demand, in the order given: ordinal from 1, demand, share.
A share is never above its demand or below 0. The shares sum to the supply, rounded down to the multiple, or to what the demands can take (each rounded down to the multiple, those of a group up to its cap) if that is less; with a minimum above the multiple, less than one minimum may stay behind where it would start no further share. The same arguments give the same shares, of equal claims the first one is ahead by a lot at most, and nobody gets less when the supply grows.
That last promise is why quotas are not rounded by largest remainders, which break it (the Alabama paradox): lots are given out one by one, each to the claim with the highest average, by the divisors of Webster and Sainte-Lague (M. L. Balinski, H. P. Young: Fair Representation, 1982).
Null supply or demands give no rows. Errors: 22023 for negative or unknown arguments, 22004 for null elements, 2202E for arrays of different lengths, 22003 for quantities out of range.
Example: WITH waiting AS (SELECT row_number() OVER (ORDER BY order_no, line_no) AS n, * FROM usom.backorders WHERE sku = ''85123A'') SELECT w.order_no, w.line_no, r.demand, r.share FROM usom.ration(100, ARRAY(SELECT quantity FROM waiting ORDER BY n), minimum => 5, multiple => 5) r JOIN waiting w ON w.n = r.ordinal;';
