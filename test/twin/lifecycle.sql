-- Life cycles (lifecycle.def): states in their order and steps as the manual
-- tells them, written here once more by hand; the state types compare by that
-- order, read and write their labels, and the picture shows the same steps.
CREATE FUNCTION twin.steps(entity text) RETURNS TABLE (from_status text, to_status text, commanded boolean) LANGUAGE sql AS $$
	SELECT split_part(step, ' ', 1), split_part(step, ' ', 2), split_part(step, ' ', 3) <> 'follows'
	FROM unnest(CASE entity
		WHEN 'order' THEN ARRAY['draft submitted', 'draft cancelled', 'submitted confirmed', 'submitted rejected', 'submitted cancelled',
			'confirmed processing follows', 'confirmed cancelled', 'processing confirmed follows', 'processing partially_shipped follows',
			'processing shipped follows', 'processing cancelled', 'partially_shipped processing follows', 'partially_shipped shipped follows', 'partially_shipped delivered follows',
			'shipped processing follows', 'shipped partially_shipped follows',
			'shipped delivered follows', 'delivered closed']
		WHEN 'piece' THEN ARRAY['open backordered', 'open reserved', 'open cancelled', 'backordered reserved', 'backordered cancelled',
			'reserved backordered', 'reserved released', 'reserved cancelled', 'released reserved', 'released picked', 'released packed',
			'released shipped', 'released cancelled', 'picked released', 'picked packed', 'picked shipped', 'packed picked', 'packed shipped',
			'shipped released', 'shipped delivered',
			'shipped returned', 'delivered returned']
		END) AS step
$$;

CREATE FUNCTION twin.states(entity text) RETURNS text[] LANGUAGE sql AS $$
	SELECT CASE entity
		WHEN 'order' THEN ARRAY['draft', 'submitted', 'confirmed', 'processing', 'partially_shipped', 'shipped', 'delivered', 'closed', 'cancelled', 'rejected']
		WHEN 'piece' THEN ARRAY['open', 'backordered', 'reserved', 'released', 'picked', 'packed', 'shipped', 'delivered', 'returned', 'cancelled']
		END
$$;

-- Every pair of states: is there a step, and may it be commanded?
CREATE FUNCTION twin.try_matrix(entity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	tried bigint := 0;
	pair record;
BEGIN
	FOR pair IN EXECUTE format($q$
		SELECT a, b, (SELECT s.commanded FROM twin.steps(%1$L) s WHERE s.from_status = a AND s.to_status = b) AS expected,
			(SELECT s.commanded FROM usom.%2$I() s WHERE s.from_status = a AND s.to_status = b) AS actual,
			(SELECT CASE WHEN d.line LIKE '%%dashed%%' THEN false ELSE true END
				FROM regexp_split_to_table(usom.lifecycle_dot(%1$L), '\n') AS d (line) WHERE d.line LIKE E'\t' || a || ' -> ' || b || ' %%') AS pictured
		FROM unnest(twin.states(%1$L)) a CROSS JOIN unnest(twin.states(%1$L)) b$q$, entity, entity || '_lifecycle')
	LOOP
		PERFORM twin.compare(entity || ' life cycle', pair.a || ' -> ' || pair.b, pair.expected::text, pair.actual::text);
		PERFORM twin.compare(entity || ' life cycle', pair.a || ' -> ' || pair.b || ' in the picture', pair.expected::text, pair.pictured::text);
		tried := tried + 1;
	END LOOP;
	RETURN tried;
END
$$;
SELECT twin.report('order life cycle', twin.try_matrix('order'));
SELECT twin.report('piece life cycle', twin.try_matrix('piece'));

-- Comparison of two states is that of their places.
CREATE FUNCTION twin.try_type(entity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	tried bigint := 0;
	pair record;
BEGIN
	FOR pair IN EXECUTE format($q$
		SELECT a.state AS a, b.state AS b,
			format('%%s %%s %%s %%s %%s %%s', a.n < b.n, a.n <= b.n, a.n = b.n, a.n >= b.n, a.n > b.n, a.n <> b.n) AS expected,
			format('%%s %%s %%s %%s %%s %%s', x < y, x <= y, x = y, x >= y, x > y, x <> y) AS actual, x::text = a.state AS label
		FROM unnest(twin.states(%1$L)) WITH ORDINALITY AS a (state, n) CROSS JOIN unnest(twin.states(%1$L)) WITH ORDINALITY AS b (state, n)
			CROSS JOIN LATERAL (SELECT a.state::usom.%2$I AS x, b.state::usom.%2$I AS y) AS t$q$, entity, entity || '_status')
	LOOP
		PERFORM twin.compare(entity || ' states compared', pair.a || ', ' || pair.b, pair.expected, pair.actual);
		PERFORM twin.compare(entity || ' states compared', pair.a, 'true', pair.label::text);
		tried := tried + 1;
	END LOOP;
	RETURN tried;
END
$$;
SELECT twin.report('order states compared', twin.try_type('order'));
SELECT twin.report('piece states compared', twin.try_type('piece'));
