-- What a row of stock may say of holds and stripes, beside the same in words of SQL.
SELECT count(*) > 0 AS installed FROM usom.install();
SELECT count(*) AS rows, count(*) FILTER (WHERE sound) AS sound, count(*) FILTER (WHERE sound IS DISTINCT FROM told) AS different
FROM (
	SELECT usom._stock_is_sound(held, held_until, stripes::smallint, lent, lot) AS sound,
		(held > 0) = (held_until IS NOT NULL) AND stripes BETWEEN 0 AND 256 AND stripes <> 1 AND (stripes = 0 OR lot = '') AND (lent = 0 OR stripes > 0) AS told
	FROM unnest(ARRAY[0, 0.000001, 7]::numeric[]) held, unnest(ARRAY[NULL, '2030-01-01']::timestamptz[]) held_until,
		unnest(ARRAY[-1, 0, 1, 2, 256, 257]) stripes, unnest(ARRAY[0, 0.5]::numeric[]) lent, unnest(ARRAY['', 'L1']) lot
) r;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'usom.stock'::regclass AND contype = 'c' ORDER BY conname;
SELECT usom._stock_is_sound(NULL, NULL, 0::smallint, 0, '') IS NULL AS unknown;
