-- Fair shares (src/sourcing/ration.c) against a loop that reads as the rule is
-- told: lot by lot, to the claim with the highest average; a group whose cap
-- does not allow its next lot gets no more; the end is the first lot that is
-- larger than what is left.
SET client_min_messages = warning;
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset

CREATE FUNCTION twin.ration(supply numeric, demands numeric[], weights numeric[], minimum numeric, multiple numeric, groups text[], caps jsonb)
RETURNS numeric[] LANGUAGE plpgsql AS $$
DECLARE
	first numeric := greatest(ceil(minimum / multiple), 1) * multiple;
	share numeric[] := array_fill(0::numeric, ARRAY[cardinality(demands)]);
	closed text[] := '{}';
	rest numeric := supply;
	best record;
BEGIN
	LOOP
		SELECT n, d, g.name, s.step INTO best
		FROM unnest(demands) WITH ORDINALITY AS q (d, n)
			CROSS JOIN LATERAL (SELECT CASE share[n] WHEN 0 THEN first ELSE multiple END AS step) s
			CROSS JOIN LATERAL (SELECT groups[n] AS name) g
		WHERE share[n] + s.step <= d AND (g.name IS NULL OR g.name <> ALL (closed))
		ORDER BY weights[n] / (2 * share[n] + s.step) DESC, n LIMIT 1;
		EXIT WHEN NOT FOUND;
		IF caps ? best.name AND (SELECT sum(share[i]) FROM generate_subscripts(demands, 1) i WHERE groups[i] = best.name) + best.step > (caps->>best.name)::numeric THEN
			closed := closed || best.name;
			CONTINUE;
		END IF;
		EXIT WHEN best.step > rest;
		rest := rest - best.step;
		share[best.n] := share[best.n] + best.step;
	END LOOP;
	RETURN share;
END
$$;

-- Weights whose averages are equal only if they are equal to the last digit.
CREATE FUNCTION twin.try_ration() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	n integer := twin.pick(1, 6);
	scale numeric := (ARRAY[1, 1, 0.25, 0.000001, 1000000])[twin.pick(1, 5)];
	demands numeric[] := ARRAY(SELECT twin.pick(0, 12) * scale FROM generate_series(1, n));
	mode text := twin.pick('proportional', 'equal', 'weighted');
	weights numeric[] := CASE mode WHEN 'weighted' THEN ARRAY(SELECT twin.pick(1, 5)::numeric FROM generate_series(1, n)) END;
	minimum numeric := CASE WHEN random() < 0.4 THEN twin.pick(0, 6) * scale ELSE 0 END;
	multiple numeric := twin.pick(1, 3) * scale;
	groups text[] := CASE WHEN random() < 0.4 THEN ARRAY(SELECT (ARRAY['a', 'b', 'c', NULL])[twin.pick(1, 4)] FROM generate_series(1, n)) END;
	caps jsonb := CASE WHEN groups IS NOT NULL THEN jsonb_build_object('a', twin.pick(0, 20) * scale, 'b', twin.pick(0, 9) * scale) END;
	supply numeric := twin.pick(0, 40) * scale;
BEGIN
	PERFORM twin.compare('ration', format('usom.ration(%L, %L, %L, %L, %L, %L, %L, %L)', supply, demands, weights, minimum, multiple, mode, groups, caps),
		(SELECT string_agg(trim_scale(s)::text, ' ' ORDER BY o) FROM unnest(twin.ration(supply, demands,
			CASE mode WHEN 'weighted' THEN weights WHEN 'equal' THEN array_fill(1::numeric, ARRAY[n]) ELSE demands END, minimum, multiple, groups, caps)) WITH ORDINALITY AS t (s, o)),
		(SELECT string_agg(r.share::text, ' ' ORDER BY r.ordinal) FROM usom.ration(supply, demands, weights, minimum, multiple, mode, groups, caps) r));
END
$$;

SELECT count(*) AS tried FROM (SELECT twin.try_ration() FROM generate_series(1, 1000 * :cases)) AS t \gset
SELECT twin.report('ration', :tried);
