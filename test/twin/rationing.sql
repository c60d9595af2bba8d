-- Backorder processing of one product (src/sourcing/rationing.c) against loops
-- that hand out unit by unit and ask of every set of sources whether those who
-- can be served by no other want more than it has (Hall's condition).
SET client_min_messages = warning;
SELECT setseed((:seed % 983) / 1000.0) IS NULL AS seeded \gset

-- due[c][k]: units of claim c due by level k (from 0, stored from 1); may[c][k]: the sources for them, as bits
CREATE FUNCTION twin.is_possible(due integer[], may integer[], quantities integer[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT NOT EXISTS (
		SELECT FROM generate_series(0, (1 << cardinality(quantities)) - 1) subset
		WHERE (SELECT coalesce(sum(d), 0) FROM unnest(due, may) AS u (d, m) WHERE m & ~subset = 0)
			> (SELECT coalesce(sum(q), 0) FROM unnest(quantities) WITH ORDINALITY AS s (q, n) WHERE subset & (1 << (n::integer - 1)) > 0))
$$;

-- Units up to wanted for the claim due by the level; levels is how many there are.
CREATE FUNCTION twin.hand_out(due integer[], may integer[], quantities integer[], place integer, wanted integer) RETURNS integer[] LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. wanted LOOP
		due[place] := due[place] + 1;
		IF NOT twin.is_possible(due, may, quantities) THEN
			due[place] := due[place] - 1;
			EXIT;
		END IF;
	END LOOP;
	RETURN due;
END
$$;

CREATE FUNCTION twin.ration_item(claims usom._ration_claim[], sources usom._ration_source[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	levels integer := coalesce((SELECT max(s.level) + 1 FROM unnest(sources) s), 1);
	quantities integer[] := ARRAY(SELECT greatest(s.quantity - coalesce((SELECT sum(c.held[n]) FROM unnest(claims) c WHERE c.strategy = 'skip'), 0), 0)::integer
		FROM unnest(sources) WITH ORDINALITY AS s (quantity, level, n) ORDER BY n);
	had integer[];
	may integer[];
	due integer[];
	step record;
	c usom._ration_claim;
	base integer;
	most integer;
	has integer;
BEGIN
	SELECT array_agg((SELECT coalesce(sum(q.held[s]), 0) FROM generate_subscripts(sources, 1) s WHERE sources[s].level = k)::integer ORDER BY n, k),
		array_agg((SELECT coalesce(bit_or(1 << (s - 1)), 0) FROM generate_subscripts(sources, 1) s WHERE sources[s].level <= k AND (s = ANY (q.serves) OR q.held[s] > 0)) ORDER BY n, k), array_agg(0)
	INTO had, may, due FROM unnest(claims) WITH ORDINALITY AS q (strategy, wanted, on_time, whole, serves, held, n), generate_series(0, levels - 1) k;
	FOR step IN SELECT x.strategy, x.what, n FROM (VALUES (1, 'improve', 'keep'), (2, 'win', 'win'), (3, 'gain', 'keep'), (4, 'gain', 'more'), (5, 'improve', 'more'), (6, 'redistribute', 'more'), (7, 'fill', 'fill')) x (place, strategy, what)
		JOIN unnest(claims) WITH ORDINALITY AS q (strategy, wanted, on_time, whole, serves, held, n) USING (strategy) ORDER BY x.place, n
	LOOP
		c := claims[step.n];
		base := (step.n - 1) * levels;
		IF step.what <> 'keep' THEN
			due[base + 1 : base + levels] := array_fill(0, ARRAY[levels]);
		END IF;
		most := 0;
		FOR k IN 1 .. levels LOOP
			CONTINUE WHEN step.what = 'win' AND k - 1 > c.on_time;
			most := most + had[base + k];
			has := (SELECT sum(u) FROM unnest(due[base + 1 : base + levels]) u);
			due := twin.hand_out(due, may, quantities, base + k, CASE step.what WHEN 'keep' THEN had[base + k] WHEN 'fill' THEN most - has ELSE c.wanted::integer - has END);
		END LOOP;
		has := (SELECT sum(u) FROM unnest(due[base + 1 : base + levels]) u);
		most := (SELECT sum(u) FROM unnest(had[base + 1 : base + levels]) u);
		IF (step.what = 'win' AND has < c.wanted) OR (step.what = 'keep' AND step.strategy = 'gain' AND has < most) THEN
			RETURN format('%s cannot: %s', step.n, has);
		ELSIF c.whole AND has < (CASE step.what WHEN 'more' THEN c.wanted ELSE most END) THEN
			due[base + 1 : base + levels] := array_fill(0, ARRAY[levels]);
			IF step.what = 'more' AND twin.is_possible(due[: base] || had[base + 1 : base + levels] || due[base + levels + 1 :], may, quantities) THEN
				due[base + 1 : base + levels] := had[base + 1 : base + levels];
			END IF;
		END IF;
	END LOOP;
	RETURN (SELECT string_agg(format('%s:%s', n, t.has), ' ' ORDER BY n) FROM generate_subscripts(claims, 1) n,
		LATERAL (SELECT sum(u) AS has FROM unnest((CASE claims[n].strategy WHEN 'skip' THEN had ELSE due END)[(n - 1) * levels + 1 : n * levels]) u) t);
END
$$;

CREATE FUNCTION twin.try_ration_item() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	nsources integer := twin.pick(1, 3);
	nclaims integer := twin.pick(1, 4);
	sources usom._ration_source[];
	claims usom._ration_claim[] := '{}';
	rest numeric[];
	held numeric[];
BEGIN
	sources := ARRAY(SELECT ROW(twin.pick(0, 6), sum(l) OVER (ORDER BY n) - min(l) FILTER (WHERE n = 1) OVER ())::usom._ration_source FROM (SELECT n, twin.pick(0, 1) AS l FROM generate_series(1, nsources) n) s ORDER BY n);
	rest := ARRAY(SELECT s.quantity FROM unnest(sources) s);
	FOR i IN 1 .. nclaims LOOP
		held := ARRAY(SELECT CASE WHEN random() < 0.5 THEN least(twin.pick(0, 3), r) ELSE 0 END FROM unnest(rest) WITH ORDINALITY AS x (r, n) ORDER BY n);
		rest := ARRAY(SELECT r - h FROM unnest(rest, held) WITH ORDINALITY AS x (r, h, n) ORDER BY n);
		claims := claims || ROW(twin.pick('win', 'gain', 'improve', 'redistribute', 'fill', 'lose', 'skip'), greatest((SELECT sum(h) FROM unnest(held) h) + twin.pick(0, 4), 1), twin.pick(0, 2),
			random() < 0.25, ARRAY(SELECT n FROM generate_series(1, nsources) n WHERE random() < 0.7), held)::usom._ration_claim;
	END LOOP;
	PERFORM twin.compare('backorder run of a product', format('usom._ration_item(%L, %L)', claims, sources), twin.ration_item(claims, sources),
		(SELECT CASE WHEN count(*) FILTER (WHERE r.source IS NULL AND r.claim IS NOT NULL) > 0 THEN format('%s cannot: %s', max(r.claim), max(r.quantity))
				ELSE string_agg(format('%s:%s', n, r.quantity), ' ' ORDER BY n) END
			FROM (SELECT n, max(r.claim) AS claim, max(r.source) AS source, coalesce(sum(r.quantity), 0) AS quantity FROM generate_series(1, nclaims) n
				LEFT JOIN usom._ration_item(claims, sources) r ON r.claim = n GROUP BY n) r));
END
$$;

SELECT count(*) AS tried FROM (SELECT twin.try_ration_item() FROM generate_series(1, 500 * :cases)) AS t \gset
SELECT twin.report('backorder run of a product', :tried);
