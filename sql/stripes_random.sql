-- The same calls, drawn by chance, in an organisation whose stock is in stripes and in one whose stock is not: the same
-- answers, the same errors, the same rows.  Stripes are set up and down all the while.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('striped'), ('plain'), ('striped ruled'), ('plain ruled');
-- A number below most, by chance that is the same in every run.
CREATE FUNCTION pg_temp.draw(case_no integer, what text, most integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT mod(('x' || substr(md5(case_no || what), 1, 7))::bit(28)::integer, most)
$$;
CREATE FUNCTION pg_temp.drawn_document(n integer, number text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('external_id', number, 'priority', 1 + pg_temp.draw(n, 'priority', 9), 'lines', jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
		'sku', 'S' || 1 + pg_temp.draw(n, 'sku' || k, 4), 'unit_price', 1,
		'quantity', CASE pg_temp.draw(n, 'size' || k, 12) WHEN 0 THEN 60 WHEN 1 THEN 2.5 ELSE 1 + pg_temp.draw(n, 'quantity' || k, 6) END,
		'location', CASE pg_temp.draw(n, 'named' || k, 8) WHEN 0 THEN 'A' WHEN 1 THEN 'B' END,
		'partial', CASE WHEN pg_temp.draw(n, 'whole' || k, 6) = 0 THEN false END)) ORDER BY k))
	FROM generate_series(1, 1 + pg_temp.draw(n, 'lines', 4)) k
$$;
CREATE FUNCTION pg_temp.drawn_call(n integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	sku text := 'S' || 1 + pg_temp.draw(n, 'sku', 4);
	place text := (ARRAY['A', 'B', 'C'])[1 + pg_temp.draw(n, 'place', 3)];
	quantity integer := 1 + pg_temp.draw(n, 'quantity', 9);
	owner text := 'cart ' || pg_temp.draw(n, 'owner', 5);
	number text := n - 1 - pg_temp.draw(n, 'number', 12);
BEGIN
	CASE pg_temp.draw(n, 'verb', 24)
		WHEN 0 THEN RETURN format('SELECT string_agg(o.status, '','') FROM usom.orders p, usom.cancel_order(p.order_no, ''no'') o WHERE p.external_id = %L', number);
		WHEN 1 THEN RETURN format('SELECT string_agg(o.status, '','') FROM usom.orders p, usom.cancel_line(p.order_no, 1, 1, ''no'') o WHERE p.external_id = %L', number);
		WHEN 2 THEN RETURN format('SELECT row(r.*)::text FROM usom.receive_stock(%L, %L, %s) r', place, sku, quantity * 8);
		WHEN 3 THEN RETURN format('SELECT row(r.*)::text FROM usom.adjust_stock(%L, %L, %s, ''chance'') r', place, sku, quantity * 4 - 24);
		WHEN 4 THEN RETURN format('SELECT (usom.reserve_stock(%L, %L, %L, %s, ''1 hour'') > 0)::text', owner, place, sku, quantity * 2);
		WHEN 5 THEN RETURN format('SELECT count(usom.release_stock(reservation_id))::text FROM usom.reservation WHERE org_id = usom.current_org() AND owner = %L', owner);
		WHEN 6 THEN RETURN format('SELECT row(r.*)::text FROM usom.set_safety(%L, %L, %s) r', place, sku, quantity);
		WHEN 7 THEN RETURN format('SELECT string_agg(row(p.external_id, f.line_no, f.quantity)::text, '','') FROM usom.fill_backorders(%L) f JOIN usom.orders p USING (order_no)', sku);
		WHEN 8 THEN RETURN format('SELECT row(c.*)::text FROM usom.count_stock(%L, %L, %s) c', place, sku, quantity * 20);
		WHEN 9 THEN RETURN format('SELECT string_agg(c.status, '','') FROM usom.orders p, usom.change_order(p.order_no, ''{"lines": [{"line_no": 1, "quantity": %s}, {"sku": "%s", "quantity": 2, "unit_price": 1}]}'') c WHERE p.external_id = %L', quantity, sku, number);
		WHEN 10 THEN RETURN format('SELECT string_agg(r.status, '','') FROM usom.orders p, usom.release_order(p.order_no) r WHERE p.external_id = %L', number);
		WHEN 11 THEN RETURN format('SELECT count(usom.ship(p.order_no))::text FROM usom.orders p WHERE p.external_id = %L', number);
		WHEN 12 THEN RETURN format('SELECT string_agg(o.outcome, '','') FROM usom.place_orders(%L) o', (SELECT jsonb_agg(pg_temp.drawn_document(n * 10 + b, n || '-' || b)) FROM generate_series(1, 3) b));
		WHEN 13 THEN RETURN format('SELECT row(p.status, p.quantity_reserved, p.quantity_backordered)::text FROM usom.place_order(%L) p', pg_temp.drawn_document(n, n::text) || jsonb_build_object('reservation_owner', owner));
		WHEN 14 THEN RETURN format('SELECT string_agg(s.status, '','') FROM usom.orders p, usom.reallocate_order(p.order_no) s WHERE p.external_id = %L', number);
		WHEN 15 THEN RETURN format('UPDATE usom.location SET active = NOT active WHERE code = %L AND %s RETURNING active::text', place, quantity > 6);
		ELSE RETURN format('SELECT row(p.status, p.quantity_reserved, p.quantity_backordered)::text FROM usom.place_order(%L) p', pg_temp.drawn_document(n, n::text));
	END CASE;
END
$$;
CREATE FUNCTION pg_temp.answer(org text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('usom.org', org, true);
	EXECUTE call INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION pg_temp.picture(org text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('usom.org', org, true);
	RETURN (SELECT string_agg(format('%s %s %s %s %s %s', p.sku, p.location, p.on_hand, p.reserved, p.held, p.available), E'\n' ORDER BY p.sku, p.location) FROM usom.stock_position p WHERE p.on_hand > 0)
		|| coalesce((SELECT string_agg(format('%s %s %s %s %s', o.external_id, f.line_no, f.location, f.status, f.quantity), E'\n' ORDER BY o.external_id, f.line_no, f.location, f.status, f.quantity)
			FROM usom.order_pieces f JOIN usom.orders o USING (order_no)), '')
		|| (SELECT string_agg(usom.available('S' || s)::text || ' ' || usom.available('S' || s, l)::text, ',' ORDER BY s, l) FROM generate_series(1, 4) s, unnest(ARRAY['A', 'B', 'C']) l);
END
$$;
-- What differs, if anything does; how many orders took units from a stripe, so that it is known that they did.
CREATE FUNCTION pg_temp.play(one text, other text, calls integer, salt integer) RETURNS TABLE (problem text, orders bigint, took_from_stripes boolean) LANGUAGE plpgsql AS $$
DECLARE
	org text;
	call text;
	found record;
BEGIN
	FOREACH org IN ARRAY ARRAY[one, other] LOOP
		PERFORM set_config('usom.org', org, true);
		INSERT INTO usom.location (code, priority) VALUES ('A', 1), ('B', 1), ('C', 2);
		INSERT INTO usom.product (sku) SELECT 'S' || s FROM generate_series(1, 4) s;
		IF org LIKE '% ruled' THEN
			UPDATE usom.location SET order_cost = 1, unit_cost = CASE code WHEN 'A' THEN 2 WHEN 'B' THEN 1 ELSE 3 END;
		END IF;
		PERFORM usom.receive_stock(l, 'S' || s, 60) FROM unnest(ARRAY['A', 'B', 'C']) l, generate_series(1, 4) s WHERE s > 2 OR l = 'A';
	END LOOP;
	FOR n IN salt + 1 .. salt + calls LOOP
		IF n % 9 = 1 THEN
			PERFORM pg_temp.answer(one, format('SELECT count(*) FROM usom.set_stock_stripes(%L, %L, %s)', 'S' || 1 + pg_temp.draw(n, 'striped', 4),
				(ARRAY['A', 'A', 'B', 'C'])[1 + pg_temp.draw(n, 'where', 4)], (ARRAY[0, 2, 3, 5, 2, 4])[1 + pg_temp.draw(n, 'stripes', 6)]));
		END IF;
		call := pg_temp.drawn_call(n);
		SELECT pg_temp.answer(one, call) AS a, pg_temp.answer(other, call) AS b, pg_temp.picture(one) AS c, pg_temp.picture(other) AS d INTO found;
		IF found.a IS DISTINCT FROM found.b OR found.c IS DISTINCT FROM found.d THEN
			RETURN QUERY SELECT format(E'after %s %s: %s and %s\n%s\n----\n%s', n, call, found.a, found.b, found.c, found.d), NULL::bigint, NULL::boolean;
			RETURN;
		END IF;
		PERFORM set_config('usom.org', one, true);
		CONTINUE WHEN n % 10 > 0;
		RETURN QUERY SELECT v::text, NULL::bigint, NULL::boolean FROM usom.verify_stripes() v UNION ALL SELECT v::text, NULL, NULL FROM usom.verify_reserved() v;
	END LOOP;
	RETURN QUERY SELECT v::text, NULL::bigint, NULL::boolean FROM usom.verify() v;
	RETURN QUERY SELECT 'none', (SELECT count(*) FROM usom.orders), (SELECT sum(t.takes) > 0 FROM usom.stock_stripes t);
END
$$;
SELECT * FROM pg_temp.play('striped', 'plain', 200, 0);
SELECT * FROM pg_temp.play('striped ruled', 'plain ruled', 100, 1000);
RESET usom.org;
