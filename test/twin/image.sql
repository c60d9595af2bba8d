-- Canonical images (src/audit/canon*.c, image.c): what _audit_rows() reads out
-- of an entry is to_jsonb() of the row that was written, for every kind of
-- column and whatever the settings of the writer; and the same rows give the
-- same bytes under other settings.
SELECT setseed((:seed % 991) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;

CREATE DOMAIN twin.short AS varchar(12) CHECK (VALUE <> 'never');
CREATE TYPE twin.colour AS ENUM ('red', 'green', 'blue');
CREATE TABLE usom.twin_row (
	org_id bigint NOT NULL, id bigint NOT NULL, a boolean, b smallint, c integer, d bigint, e real, f double precision, g numeric, h numeric(18,6),
	i usom.quantity, j usom.amount, k text, l varchar(20), m char(8), n name, o bytea, p jsonb, q json, r timestamptz, s timestamp, t date, u text[],
	v uuid, w usom.order_status, x twin.short, y twin.colour, z inet
);
ALTER TABLE usom.twin_row DROP COLUMN c;
ALTER TABLE usom.twin_row ADD COLUMN c integer DEFAULT 7;
SELECT usom._audit_table('twin_row') IS NULL AS audited \gset

CREATE FUNCTION twin.random_text() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT CASE twin.pick(1, 6)
		WHEN 1 THEN twin.pick('', ' ', 'null', 'NULL', '{}', '"', E'back\\slash', E'tab\tline\nreturn\r', 'žluťoučký kůň', '日本語', '🚚', E'\x01\x1f', '''')
		ELSE (SELECT coalesce(string_agg(chr(twin.pick(32, 900)::integer), ''), '') FROM generate_series(1, twin.pick(0, 12)))
	END
$$;

-- Null now and then, and the value above now and then, for that has a form of its own.
CREATE FUNCTION twin.random_row(org bigint, key bigint, above usom.twin_row) RETURNS usom.twin_row LANGUAGE plpgsql AS $$
DECLARE
	fresh usom.twin_row;
	result jsonb;
BEGIN
	fresh.a := random() < 0.5;
	fresh.b := twin.pick(-32768, 32767);
	fresh.c := (ARRAY[0, 1, -1, 2147483647, -2147483648, twin.pick(-99999, 99999)])[twin.pick(1, 6)];
	fresh.d := (ARRAY[0, -1, 9223372036854775807, -9223372036854775808, twin.pick(-10000000000, 10000000000)])[twin.pick(1, 5)];
	fresh.e := twin.pick('0', '-0', '1e-30', '3.4e38', '0.1', '-1.5', (random() * 1000)::text);
	fresh.f := twin.pick('0', '-0', '1e-300', '1.7e308', '0.1', '-1.5', '1e15', '1e16', (random() * 1e6)::text);
	fresh.g := twin.pick('0', '0.000', '-0.5', '1e30', '1e-20', '123456789012345678901234567890.12345', '1.10', (random() * 1e6)::numeric::text);
	fresh.h := round((random() * 1e6)::numeric, twin.pick(0, 6)::integer);
	fresh.i := fresh.h;
	fresh.j := round(fresh.h, 4) - 500000;
	fresh.k := twin.random_text();
	fresh.l := left(twin.random_text(), 20);
	fresh.m := left(replace(twin.random_text(), E'\n', ''), 8);
	fresh.n := left(twin.random_text(), 10);
	fresh.o := decode(repeat(lpad(to_hex(twin.pick(0, 255)), 2, '0'), twin.pick(0, 300)::integer), 'hex');
	fresh.p := jsonb_build_object(twin.random_text(), random(), 'a', jsonb_build_array(NULL, true, twin.random_text(), 1.10, '{}'::jsonb));
	fresh.q := fresh.p::text;
	fresh.r := (ARRAY['2000-01-01 00:00:00+00', '1999-12-31 23:59:59.999999+00', '4713-01-01 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', 'infinity',
		'-infinity', '2024-02-29 12:00:00.5+05:30'])[twin.pick(1, 7)];
	fresh.s := (ARRAY['2000-01-01', 'infinity', '0044-03-15 BC', '1582-10-15 01:02:03.000004'])[twin.pick(1, 4)];
	fresh.t := (ARRAY['2000-01-01', 'infinity', '-infinity', '0044-03-15 BC', '5874897-12-31', '1970-01-01'])[twin.pick(1, 6)];
	fresh.u := CASE WHEN random() < 0.2 THEN '{}'::text[] ELSE ARRAY[twin.random_text(), NULL, twin.random_text()] END;
	fresh.v := md5(random()::text)::uuid;
	fresh.w := twin.pick('draft', 'submitted', 'confirmed', 'cancelled', 'rejected');
	fresh.x := left(twin.random_text(), 12);
	fresh.y := twin.pick('red', 'green', 'blue');
	fresh.z := twin.pick('10.0.0.1', '10.0.0.0/8', '::1', 'fe80::/10');
	SELECT jsonb_object_agg(f.key, CASE WHEN random() < 0.15 THEN 'null' WHEN random() < 0.2 THEN to_jsonb(above)->f.key ELSE f.value END)
	INTO result FROM jsonb_each(to_jsonb(fresh)) AS f;
	-- json and text arrays do not survive the detour through jsonb as they are: taken straight.
	fresh := jsonb_populate_record(NULL::usom.twin_row, result - 'q' - 'u');
	fresh.q := CASE WHEN random() < 0.8 THEN E'{"b": 1,\n "a": [1.0, "x"], "b": 2}'::json END;
	fresh.u := CASE WHEN random() < 0.7 THEN ARRAY[twin.random_text(), NULL, 'a,b', '"', ''] WHEN random() < 0.5 THEN '{}'::text[] END;
	fresh.org_id := org;
	fresh.id := key;
	RETURN fresh;
END
$$;

-- Settings that change what output functions print.
CREATE FUNCTION twin.shake_settings() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', twin.pick('UTC', 'Asia/Kolkata', 'America/St_Johns', 'Europe/Prague'), false),
		set_config('datestyle', twin.pick('ISO, DMY', 'SQL, MDY', 'German', 'Postgres, DMY'), false),
		set_config('extra_float_digits', twin.pick('0', '1', '3', '-5'), false),
		set_config('bytea_output', twin.pick('hex', 'escape'), false),
		set_config('intervalstyle', twin.pick('postgres', 'sql_standard'), false);
END
$$;

CREATE FUNCTION twin.steady_settings() RETURNS void LANGUAGE sql AS $$
	SELECT set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false), set_config('extra_float_digits', '1', false),
		set_config('bytea_output', 'hex', false), set_config('intervalstyle', 'postgres', false)
$$;

-- Insert, update and delete a set of rows; compare each image with the rows.
CREATE FUNCTION twin.try_images() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	org bigint := usom.current_org();
	rows_wanted bigint := twin.pick(1, 6);
	above usom.twin_row;
	made usom.twin_row[] := '{}';
	changed usom.twin_row[] := '{}';
	operation record;
BEGIN
	PERFORM twin.steady_settings();
	FOR n IN 1 .. rows_wanted LOOP
		above := twin.random_row(org, n, above);
		made := made || above;
	END LOOP;
	FOR n IN 1 .. rows_wanted LOOP
		above := twin.random_row(org, n, above);
		changed := changed || above;
	END LOOP;
	PERFORM twin.shake_settings();
	INSERT INTO usom.twin_row SELECT * FROM unnest(made);
	UPDATE usom.twin_row r SET (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z)
		= (SELECT w.a, w.b, w.c, w.d, w.e, w.f, w.g, w.h, w.i, w.j, w.k, w.l, w.m, w.n, w.o, w.p, w.q, w.r, w.s, w.t, w.u, w.v, w.w, w.x, w.y, w.z
			FROM unnest(changed) AS w WHERE w.id = r.id) WHERE r.org_id = org;
	DELETE FROM usom.twin_row WHERE org_id = org;
	PERFORM twin.steady_settings();
	FOR operation IN
		SELECT 'inserted' AS what, made AS before, e.after AS image FROM usom.audit_entry e WHERE e.table_name = 'twin_row' AND e.operation = 'INSERT'
		UNION ALL SELECT 'before', made, e.before FROM usom.audit_entry e WHERE e.table_name = 'twin_row' AND e.operation = 'UPDATE'
		UNION ALL SELECT 'after', changed, e.after FROM usom.audit_entry e WHERE e.table_name = 'twin_row' AND e.operation = 'UPDATE'
		UNION ALL SELECT 'deleted', changed, e.before FROM usom.audit_entry e WHERE e.table_name = 'twin_row' AND e.operation = 'DELETE'
	LOOP
		PERFORM twin.compare('audit image there and back', operation.what || ' ' || left(encode(operation.image, 'hex'), 200),
			(SELECT string_agg(to_jsonb(made_row)::text, E'\n' ORDER BY made_row.id) FROM unnest(operation.before) AS made_row),
			(SELECT string_agg(read.image::text, E'\n' ORDER BY (read.image->>'id')::bigint) FROM usom._audit_rows(operation.image) AS read (image)));
	END LOOP;
	RETURN 4;
END
$$;

-- Each try is rolled back, so its entries are the only ones of the table.
CREATE FUNCTION twin.try_images_alone() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	tried bigint;
	difference twin.difference;
BEGIN
	BEGIN
		tried := twin.try_images();
		SELECT d.* INTO difference FROM twin.difference d WHERE d.what = 'audit image there and back' LIMIT 1;
		RAISE EXCEPTION 'enough' USING ERRCODE = 'TW000';
	EXCEPTION WHEN SQLSTATE 'TW000' THEN
		IF difference.what IS NOT NULL THEN
			INSERT INTO twin.difference SELECT difference.*;
		END IF;
	END;
	RETURN tried;
END
$$;
SELECT sum(twin.try_images_alone()) AS tried FROM generate_series(1, 150 * :cases) \gset
SELECT twin.report('audit image there and back', :tried);

-- The same rows, written under two settings: the same bytes.
CREATE FUNCTION twin.bytes_of(made usom.twin_row[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	image bytea;
BEGIN
	BEGIN
		PERFORM twin.shake_settings();
		INSERT INTO usom.twin_row SELECT * FROM unnest(made);
		SELECT e.after INTO image FROM usom.audit_entry e WHERE e.table_name = 'twin_row';
		RAISE EXCEPTION 'enough' USING ERRCODE = 'TW000';
	EXCEPTION WHEN SQLSTATE 'TW000' THEN
		NULL;
	END;
	PERFORM twin.steady_settings();
	RETURN image;
END
$$;
CREATE FUNCTION twin.try_bytes() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	made usom.twin_row[] := ARRAY(SELECT twin.random_row(usom.current_org(), n, NULL) FROM generate_series(1, twin.pick(1, 4)) AS n);
BEGIN
	PERFORM twin.compare('audit image under other settings', made::text, encode(twin.bytes_of(made), 'hex'), encode(twin.bytes_of(made), 'hex'));
END
$$;
SELECT count(*) AS tried FROM (SELECT twin.try_bytes() FROM generate_series(1, 100 * :cases)) AS t \gset
SELECT twin.report('audit image under other settings', :tried);
